"""Plots of series over time, as lines of cells: title and legend, a vertical axis with units, a time axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from k3k_core.telemetry.quantities import Unit
from k3k_tui.text import fit, width
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line, fit_line, line_width
from k3k_tui.widgets.plot_canvas import AsciiCanvas, BrailleCanvas, Canvas, Form, draw
from k3k_tui.widgets.plot_scale import Scale, ago, label, scale_for

# Below it a plot is only its title and legend, which still tell the newest values.
LEAST_WIDTH: Final = 20
LEAST_HEIGHT: Final = 4
_WIDEST_LABEL: Final = 10


@dataclass(frozen=True, slots=True)
class Series:
    """One course of values.

    Attributes:
        name: one or two words for the legend.
        values: evenly spaced over the plot's span, the oldest first; NaN where nothing is known.
        role: gives it its colour.
        form: a line, or everything below it.
    """

    name: str
    values: Sequence[float]
    role: Role = "plot-1"
    form: Form = "line"

    @property
    def newest(self) -> float:
        """The last value that is known; NaN when there is none."""
        return next((value for value in reversed(self.values) if not math.isnan(value)), math.nan)


@dataclass(frozen=True, slots=True)
class Limit:
    """A value that should not be crossed, drawn across the plot.

    Attributes:
        name: one or two words for the legend.
        value: where it is.
    """

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Plot:
    """What is plotted.

    Attributes:
        title: a few words.
        unit: of all values.
        span: seconds from the left edge to the right one, which is now.
        series: those drawn first are covered by later ones.
        limit: what should not be crossed; shown where values come near it.
        empty: why there is nothing, one sentence.
    """

    title: str
    unit: Unit
    span: float
    series: tuple[Series, ...]
    limit: Limit | None = None
    empty: str = "nothing has been measured yet"


@dataclass(frozen=True, slots=True)
class PlotSigns:
    """What plots are drawn with.

    Attributes:
        braille: whether eight dots fit a cell; else each series has an ASCII sign.
        axis: vertical axis without and with a tick, corner, time axis.
        grid: across the plot at each tick, and at the limit.
        line: stands for a line in the legend.
        area: stands for an area in the legend.
        marks: of the series where there are no dots.
        bar: a bar of a list of them; it leaves room to the one below.
        gauge: full and empty part of a gauge.
    """

    braille: bool = True
    axis: tuple[str, str, str, str] = ("│", "┤", "╰", "─")
    grid: tuple[str, str] = ("┈", "╌")
    line: str = "⠒⠒"
    area: str = "⣿⣿"
    marks: tuple[str, ...] = ()
    bar: str = "▆"
    gauge: tuple[str, str] = ("━", "─")


UNICODE: Final = PlotSigns()
ASCII: Final = PlotSigns(
    bar="#",
    gauge=("#", "."),
    braille=False,
    axis=("|", "+", "+", "-"),
    grid=(" ", "-"),
    line="",
    area="",
    marks=("#", "*", "o", "x"),
)


def plot_lines(plot: Plot, columns: int, rows: int, signs: PlotSigns = UNICODE) -> list[Line]:
    """Draw a plot.

    Args:
        plot: what is plotted.
        columns: cells of each line.
        rows: lines, title and axes included.
        signs: what to draw with.

    Returns:
        Exactly `rows` lines of exactly `columns` cells.
    """
    head = fit_line(_head(plot, columns, signs), columns)
    if rows < LEAST_HEIGHT or columns < LEAST_WIDTH:
        return [head, *[fit_line((), columns)] * (rows - 1)][:rows]
    height = rows - 2
    limit = _limit_shown(plot)
    values = [value for series in plot.series for value in series.values if not math.isnan(value)]
    scale = scale_for([*values, *([limit.value] if limit else [])], plot.unit, _steps(height))
    gutter = min(max(map(width, scale.labels)), _WIDEST_LABEL)
    across = columns - gutter - 1
    body = _body(plot, scale, limit, across, height, gutter, signs)
    if not values:
        body[height // 2] = _said(plot.empty, body[height // 2], across)
    return [head, *body, _time_axis(plot.span, gutter, across, signs)]


def _steps(height: int) -> int:
    # So few that their labels stand evenly apart.
    return 1 if height < 3 else 2 if height < 9 else 4 if height < 16 else 5


def _limit_shown(plot: Plot) -> Limit | None:
    """Return the limit where values come to a quarter of it; further off it would flatten them."""
    if plot.limit is None:
        return None
    finite = (value for series in plot.series for value in series.values if math.isfinite(value))
    return plot.limit if max(finite, default=0.0) >= plot.limit.value / 4 else None


def _head(plot: Plot, columns: int, signs: PlotSigns) -> Line:
    """Return title and legend: every series by its word, with its newest value."""
    head: list[Cell] = [Cell(plot.title, "title")]
    for number, series in reversed(tuple(enumerate(plot.series))):
        sign = signs.area if series.form == "area" else signs.line
        mark = sign if signs.braille else signs.marks[number % len(signs.marks)]
        text = f"{series.name} {label(series.newest, plot.unit)}"
        head += [Cell("  "), Cell(mark, series.role), Cell(f" {text}")]
    known = [value for series in plot.series for value in series.values if not math.isnan(value)]
    limit = _limit_shown(plot)
    for extra in (
        []
        if limit is None
        else [Cell(signs.grid[1] * 2, "warn"), Cell(f" {limit.name} {label(limit.value, plot.unit)}")],
        [Cell(f"peak {label(max(known), plot.unit)}", "muted")] if known else [],
    ):
        # A legend that is cut off would name a series without its value.
        if extra and line_width((*head, Cell("  "), *extra)) <= columns:
            head += [Cell("  "), *extra]
    return tuple(head)


def _body(
    plot: Plot, scale: Scale, limit: Limit | None, across: int, height: int, gutter: int, signs: PlotSigns
) -> list[Line]:
    canvas: Canvas = (
        BrailleCanvas(across, height) if signs.braille else AsciiCanvas(across, height, signs.marks)
    )
    for layer, series in enumerate(plot.series):
        shares = [math.nan if math.isnan(value) else scale.share(value) for value in series.values]
        draw(canvas, shares, series.form, layer)
    ticks = dict(zip((_row(scale, tick, canvas, height) for tick in scale.ticks), scale.labels, strict=True))
    limited = None if limit is None else _row(scale, limit.value, canvas, height)
    lines: list[Line] = []
    for row in range(height):
        tick = ticks.get(row)
        axis = signs.axis[0] if tick is None else signs.axis[1]
        ground = (
            Cell(signs.grid[1], "warn")
            if row == limited
            else Cell(signs.grid[0] if tick is not None else " ", "muted")
        )
        cells = [
            ground if found is None else Cell(found[0], plot.series[found[1]].role)
            for found in (canvas.cell(column, row) for column in range(across))
        ]
        lines.append(
            (Cell(fit(tick or "", gutter, align="right"), "muted"), Cell(axis, "muted"), *_runs(cells))
        )
    return lines


def _row(scale: Scale, value: float, canvas: Canvas, height: int) -> int:
    """Return the row of cells, from the top, in which a value is drawn."""
    dot = round(scale.share(value) * (canvas.rows - 1))
    return (canvas.rows - 1 - dot) * height // canvas.rows


def _runs(cells: Sequence[Cell]) -> list[Cell]:
    """Join neighbours of one role."""
    runs: list[list[Cell]] = []
    for cell in cells:
        if runs and runs[-1][0].role == cell.role:
            runs[-1].append(cell)
        else:
            runs.append([cell])
    return [Cell("".join(cell.text for cell in run), run[0].role) for run in runs]


def _said(text: str, line: Line, across: int) -> Line:
    """Put a sentence into the middle of a line of the body."""
    said = fit(f" {text} ", min(across, width(text) + 2))
    left = (across - width(said)) // 2
    return (*line[:2], Cell(" " * left), Cell(said, "muted"), Cell(" " * (across - left - width(said))))


def _time_axis(span: float, gutter: int, across: int, signs: PlotSigns) -> Line:
    dash = signs.axis[3]
    left, middle, right = ago(span), ago(span / 2), ago(0)
    line = left + dash * (across - len(left) - len(right)) + right
    begin = (across - len(middle)) // 2
    if begin > len(left) + 1 and begin + len(middle) < across - len(right) - 1:
        line = line[:begin] + middle + line[begin + len(middle) :]
    return (Cell(" " * gutter), Cell(signs.axis[2], "muted"), Cell(line[:across], "muted"))
