"""A screen as PNG, with the font that textual-serve brings: the same picture on every machine."""

from __future__ import annotations

import io
from functools import lru_cache
from importlib.resources import files
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
_COLORS = 64
_FONT = ("static", "fonts", "RobotoMono-VariableFont_wght.ttf")
_REGULAR, _BOLD = 400, 700


def png(grid: Grid) -> bytes:
    """Return a screen as PNG.

    Args:
        grid: the screen.

    Raises:
        UsageError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        raise UsageError(
            "PNG pictures need Pillow, which is not installed.", hint="pip install 'k3k[screenshots]'"
        ) from None
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
    out = io.BytesIO()
    image.quantize(_COLORS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


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
