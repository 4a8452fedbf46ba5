"""The fleet as somebody chose to see it: filtered, ordered and grouped, kept current change by change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from k3k_tui.view.cells import Cell
from k3k_tui.view.columns import Column
from k3k_tui.view.row_cells import cells, group_cells
from k3k_tui.view.row_order import GroupLine, Line, Placed, RowLine, RowOrder
from k3k_tui.view.signs import Signs
from k3k_tui.view.sort_keys import group_rank, group_title, row_rank
from k3k_tui.view.state import ViewState
from k3k_tui.view.totals import FAULTS, FleetCourse, FleetSums, Totals

if TYPE_CHECKING:
    from k3k_core.fleet import ChangeSet, FleetKey, FleetRow, HostState
    from k3k_core.telemetry.history import History
    from k3k_tui.view.query import Query
    from k3k_tui.view.words import Problem

# Seconds between two looks at whether time alone has moved rows through the filter.
_REVIEW = 5.0


@dataclass(frozen=True, slots=True)
class ViewChange:
    """What a change did to the lines.

    Attributes:
        order_changed: whether lines came, went or changed places; then every line may be another.
        changed: lines whose content changed, by their numbers as they are now.
    """

    order_changed: bool = False
    changed: frozenset[int] = frozenset()


NOTHING = ViewChange()


class FleetView:
    """Rows of the fleet as lines.

    Args:
        clock: seconds since 1970.
        signs: of the terminal.
    """

    def __init__(self, clock: Callable[[], float], signs: Signs) -> None:
        self._clock = clock
        self._signs = signs
        self._rows: dict[FleetKey, FleetRow] = {}
        self._hosts: dict[str, HostState] = {}
        self._versions: dict[FleetKey, int] = {}
        self._places: dict[FleetKey, Placed] = {}
        self._changes = 0
        self._state = ViewState()
        self._query: Query | None = None
        self._problem: Problem | None = None
        self._order = RowOrder()
        self._sums = FleetSums()
        self._totals: Totals | None = None
        self._reviewed = clock()
        self.course = FleetCourse()

    @property
    def state(self) -> ViewState:
        """What somebody chose to see."""
        return self._state

    @property
    def problem(self) -> Problem | None:
        """What is wrong with the filter as it was typed; it is in force without its last word then, if that helps."""
        return self._problem

    @property
    def lines(self) -> Sequence[Line]:
        """Every line, from the top."""
        return self._order.lines

    @property
    def hosts(self) -> Mapping[str, HostState]:
        """The state of every host by name."""
        return MappingProxyType(self._hosts)

    @property
    def rows(self) -> Mapping[FleetKey, FleetRow]:
        """Every row there is, shown or not."""
        return MappingProxyType(self._rows)

    @property
    def totals(self) -> Totals:
        """Figures over all rows."""
        if self._totals is None:
            self._totals = self._sums.totals(len(self._order))
        return self._totals

    def row(self, key: FleetKey) -> FleetRow | None:
        """Return a row; None when it is not there any more.

        Args:
            key: which one.
        """
        return self._rows.get(key)

    def index(self, key: FleetKey) -> int | None:
        """Return the line of a row; None when it is not shown.

        Args:
            key: which one.
        """
        return self._order.index(key)

    def key(self, index: int) -> FleetKey | None:
        """Return which control plane a line shows; None for a heading.

        Args:
            index: number of the line.
        """
        line = self.lines[index]
        return line.key if isinstance(line, RowLine) else None

    def version(self, index: int) -> int | GroupLine:
        """Return what differs when the content of a line does, but for the ages in it.

        Args:
            index: number of the line.
        """
        line = self.lines[index]
        return self._versions[line.key] if isinstance(line, RowLine) else line

    def cells(
        self, index: int, columns: Sequence[Column], history: Callable[[FleetKey], History] | None = None
    ) -> tuple[Cell, ...]:
        """Return the cells of a line; those of a heading stand side by side, whatever the columns.

        Args:
            index: number of the line.
            columns: what to show of a row.
            history: finds the course of a row's signals.
        """
        line = self.lines[index]
        if isinstance(line, GroupLine):
            return group_cells(line.title, line.counts, self._signs)
        return cells(self._rows[line.key], columns, self._clock(), self._signs, history)

    def load(self, rows: Iterable[FleetRow], hosts: Iterable[HostState]) -> None:
        """Begin anew with what there is.

        Args:
            rows: every row.
            hosts: every host.
        """
        self._rows = {row.id: row for row in rows}
        self._hosts = {host.name: host for host in hosts}
        self._sums = FleetSums()
        for key, row in self._rows.items():
            self._sums.put(key, row)
        self._changes += 1
        self._versions = dict.fromkeys(self._rows, self._changes)
        self._places = {}
        self._arrange()

    def update(self, change: ChangeSet) -> ViewChange:
        """Take in what happened.

        Args:
            change: of the fleet.
        """
        for host in change.hosts:
            self._hosts[host.name] = host
        if not (change.changed or change.removed):
            return NOTHING
        self._changes += 1
        now = self._clock()
        batch: dict[FleetKey, Placed | None] = {}
        for row in change.changed:
            key = row.id
            self._rows[key] = row
            self._versions[key] = self._changes
            self._places.pop(key, None)
            self._sums.put(key, row)
            batch[key] = self._place(key, row) if self._lets_through(row, now) else None
        for key in change.removed:
            if self._rows.pop(key, None) is not None:
                del self._versions[key]
                self._places.pop(key, None)
                self._sums.put(key, None)
                batch[key] = None
        return self._put(batch)

    def show(self, state: ViewState) -> None:
        """Show something else of the fleet.

        Args:
            state: what; its columns, marks and cursor do not matter here.
        """
        before, self._state = self._state, state
        filtered = state.faults_only != before.faults_only
        if state.filter != before.filter:
            filtered |= self._read(state.filter)
        ordered = any(
            getattr(before, name) != getattr(state, name) for name in ("sort", "descending", "group")
        )
        if ordered:
            self._places = {}
        if ordered or filtered:
            self._arrange()

    def _read(self, text: str) -> bool:
        """Read a filter, or what it says without its last word, which may not be typed to its end; return whether
        one of the two can be used.
        """
        # Not before it is needed: the first frame does without.
        from k3k_tui.view.query import parse

        query = parse(text)
        self._problem = query.problem
        if query.problem is not None:
            query = parse(text.rpartition(" ")[0])
        if query.problem is None:
            self._query = query
        return query.problem is None

    def tick(self) -> ViewChange:
        """Let time go by: note the figures of the fleet, and see whom time alone moves through the filter."""
        now = self._clock()
        self.course.record(now, self.totals)
        if self._query is None or not self._query.timed or 0 <= now - self._reviewed < _REVIEW:
            return NOTHING
        self._reviewed = now
        batch: dict[FleetKey, Placed | None] = {}
        for key, row in self._rows.items():
            through = self._lets_through(row, now)
            if through != (key in self._order):
                batch[key] = self._place(key, row) if through else None
        return self._put(batch)

    def _put(self, batch: Mapping[FleetKey, Placed | None]) -> ViewChange:
        self._totals = None
        moved, groups = self._order.place(batch)
        indexes = {self._order.index(key) for key, placed in batch.items() if placed is not None}
        indexes |= {self._order.heading(group) for group in groups}
        return ViewChange(moved, frozenset(index for index in indexes if index is not None))

    def _arrange(self) -> None:
        now = self._clock()
        self._totals = None
        self._reviewed = now
        self._order = RowOrder()
        self._order.place(
            {key: self._place(key, row) for key, row in self._rows.items() if self._lets_through(row, now)}
        )

    def _lets_through(self, row: FleetRow, now: float) -> bool:
        if self._state.faults_only and row.judgement.verdict not in FAULTS:
            return False
        return self._query is None or self._query.matches(row, now)

    def _place(self, key: FleetKey, row: FleetRow) -> Placed:
        """Return where a row belongs, as known from before while neither it nor the order has changed."""
        place = self._places.get(key)
        if place is None:
            state = self._state
            title = group_title(row, state.group)
            group = group_rank(title, state.group) if state.group else ()
            rank = row_rank(row, state.sort, descending=state.descending)
            place = self._places[key] = Placed(group, rank, row.judgement.verdict)
        return place
