"""The last words on a line: what an ASCII-only or colourless terminal is sent."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from k3k_tui.look.filters import line_filters, plain
from k3k_tui.terminal import Profile

BLACK = Color(0, 0, 0)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("╭─ a ─╮", "+- a -+"),
        ("● Healthy", "* Healthy"),
        ("é ñ ﬁ", "e n f"),
        ("a — b", "a - b"),
        ("世界", "????"),
        ("⣿⡇", "??"),
    ],
)
def test_every_sign_becomes_ascii_of_the_same_width(text: str, shown: str) -> None:
    assert plain(text) == shown
    assert cell_len(plain(text)) == cell_len(text)


def test_an_ascii_terminal_is_sent_nothing_else() -> None:
    segments = [Segment("┃ żółw 世 │", Style(bold=True))]
    for line_filter in line_filters(Profile(ascii=True)):
        segments = line_filter.apply(segments, BLACK)
    assert segments[0].text.isascii()
    assert segments[0].style == Style(bold=True)


def test_without_colours_only_attributes_are_left() -> None:
    segments = [Segment("x", Style(color="red", bgcolor="#102030", reverse=True))]
    for line_filter in line_filters(Profile(no_color=True)):
        segments = line_filter.apply(segments, BLACK)
    style = segments[0].style
    assert style is not None
    assert style.reverse
    assert style.color is not None
    assert style.color.is_default
    assert style.bgcolor is not None
    assert style.bgcolor.is_default


def test_a_terminal_that_has_everything_needs_no_filter() -> None:
    assert line_filters(Profile()) == ()
