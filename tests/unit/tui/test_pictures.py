"""A screen as SVG and PNG."""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from k3k_tui.commands.pictures.grid import Grid, Look, Run
from k3k_tui.commands.pictures.png import png
from k3k_tui.commands.pictures.svg import svg

PLAIN = Look("#ffffff", "#000000")
MARKED = Look("#ff0000", "#112233", bold=True)


def grid(*runs: Run) -> Grid:
    """A screen of one line."""
    return Grid(sum(run.width for run in runs), 1, (runs,), "#000000")


def test_text_is_escaped_and_placed_by_cells() -> None:
    root = ET.fromstring(svg(grid(Run("<a>&", 4, PLAIN), Run("世b", 3, MARKED)), 'a "title"'))  # noqa: S314
    texts = [(each.text, each.get("textLength")) for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [("<a>&", "33.6"), ("世b", "25.2")]
    assert root.get("aria-label") == 'a "title"'


def test_the_svg_refers_to_nothing_elsewhere() -> None:
    drawn = svg(grid(Run("a", 1, PLAIN)), "x")
    assert drawn.replace("http://www.w3.org/2000/svg", "").find("http") == -1
    assert "<script" not in drawn


def test_the_same_screen_gives_the_same_bytes() -> None:
    made = grid(Run("abc", 3, PLAIN), Run("●▲█⣿", 4, MARKED))
    assert png(made) == png(made)
    assert svg(made, "x") == svg(made, "x")


def test_the_png_has_the_theme_s_own_colours_and_the_size_of_the_screen() -> None:
    image = Image.open(io.BytesIO(png(grid(Run("   ", 3, PLAIN), Run("█ ", 2, MARKED)))))
    assert image.size == (5 * 9 + 16, 19 + 16)
    colors = {color for _, color in image.convert("RGB").getcolors(1 << 16) or []}
    assert {(0, 0, 0), (255, 0, 0), (0x11, 0x22, 0x33)} <= colors


@pytest.mark.parametrize("sign", "█▁▇▌▘░─│┌╭┼═●◐◌○▲▼▶◆✖✓‖→⣿⠁")
def test_signs_without_a_letter_in_the_font_are_drawn(sign: str) -> None:
    blank = png(grid(Run(" ", 1, PLAIN)))
    missing = png(grid(Run("\U0010fffd", 1, PLAIN)))
    assert png(grid(Run(sign, 1, PLAIN))) not in {blank, missing}
