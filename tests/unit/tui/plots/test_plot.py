"""Plots as they stand on the screen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k3k_tui.view.lines import Line, line_width
from k3k_tui.widgets.plot import ASCII, UNICODE, Limit, Plot, PlotSigns, Series, plot_lines

NAN = math.nan


def drawn(plot: Plot, columns: int, rows: int, signs: PlotSigns = UNICODE) -> list[str]:
    return ["".join(cell.text for cell in line).rstrip() for line in plot_lines(plot, columns, rows, signs)]


def roles(line: Line, sign: str) -> set[str]:
    return {cell.role for cell in line if sign in cell.text}


def latencies(values: list[float]) -> Plot:
    return Plot("Reads", "seconds", 3600, (Series("p99", values, "plot-1"),))


def test_a_plot_has_title_legend_axes_and_units() -> None:
    ramp = Plot("Reads", "seconds", 3600, (Series("p99", [step / 10 for step in range(11)], "plot-1"),))
    assert drawn(ramp, 40, 8) == [
        "Reads  ⠒⠒ p99 1 s  peak 1 s",
        "2 s┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈",
        "   │",
        "1 s┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈⢀⣀",
        "   │                       ⣀⣀⣀⠤⠤⠔⠒⠒⠊⠉⠉⠁",
        "   │           ⢀⣀⣀⡠⠤⠤⠔⠒⠒⠉⠉⠉",
        "  0┤⣀⣀⣀⠤⠤⠤⠒⠒⠒⠉⠉⠁┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈",
        "   ╰60 min ago───30 min ago──────────now",
    ]


def test_ascii_alone_draws_each_series_with_a_sign_of_its_own() -> None:
    plot = Plot(
        "Reads",
        "seconds",
        3600,
        (Series("p50", [0.2] * 4, "plot-2", "area"), Series("p99", [0.9] * 4, "plot-1")),
    )
    lines = drawn(plot, 36, 8, ASCII)
    assert all(line.isascii() for line in lines)
    assert lines[0] == "Reads  * p99 900 ms  # p50 200 ms"
    assert any("*" in line for line in lines[1:4])
    assert "#" in lines[6]


def test_an_area_is_filled_down_to_zero_and_a_line_is_not() -> None:
    def filled(form: str) -> int:
        series = Series("x", [1.0] * 20, "plot-1", "area" if form == "area" else "line")
        return sum("⣿" in line for line in drawn(Plot("", "count", 60, (series,)), 40, 8)[1:-1])

    assert filled("area") >= 2
    assert filled("line") == 0


def test_gaps_stay_empty() -> None:
    line = drawn(latencies([1.0] * 10 + [NAN] * 10 + [1.0] * 10), 64, 8)[2:6]
    middle = [row[30:38] for row in line]
    assert not any(set(part) & set("⠉⠒⠤⣀") for part in middle)


def test_a_single_value_is_seen() -> None:
    lines = drawn(latencies([NAN] * 30 + [1.0]), 64, 8)
    assert any(0x2801 <= ord(char) <= 0x28FF for line in lines[1:-1] for char in line)


def test_steep_slopes_have_no_holes() -> None:
    lines = drawn(latencies([0.0] * 8 + [1.9] * 8), 24, 12)
    assert all(any(0x2801 <= ord(char) <= 0x28FF for char in line) for line in lines[2:-1])


def test_without_values_it_says_why() -> None:
    lines = drawn(Plot("Rate", "count/second", 900, (Series("all", []),), empty="nothing yet"), 50, 8)
    assert "nothing yet" in lines[4]
    assert lines[0] == "Rate  ⠒⠒ all -"


def test_a_limit_is_drawn_only_where_values_come_near_it() -> None:
    far, near = (
        Plot("W", "seconds", 60, (Series("p99", [value] * 5),), Limit("limit", 1.0)) for value in (0.01, 0.5)
    )
    assert not any("╌" in line for line in drawn(far, 60, 8))
    assert drawn(near, 60, 8)[0].startswith("W  ⠒⠒ p99 500 ms  ╌╌ limit 1 s")
    assert any("╌╌╌╌" in line for line in drawn(near, 60, 8)[1:])


def test_what_belongs_to_a_series_has_its_role() -> None:
    plot = Plot("", "count", 60, (Series("a", [1.0] * 9, "plot-2", "area"),))
    assert roles(plot_lines(plot, 40, 8)[5], "⣿") == {"plot-2"}


@pytest.mark.parametrize(("columns", "told"), [(80, (True, True)), (39, (True, False)), (30, (False, False))])
def test_a_legend_leaves_out_what_has_no_room(columns: int, told: tuple[bool, bool]) -> None:
    plot = Plot("Reads", "seconds", 60, (Series("p99", [0.5] * 5),), Limit("limit", 1.0))
    head = drawn(plot, columns, 8)[0]
    assert head.startswith("Reads  ⠒⠒ p99 500 ms")
    assert ("limit" in head, "peak" in head) == told


@settings(max_examples=60)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=80),
    st.integers(1, 120),
    st.integers(1, 20),
    st.booleans(),
)
def test_every_plot_takes_exactly_its_room(
    values: list[float], columns: int, rows: int, ascii_only: bool
) -> None:
    plot = Plot("Title", "bytes", 900, (Series("one", values), Series("two", values[::-1], "plot-2", "area")))
    lines = plot_lines(plot, columns, rows, ASCII if ascii_only else UNICODE)
    assert len(lines) == rows
    assert {line_width(line) for line in lines} == {columns}
