"""The lines of the fleet's table, and the sentences around it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, cast

from k3k_tui.look.glyphs import Glyphs
from k3k_tui.text import clean, width
from k3k_tui.view import figures
from k3k_tui.view.cells import Cell
from k3k_tui.view.columns import NAMING, Column, columns_for
from k3k_tui.view.fleet_view import FleetView
from k3k_tui.view.lines import Line
from k3k_tui.view.row_cells import VERDICT_ROLES
from k3k_tui.view.state import ViewState

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey, FleetRow
    from k3k_core.telemetry.history import History


class FleetLines:
    """The lines of a view of the fleet in the columns that are shown.

    Args:
        view: the fleet as somebody chose to see it.
        history: finds the course of a row's signals.
        chosen: columns of the configuration; empty lets the width choose.
    """

    def __init__(
        self, view: FleetView, history: Callable[[FleetKey], History], chosen: Sequence[str] = ()
    ) -> None:
        self._view = view
        self._history = history
        self._chosen = tuple(chosen)
        self._columns: tuple[Column, ...] = ()
        self._needs = dict.fromkeys(NAMING, 0)

    def measure(self, rows: Iterable[FleetRow]) -> bool:
        """Notice how much room names need; return whether it is more than before, so that other columns may fit.

        Args:
            rows: that came or changed.
        """
        before = dict(self._needs)
        for row in rows:
            key = row.id
            self._needs["name"] = max(self._needs["name"], width(key.name))
            self._needs["namespace"] = max(self._needs["namespace"], width(key.namespace))
        return self._needs != before

    def layout(self, room: int) -> Sequence[Column]:
        """Choose the columns.

        Args:
            room: cells there are for them.
        """
        state = self._view.state
        self._columns = columns_for(
            room,
            wide=state.wide,
            chosen=state.columns or self._chosen,
            hosts=len(self._view.hosts),
            group=state.group,
            needs=self._needs,
        )
        return self._columns

    def __len__(self) -> int:
        return len(self._view.lines)

    def key(self, index: int) -> Hashable | None:
        """Return which control plane a line shows."""
        return self._view.key(index)

    def index(self, key: Hashable) -> int | None:
        """Return the line of a control plane."""
        return self._view.index(cast("FleetKey", key))

    def cells(self, index: int) -> Sequence[Cell]:
        """Return the cells of a line."""
        return self._view.cells(index, self._columns, self._history)

    def version(self, index: int) -> Hashable:
        """Return what differs when the cells do, but for the ages in them."""
        return self._view.version(index)


def status_line(state: ViewState, *, shown: int, rows: int, marked: int, glyphs: Glyphs) -> Line:
    """Return what is shown of the fleet, and in which order.

    Args:
        state: what somebody chose to see.
        shown: control planes that are shown.
        rows: control planes there are.
        marked: control planes that are marked.
        glyphs: signs of the terminal.
    """
    sign = glyphs.descending if state.descending else glyphs.ascending
    parts = [
        Cell(f"{shown} of {rows} shown" if shown != rows else f"all {rows} shown", "text"),
        Cell(f"filter {clean(state.filter)}" if state.filter else "", "accent"),
        Cell("faults only" if state.faults_only else "", "accent"),
        Cell(f"order {state.sort or 'verdict'} {sign}", "muted"),
        Cell(f"by {state.group}" if state.group else "", "muted"),
        Cell("all columns" if state.wide else "", "muted"),
        Cell(f"{marked} marked" if marked else "", "accent"),
    ]
    line: list[Cell] = [Cell("  ")]
    for part in parts:
        if part.text:
            line += [Cell(f" {glyphs.separator} ", "muted")] if len(line) > 1 else []
            line.append(part)
    return tuple(line)


def detail_line(row: FleetRow, now: float, glyphs: Glyphs) -> Line:
    """Return why the control plane under the cursor is as it is; where it is well, how it is reached.

    Args:
        row: of the fleet.
        now: seconds since 1970.
        glyphs: signs of the terminal.
    """
    verdict = row.judgement.verdict
    sign = glyphs.verdicts.get(verdict, "?")
    # The whole name: the table may have had to cut it.
    said = [Cell("  "), Cell(f"{sign} {clean(str(row.id))}", VERDICT_ROLES.get(verdict, "unknown"))]
    if row.stale_since is not None:
        past = figures.age(max(0.0, now - row.stale_since))
        said.append(Cell(f"  as it was {past} ago, before its host was lost", "muted"))
    advice = row.judgement.findings[0].advice if row.judgement.findings else ""
    why = " ".join(clean(part) for part in (row.reason, advice) if part)
    endpoint = clean(row.control_plane.endpoint)
    if why:
        said.append(Cell(f"  {why}"))
    elif endpoint:
        said.append(Cell(f"  {endpoint}", "muted"))
    return tuple(said)
