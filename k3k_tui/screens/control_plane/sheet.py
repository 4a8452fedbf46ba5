"""What the sheets of the screen are made from, and the parts that several of them have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from k3k_core.telemetry.history import STEP, History, How
from k3k_core.telemetry.quantities import Unit, format_value
from k3k_tui.look.glyphs import UNICODE, Glyphs
from k3k_tui.screens.control_plane.subject import Loaded, Subject, VerbRates
from k3k_tui.text import clean
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line, wrap
from k3k_tui.widgets import plot as plots
from k3k_tui.widgets.plot import Limit, Plot, PlotSigns, Series, plot_lines
from k3k_tui.widgets.plot_canvas import Form

if TYPE_CHECKING:
    from k3k_core.lifecycle.description import Description
    from k3k_core.telemetry.signals.model import Latency, Signals

SPANS: Final = (900.0, 3600.0, 14400.0)
# Columns from which two blocks stand side by side.
WIDE: Final = 110


@dataclass(frozen=True, slots=True)
class SheetView:
    """Everything a sheet can show, at one moment.

    Attributes:
        subject: the control plane.
        now: seconds since 1970.
        history: the course of its signals.
        rates: requests by verb since the screen was opened.
        description: what the host's objects say.
        span: seconds that plots look back.
        glyphs: signs of the terminal.
        signs: what plots are drawn with.
    """

    subject: Subject
    now: float
    history: History = field(default_factory=History)
    rates: VerbRates = field(default_factory=VerbRates)
    description: Loaded[Description] = field(default_factory=Loaded)
    span: float = SPANS[1]
    glyphs: Glyphs = UNICODE
    signs: PlotSigns = plots.UNICODE

    @property
    def signals(self) -> Signals | None:
        """What was measured last."""
        return self.subject.row.signals if self.subject.row is not None else None

    def course(self, name: str, columns: int, how: How = "max") -> list[float]:
        """Return the course of a signal for a plot.

        Args:
            name: one of the history's series.
            columns: cells of the plot.
            how: what becomes of several values in one place.
        """
        slots = max(1, math.ceil(self.span / STEP))
        return self.history.downsample(name, min(slots, 2 * columns), how, span=self.span, until=self.now)


def plotted(
    view: SheetView,
    title: str,
    unit: Unit,
    courses: Sequence[tuple[str, str, Form]],
    columns: int,
    rows: int,
    *,
    limit: Limit | None = None,
) -> list[Line]:
    """Plot signals.

    Args:
        view: what there is.
        title: a few words.
        unit: of the values.
        courses: word for the legend, name of the series, and form of each; the first is drawn first.
        columns: cells of each line.
        rows: lines.
        limit: what should not be crossed.
    """
    colours: tuple[Role, ...] = ("plot-1", "plot-2", "plot-3", "plot-4")
    # The one on top comes first in the legend, and takes the first colour.
    series = tuple(
        Series(word, view.course(name, columns), colours[-number % len(colours)], form)
        for number, (word, name, form) in enumerate(courses, start=1 - len(courses))
    )
    empty = why_empty(view)
    return plot_lines(Plot(title, unit, view.span, series, limit, empty), columns, rows, view.signs)


def why_empty(view: SheetView) -> str:
    """Return why nothing was measured in the time that is shown, in a few words."""
    row = view.subject.row
    if row is None:
        return "waiting for the host"
    if row.reach.reason:
        return "cannot be read: see the overview"
    if row.signals is None:
        return "nothing has been measured yet"
    return "not measured in this time" if view.history.end is not None else "nothing has been measured yet"


def plot_rows(rows: int, others: int, stacked: int) -> int:
    """Return how many lines each of some plots gets.

    Args:
        rows: lines there are.
        others: lines that other things take.
        stacked: plots above each other.
    """
    return min(max((rows - others) // stacked, 7), 16)


def amount(value: float | None, unit: Unit, role: Role = "text") -> Cell:
    """Return a value with its unit; a dash where it is not known.

    Args:
        value: None or NaN when it is not known.
        unit: of the value.
        role: what it means.
    """
    if value is None or math.isnan(value):
        return Cell("-", "muted")
    return Cell(format_value(value, unit) if abs(value) < 1e15 else f"{value:.1e}", role)


def quantiles(latency: Latency | None) -> tuple[Cell, Cell, Cell, Cell]:
    """Return count, median, 90th and 99th percentile.

    Args:
        latency: None when nothing is known.
    """
    if latency is None:
        return (Cell("-", "muted"),) * 4
    return (
        amount(latency.count, "count"),
        amount(latency.p50, "seconds"),
        amount(latency.p90, "seconds"),
        amount(latency.p99, "seconds"),
    )


def name(text: str, role: Role = "text") -> Cell:
    """Return a name from a cluster as a cell.

    Args:
        text: anything; what is beyond 300 characters never fits.
        role: what it means.
    """
    return Cell(clean(text[:300]), role)


def trouble_lines(error: str, hint: str, key: str, columns: int) -> list[Line]:
    """Say why something cannot be shown, what to do about it, and how to try again.

    Args:
        error: why.
        hint: what to do; may be empty.
        key: that asks again, as it is written; empty where there is none.
        columns: cells of a line.
    """
    again = wrap(f"{key} asks again.", columns, "muted") if key else []
    return [*wrap(error, columns, "bad"), *(wrap(hint, columns) if hint else []), *again]


def loading_lines(loaded: Loaded[Description], what: str, columns: int) -> list[Line]:
    """Say that something is being loaded, or why it could not be; nothing when it is there.

    Args:
        loaded: state of it.
        what: is loaded, such as "events".
        columns: cells of a line.
    """
    if loaded.error:
        lines = wrap(f"The host did not tell its {what}: {loaded.error}", columns, "bad")
        return [*lines, *(wrap(loaded.hint, columns) if loaded.hint else []), ()]
    if loaded.value is None:
        return [(Cell(f"Asking the host for {what} ...", "muted"),), ()]
    return []
