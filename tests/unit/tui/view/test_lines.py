"""Lines and blocks of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line, beside, fields, fit_line, line_width, section, table, wrap


def said(lines: list[Line]) -> list[str]:
    return ["".join(cell.text for cell in line).rstrip() for line in lines]


def test_a_line_is_cut_with_a_sign_and_keeps_its_roles() -> None:
    line = fit_line((Cell("Down", "bad"), Cell(" because of everything", "text")), 10)
    assert line == (Cell("Down", "bad"), Cell(" beca…", "text"))


def test_a_part_that_just_fits_still_tells_that_more_follows() -> None:
    assert said([fit_line((Cell("four"), Cell("more")), 4)]) == ["fou…"]


@given(st.lists(st.text(max_size=12), max_size=5), st.integers(0, 30))
def test_a_fitted_line_takes_exactly_its_room(texts: list[str], columns: int) -> None:
    from k3k_tui.text import clean

    line = fit_line(tuple(Cell(clean(text)) for text in texts), columns)
    assert line_width(line) == columns


def test_text_is_broken_between_words() -> None:
    assert said(wrap("one two three four", 9)) == ["one two", "three", "four"]


def test_a_word_that_is_too_long_is_broken_anywhere() -> None:
    assert said(wrap("abcdefgh ij", 3)) == ["abc", "def", "gh", "ij"]


def test_wrapped_text_is_shown_and_never_interpreted() -> None:
    assert said(wrap("bad\x1b[2J name\u202e", 40)) == ["bad\\e[2J name\\u202e"]


@given(st.text(max_size=60), st.integers(2, 20))
def test_no_wrapped_line_is_longer_than_it_may_be(text: str, columns: int) -> None:
    assert all(line_width(line) <= columns for line in wrap(text, columns))


def test_a_long_value_goes_on_below_itself() -> None:
    lines = fields([("Name", (Cell("a b c d"),)), ("At", (Cell("x"),))], 10)
    assert said(lines) == ["Name  a b", "      c d", "At    x"]


def test_columns_are_as_wide_as_what_they_hold_and_numbers_end_together() -> None:
    rows = [(Cell("pods"), Cell("7")), (Cell("configmaps"), Cell("1200"))]
    assert said(table(("RESOURCE", "OBJECTS"), rows, 40, right=frozenset({1}))) == [
        "RESOURCE    OBJECTS",
        "pods              7",
        "configmaps     1200",
    ]


def test_the_flexible_column_gives_way() -> None:
    rows = [(Cell("a-name-that-is-long"), Cell("7"))]
    assert said(table(("NAME", "N"), rows, 13, flexible=0)) == ["NAME        N", "a-name-th…  7"]


def test_blocks_stand_side_by_side() -> None:
    left: list[Line] = [(Cell("l"),)]
    right: list[Line] = [(Cell("r1"),), (Cell("r2"),)]
    assert said(beside(left, right, 3)) == ["l    r1", "     r2"]


def test_an_empty_block_has_no_title() -> None:
    assert section("Volumes", []) == []
    assert said(section("Volumes", [(Cell("data"),)])) == ["Volumes", "data", ""]
