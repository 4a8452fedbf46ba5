"""Lines and columns of tables."""

from __future__ import annotations

import pytest

from k3k_tui.view.cells import Cell
from k3k_tui.widgets.line_cursor import LineCursor
from k3k_tui.widgets.lines import Line, Lines, TableColumn, laid_out


def lines(*keys: str | None) -> Lines:
    """Lines that stand for these keys; None for a heading."""
    return Lines([Line(key, (Cell(str(key)),)) for key in keys])


def standing(source: Lines, key: str) -> LineCursor:
    """A cursor on a line."""
    cursor = LineCursor()
    assert cursor.jump(source, key)
    return cursor


def test_columns_without_a_width_share_what_the_others_leave() -> None:
    layout = laid_out([TableColumn("a", "A", 10), TableColumn("b", "B"), TableColumn("c", "C")])
    assert [column.width for column in layout(43)] == [10, 16, 15]


def test_columns_without_a_width_stay_readable_on_a_narrow_screen() -> None:
    layout = laid_out([TableColumn("a", "A", 30), TableColumn("b", "B")])
    assert [column.width for column in layout(20)] == [30, 8]


def test_columns_with_widths_stay_as_they_are() -> None:
    columns = [TableColumn("a", "A", 3), TableColumn("b", "B", 4)]
    assert laid_out(columns)(100) == columns


def test_the_cursor_passes_over_headings() -> None:
    source = lines(None, "a", None, "b")
    cursor = standing(source, "a")
    passed = []
    for step in (1, -1):
        cursor.move(source, cursor.index + step, step)
        passed.append(cursor.key)
    assert passed == ["b", "a"]


@pytest.mark.parametrize(("index", "step", "key"), [(-5, -1, "a"), (0, 1, "a"), (99, 1, "b"), (3, -1, "b")])
def test_the_cursor_stays_among_the_lines(index: int, step: int, key: str) -> None:
    source = lines(None, "a", "b", None)
    cursor = standing(source, "a")
    cursor.move(source, index, step)
    assert cursor.key == key


def test_the_cursor_follows_its_key() -> None:
    cursor = standing(lines("a", "b", "c"), "b")
    cursor.follow(lines(None, "c", "x", "b"))
    assert (cursor.key, cursor.index) == ("b", 3)


def test_the_cursor_stays_near_the_line_of_a_key_that_went() -> None:
    cursor = standing(lines("a", "b", "c"), "b")
    stood = []
    for left in (lines("a", "c"), lines("a")):
        cursor.follow(left)
        stood.append(cursor.key)
    assert stood == ["c", "a"]


@pytest.mark.parametrize("source", [lines(), lines(None, None)])
def test_the_cursor_is_nowhere_without_lines_to_be_on(source: Lines) -> None:
    cursor = standing(lines("a"), "a")
    cursor.follow(source)
    assert (cursor.key, cursor.index) == (None, -1)
    cursor.move(source, 0, 1)
    assert cursor.key is None


def test_the_cursor_does_not_jump_to_what_is_not_there() -> None:
    source = lines("a")
    cursor = standing(source, "a")
    assert not cursor.jump(source, "b")
    assert cursor.key == "a"
