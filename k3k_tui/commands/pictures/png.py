"""A screen as PNG, with the font that textual-serve brings: the same picture on every machine."""

from __future__ import annotations

import io
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from rich.cells import get_character_cell_size

from k3k_core.errors import UsageError
from k3k_tui.commands.pictures.grid import Grid, Look
from k3k_tui.commands.pictures.shapes import Cell, Rgb, draw_shape

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

# Of a cell and its text, in pixels; at this size the font's letters are nine pixels wide.
_WIDTH, _HEIGHT, _SIZE, _BASE = 9, 19, 15, 15
_MARGIN = 8
_COLORS, _STEPS = 128, 12
_FONT = ("static", "fonts", "RobotoMono-VariableFont_wght.ttf")
_REGULAR, _BOLD = 400, 700


def check_library() -> None:
    """Refuse to begin without the library that draws.

    Raises:
        UsageError: it is not installed.
    """
    if find_spec("PIL") is None:
        raise UsageError(
            "PNG pictures need Pillow, which is not installed.", hint="pip install 'k3k[screenshots]'"
        )


def png(grid: Grid) -> bytes:
    """Return a screen as PNG.

    Args:
        grid: the screen.
    """
    from PIL import Image, ImageDraw

    size = grid.width * _WIDTH + 2 * _MARGIN, grid.height * _HEIGHT + 2 * _MARGIN
    image = Image.new("RGB", size, grid.background)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(grid.lines):
        at = _MARGIN
        for run in line:
            for sign in run.text:
                cells = get_character_cell_size(sign)
                _draw(draw, sign, at, _MARGIN + number * _HEIGHT, cells, run.look)
                at += cells * _WIDTH
    colors = Image.new("P", (1, 1))
    colors.putpalette(bytes(part for color in _palette(grid) for part in color))
    out = io.BytesIO()
    image.quantize(palette=colors, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _palette(grid: Grid) -> list[Rgb]:
    """Return the colours of the screen as they are, then steps between text and its background for smooth edges."""
    pairs = dict.fromkeys(
        (_rgb(run.look.background), _rgb(run.look.color)) for line in grid.lines for run in line
    )
    colors = dict.fromkeys((_rgb(grid.background), *(color for pair in pairs for color in pair)))
    steps = min(_STEPS, max(1, (_COLORS - len(colors)) // max(1, len(pairs))))
    for step in range(1, steps + 1):
        part = step / (steps + 1)
        for back, front in pairs:
            red, green, blue = (round(a + (b - a) * part) for a, b in zip(back, front, strict=True))
            colors[red, green, blue] = None
    return list(colors)[:256]


def _draw(draw: Any, sign: str, left: int, top: int, cells: int, look: Look) -> None:
    cell = Cell(draw, left, top, cells * _WIDTH, _HEIGHT, _rgb(look.color), _rgb(look.background))
    cell.box(0, 0, 1, 1, cell.background)
    if sign != " " and not draw_shape(sign, cell):
        draw.text((left, top + _BASE), sign, fill=cell.color, font=_font(bold=look.bold), anchor="ls")
    if look.underline:
        draw.line((left, top + _BASE + 2, left + cell.width - 1, top + _BASE + 2), fill=cell.color)
    if look.strike:
        draw.line((left, top + _BASE - 5, left + cell.width - 1, top + _BASE - 5), fill=cell.color)


@lru_cache
def _font(*, bold: bool) -> FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.truetype(io.BytesIO(files("textual_serve").joinpath(*_FONT).read_bytes()), _SIZE)
    font.set_variation_by_axes([_BOLD if bold else _REGULAR])
    return font


@lru_cache
def _rgb(color: str) -> Rgb:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
