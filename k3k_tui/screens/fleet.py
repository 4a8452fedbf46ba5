"""The fleet screen: every control plane of every host."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from k3k_core.errors import K3kError
from k3k_tui.actions.registry import bindings
from k3k_tui.actions.typed import TypedHistory
from k3k_tui.places import ControlPlanePlace, FleetPlace, Place
from k3k_tui.services import services
from k3k_tui.view import choices
from k3k_tui.view.columns import COLUMNS
from k3k_tui.view.fleet_view import FleetView, ViewChange
from k3k_tui.view.lines import Line
from k3k_tui.view.pending import PendingChanges
from k3k_tui.view.state import ViewState
from k3k_tui.widgets.breadcrumbs import Breadcrumbs
from k3k_tui.widgets.empty_fleet import empty_fleet
from k3k_tui.widgets.filter_bar import FilterBar
from k3k_tui.widgets.fleet_header import FleetHeader
from k3k_tui.widgets.fleet_lines import FleetLines, detail_line, status_line
from k3k_tui.widgets.fleet_summary import FleetFacts
from k3k_tui.widgets.key_footer import KeyFooter
from k3k_tui.widgets.line_table import LineTable
from k3k_tui.widgets.live_keys import key_of
from k3k_tui.widgets.steady_lines import SteadyLines
from k3k_tui.widgets.toast import tell_error

if TYPE_CHECKING:
    from k3k_core.fleet import ChangeSet, FleetKey
    from k3k_tui.view.suggestions import Suggestion

# Seconds between two looks at what changes with time alone: ages, courses.
_AGES = 5.0
# Ticks between two updates of the header: its figures change with every reading.
_HEADER_TICKS = 2
# Verdict and name stay in sight when the columns move sideways.
_FIXED = 2


class _Opens(Protocol):
    """An app that goes to places."""

    def open_place(self, place: Place) -> None:
        """Go somewhere."""


class FleetScreen(Screen[None]):
    """Every control plane.

    Args:
        place: what is shown of the fleet.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("fleet", "targets")
    DEFAULT_CSS = """
    FleetScreen {
        #detail { background: $surface; }
        &.empty LineTable { display: none; }
    }
    """

    def __init__(self, place: FleetPlace) -> None:
        super().__init__()
        self.place: Place = place
        self._pending = PendingChanges()
        self._filters = TypedHistory()
        self._asleep = False
        self._ticks = 0
        self._next_ages = 0.0
        self._focused: tuple[Hashable, ...] = ()
        self._stop: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        """Lay out header, filter, table and footer."""
        yield Breadcrumbs()
        yield FleetHeader()
        yield FilterBar(self._offers, self._filters)
        yield LineTable(fixed=_FIXED, markable=True)
        yield SteadyLines(id="empty")
        yield SteadyLines([()], id="detail")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Show what there is, and follow the fleet."""
        known = services(self)
        self._view = FleetView(known.clock, known.look.glyphs)
        self._lines = FleetLines(self._view, known.fleet.history, known.config.columns)
        self._view.load(known.fleet.rows.values(), known.fleet.hosts.values())
        self._lines.measure(known.fleet.rows.values())
        self._stop = known.fleet.listen(self._hear)
        self.visit(self.place)
        self._table.focus()
        self.set_interval(known.profile.tick, self._tick)

    def on_unmount(self) -> None:
        """Follow nothing any more."""
        if self._stop is not None:
            self._stop()

    def on_screen_suspend(self) -> None:
        """Draw nothing while another screen is on top."""
        self._asleep = True

    def on_screen_resume(self) -> None:
        """Catch up."""
        self._asleep = False
        if self._stop is not None and self.query(LineTable):
            self._table.show(self._lines.layout, self._lines)
            self._tick()

    def on_resize(self) -> None:
        """Tell as much as there is room for."""
        if self._stop is not None:
            self.call_after_refresh(self._tell)

    # What is seen

    @property
    def state(self) -> ViewState:
        """What somebody chose to see of the fleet."""
        return cast("FleetPlace", self.place).view

    def visit(self, place: Place) -> None:
        """Show another part of the fleet, the cursor and the marks where they were then.

        Args:
            place: which.
        """
        if not isinstance(place, FleetPlace):
            return
        self.place = place
        if self._stop is None:
            return
        self._show_state()
        self._table.mark(cast("frozenset[Hashable]", place.view.marked))
        if place.view.cursor is not None:
            self._table.go_to(place.view.cursor)

    def targets(self) -> tuple[FleetKey, ...]:
        """Return the marked control planes, in the order they are shown in, else the one under the cursor."""
        self._table.hold()
        marked = cast("frozenset[FleetKey]", self._table.marked)
        if marked:
            place = {key: self._view.index(key) for key in marked & self._view.rows.keys()}
            return tuple(sorted(place, key=lambda key: (place[key] is None, place[key] or 0, key)))
        cursor = cast("FleetKey | None", self._table.cursor)
        return (cursor,) if cursor is not None else ()

    @property
    def _table(self) -> LineTable:
        return self.query_one(LineTable)

    def _choose(self, state: ViewState) -> None:
        """See something else of the fleet."""
        self.place = FleetPlace(state)
        self._show_state()
        self._table.mark(cast("frozenset[Hashable]", state.marked))

    def _show_state(self) -> None:
        state, table = self.state, self._table
        self._view.show(state)
        table.show_order(state.sort or "verdict", descending=state.descending)
        table.show(self._lines.layout, self._lines)
        self.query_one(FilterBar).show_problem(self._view.problem)
        self.query_one(Breadcrumbs).update()
        self._tell()

    # What comes in

    def _hear(self, change: ChangeSet) -> None:
        self._pending.add(change)
        if not (self._view.rows or self._asleep):
            # The first ones are shown at once.
            self.call_next(self._tick)

    def _tick(self) -> None:
        """Show what has happened since the last time."""
        # At the end of the dashboard the table goes before this screen does.
        if not self.query(LineTable):
            return
        if self._asleep:
            self._keep_up()
            return
        hosts, longer = len(self._view.hosts), False
        changes = []
        if self._pending:
            change, longer = self._take_in()
            changes.append(change)
        changes.append(self._view.tick())
        if longer or len(self._view.hosts) != hosts:
            # Longer names want room, and with a second host its name becomes worth a column.
            self._table.show(self._lines.layout, self._lines)
        else:
            self._paint(changes)
        self._ticks += 1
        self._tell(header=not self._ticks % _HEADER_TICKS or not self._view.rows)

    def _take_in(self) -> tuple[ViewChange, bool]:
        """Let the view know what has happened; return what changed in it, and whether names want more room."""
        pending = self._pending.take()
        if pending.removed:
            self._table.mark(self._table.marked - set(pending.removed))
        return self._view.update(pending), self._lines.measure(pending.changed)

    def _keep_up(self) -> None:
        """Behind another screen only the course of the fleet's figures goes on, without a line being drawn."""
        now = services(self).clock()
        if not 0 <= self._next_ages - now <= _AGES:
            self._next_ages = now + _AGES
            if self._pending:
                self._take_in()
            self._view.tick()

    def _paint(self, changes: list[ViewChange]) -> None:
        now = services(self).clock()
        if any(change.order_changed for change in changes):
            self._table.reordered()
        if not 0 <= self._next_ages - now <= _AGES:
            self._next_ages = now + _AGES
            self._table.changed()
        else:
            self._table.changed(frozenset().union(*(change.changed for change in changes)))

    def _tell(self, *, header: bool = True) -> None:
        """Bring everything around the table up to date."""
        known, view, table = services(self), self._view, self._table
        glyphs, now, totals = known.look.glyphs, known.clock(), self._view.totals
        hosts = tuple(view.hosts.values())
        if header:
            error, hint, key = known.fleet.error, known.fleet.hint, key_of(self, "app.hosts")
            facts = FleetFacts(totals, view.course, hosts, now, error, hint, key)
            self.query_one(FleetHeader).tell(facts)
        status = status_line(
            self.state, shown=totals.shown, rows=totals.rows, marked=len(table.marked), glyphs=glyphs
        )
        self.query_one(FilterBar).show_status(status)
        self.set_class(not totals.shown, "empty")
        self.query_one("#empty", SteadyLines).show(() if totals.shown else self._why_empty())
        self._tell_detail()
        if totals.shown:
            self._tell_focus()

    def _tell_detail(self) -> None:
        known = services(self)
        cursor = cast("FleetKey | None", self._table.cursor)
        row = self._view.row(cursor) if cursor is not None and self._view.index(cursor) is not None else None
        line = detail_line(row, known.clock(), known.look.glyphs) if row is not None else ()
        self.query_one("#detail", SteadyLines).show([line])

    def _tell_focus(self) -> None:
        """Have those on the screen read first."""
        keys = self._table.keys_in_sight
        if keys != self._focused:
            self._focused = keys
            services(self).fleet.focus(cast("tuple[FleetKey, ...]", keys))

    def _why_empty(self) -> tuple[Line, ...]:
        known = services(self)
        return empty_fleet(
            rows=self._view.totals.rows,
            state=self.state,
            hosts=tuple(self._view.hosts.values()),
            opening=bool(known.hosts) and not self._view.hosts,
            error=known.fleet.error,
            read_only=known.read_only,
            key=lambda name: key_of(self, name),
        )

    def _offers(self, text: str) -> tuple[Suggestion, ...]:
        from k3k_tui.view.suggestions import suggest

        return suggest(text, self._view.rows.values())

    # What the table and the filter tell

    @on(LineTable.Highlighted)
    def _cursor_moved(self, event: LineTable.Highlighted) -> None:
        self.place = FleetPlace(replace(self.state, cursor=cast("FleetKey | None", event.key)))
        self._tell_detail()

    @on(LineTable.Marked)
    def _marks_changed(self, event: LineTable.Marked) -> None:
        self.place = FleetPlace(replace(self.state, marked=cast("frozenset[FleetKey]", event.keys)))
        self._tell(header=False)

    @on(LineTable.Selected)
    def _opened(self, event: LineTable.Selected) -> None:
        cast("_Opens", self.app).open_place(ControlPlanePlace(cast("FleetKey", event.key)))

    @on(LineTable.HeadingPicked)
    def _heading_picked(self, event: LineTable.HeadingPicked) -> None:
        self.action_sort(event.name)

    @on(FilterBar.Changed)
    def _filter_typed(self, event: FilterBar.Changed) -> None:
        self._choose(replace(self.state, filter=event.text))

    @on(FilterBar.Closed)
    def _filter_closed(self) -> None:
        self._table.focus()

    # What keys and commands do

    def action_filter(self, *words: str) -> None:
        """Let a filter be typed, or use the one of a command."""
        if words:
            self._choose(replace(self.state, filter=" ".join(words)))
        else:
            self.query_one(FilterBar).begin(self.state.filter)

    def action_clear(self) -> None:
        """Take away what hides control planes, one thing after the other."""
        self._choose(choices.cleared(self.state))

    def action_faults(self) -> None:
        """Show only what is not well, or everything again."""
        self._choose(replace(self.state, faults_only=not self.state.faults_only))

    def action_sort(self, *words: str) -> None:
        """Order by the column of a command, or ask for one."""
        if words:
            self._try(lambda: choices.sorted_by(self.state, words))
            return
        from k3k_tui.widgets.dialogs.choose import Choice, Choose

        shown = [column.name for column in self._table.columns]
        names = [*shown, *(name for name in COLUMNS if name not in shown)]
        picked = [Choice(name, COLUMNS[name].title, COLUMNS[name].summary) for name in names]
        now = self.state.sort or "verdict"
        ask = Choose("Order by", picked, chosen=names.index(now) if now in names else 0)
        self.app.push_screen(ask, lambda name: self.action_sort(name) if name else None)

    def action_sort_next(self, step: int) -> None:
        """Order by the neighbouring column."""
        shown = [column.name for column in self._table.columns]
        self._choose(choices.sorted_by_next(self.state, shown, step))

    def action_reverse(self) -> None:
        """Turn the order round."""
        self._choose(replace(self.state, descending=not self.state.descending))

    def action_group(self, *words: str) -> None:
        """Group by what a command says, or ask."""
        if words:
            self._try(lambda: choices.grouped_by(self.state, words[0]))
            return
        from k3k_tui.widgets.dialogs.choose import Choice, Choose

        picked = [Choice(name or "none", name or "no groups") for name in choices.GROUPINGS]
        ask = Choose("Group by", picked, chosen=choices.GROUPINGS.index(self.state.group))
        self.app.push_screen(ask, lambda name: self.action_group(name) if name else None)

    def action_wide(self) -> None:
        """Show every column, or those that fit."""
        self._choose(replace(self.state, wide=not self.state.wide))

    def action_columns(self, *words: str) -> None:
        """Show the columns of a command, or ask which."""
        if words:
            self._try(lambda: choices.with_columns(self.state, words))
            return
        from k3k_tui.widgets.column_chooser import ColumnChooser

        chooser = ColumnChooser([column.name for column in self._table.columns])
        self.app.push_screen(chooser, self._columns_chosen)

    def _columns_chosen(self, names: tuple[str, ...] | None) -> None:
        if names is not None:
            self._choose(replace(self.state, columns=names))

    def _try(self, choose: Callable[[], ViewState]) -> None:
        try:
            self._choose(choose())
        except K3kError as error:
            tell_error(self.app, error)
