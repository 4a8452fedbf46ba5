"""Text in cells: it takes exactly the cells it is given, whatever it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from k3k_core.cli.terminal import UNSAFE
from k3k_tui.text import clean, fit, width
from tests.support.fleet_rows import HOSTILE

ANYTHING = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "世界😀é\u0301\u200d\ufe0f\u202e\u2066\ud800\x00\x1b[]\\\t\n\u05e9\u05dc\u05d0\u0600ก\u0e34\u115f\u00ad"
        ),
    ),
    max_size=60,
)


@given(ANYTHING, st.integers(0, 40), st.sampled_from(("…", "~", "...")), st.sampled_from(("left", "right")))
def test_any_text_takes_exactly_the_cells_it_is_given(
    text: str, cells: int, ellipsis: str, align: str
) -> None:
    shown = fit(text, cells, ellipsis, "right" if align == "right" else "left")
    assert cell_len(shown) == width(shown) == cells
    assert UNSAFE.search(shown) is None


@given(ANYTHING)
def test_a_cleaned_text_holds_nothing_a_terminal_obeys_and_stays_clean(text: str) -> None:
    assert UNSAFE.search(clean(text)) is None
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("text", "cells", "shown"),
    [
        ("storefront", 12, "storefront  "),
        ("storefront", 10, "storefront"),
        ("storefront", 8, "storefr…"),
        ("storefront", 1, "s"),
        ("storefront", 0, ""),
        ("", 3, "   "),
        ("世界 ok", 7, "世界 ok"),
        # A character of two cells that would end beyond the edge leaves a blank.
        ("世界世界", 6, "世界… "),
        ("世界世界", 5, "世界…"),
        ("cafe\u0301s", 5, "cafe\u0301s"),
        ("שלום", 6, "שלום  "),
        ("a\tb", 6, "a\\tb  "),
        ("\x1b[31mred", 20, "\\e[31mred           "),
        ("a\u202eb", 10, "a\\u202eb  "),
        ("a\ud800b", 10, "a\\ud800b  "),
    ],
)
def test_texts_are_filled_with_blanks_or_cut(text: str, cells: int, shown: str) -> None:
    assert fit(text, cells) == shown


def test_numbers_stand_at_the_right() -> None:
    assert fit("12", 5, align="right") == "   12"
    assert fit("世", 5, align="right") == "   世"
    assert fit("123456", 5, align="right") == "1234…"


def test_the_sign_for_a_cut_is_left_out_where_there_is_only_room_for_it() -> None:
    assert fit("storefront", 3, "...") == "sto"
    assert fit("世界世界", 3, "...") == "世 "


def test_a_mark_without_a_letter_does_not_land_on_the_cell_to_the_left() -> None:
    assert fit("\u0301abc", 3) == "abc"


def test_a_letter_below_a_thousand_marks_keeps_a_few_of_them() -> None:
    shown = fit("a" + "\u0301" * 1000 + "b", 10)
    assert len(shown) < 20
    assert shown.startswith("a\u0301")


def test_characters_that_terminals_disagree_on_are_left_out() -> None:
    assert clean("a\u00adb\ufe0fc\U000e0041d\u3164e\U0001f3fd") == "abcde"


def test_a_megabyte_is_cut_like_any_other_text() -> None:
    assert fit("x" * 1_000_000, 5) == "xxxx…"
    assert cell_len(fit(HOSTILE, 30)) == 30
