"""Signs drawn as shapes, as terminals do: blocks, frames, braille and marks meet their neighbours without a gap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Rgb: TypeAlias = tuple[int, int, int]
# Arms of the frames of U+2500: left, right, up, down; 1 light, 2 heavy or double.
_ARMS = {
    "─": "1100", "━": "2200", "│": "0011", "┃": "0022", "┌": "0101", "┏": "0202", "┐": "1001", "┓": "2002",
    "└": "0110", "┗": "0220", "┘": "1010", "┛": "2020", "├": "0111", "┣": "0222", "┤": "1011", "┫": "2022",
    "┬": "1101", "┳": "2202", "┴": "1110", "┻": "2220", "┼": "1111", "╋": "2222", "╭": "0101", "╮": "1001",
    "╰": "0110", "╯": "1010", "╴": "1000", "╶": "0100", "╵": "0010", "╷": "0001", "╸": "2000", "╺": "0200",
    "╹": "0020", "╻": "0002", "═": "2200", "║": "0022", "╔": "0202", "╗": "2002", "╚": "0220", "╝": "2020",
    "┄": "1100", "┈": "1100", "╌": "1100", "┆": "0011", "┊": "0011", "╎": "0011",
}  # fmt: skip
# Parts of a cell in eighths: left, top, right, bottom.
_BLOCKS = {
    "█": (0, 0, 8, 8), "▀": (0, 0, 8, 4), "▔": (0, 0, 8, 1), "▐": (4, 0, 8, 8), "▕": (7, 0, 8, 8),
    **{sign: (0, 8 - part, 8, 8) for part, sign in enumerate("▁▂▃▄▅▆▇", 1)},
    **{sign: (0, 0, 8 - part, 8) for part, sign in enumerate("▉▊▋▌▍▎▏", 1)},
}  # fmt: skip
# Quarters of a cell: upper left, upper right, lower left, lower right.
_QUARTERS = {
    "▘": 8, "▝": 4, "▖": 2, "▗": 1, "▚": 9, "▞": 6, "▛": 14, "▜": 13, "▙": 11, "▟": 7,
}  # fmt: skip
_SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75}
# Outlines of marks in a square around the middle of the cell, from -1 to 1; y grows downwards.
_MARKS: dict[str, tuple[tuple[float, float], ...]] = {
    "▲": ((0, -0.9), (1, 0.8), (-1, 0.8)),
    "▼": ((0, 0.9), (1, -0.8), (-1, -0.8)),
    "▶": ((1, 0), (-0.8, 1), (-0.8, -1)),
    "◀": ((-1, 0), (0.8, 1), (0.8, -1)),
    "▸": ((0.7, 0), (-0.5, 0.7), (-0.5, -0.7)),
    "◂": ((-0.7, 0), (0.5, 0.7), (0.5, -0.7)),
    "▾": ((0, 0.7), (0.7, -0.5), (-0.7, -0.5)),
    "▴": ((0, -0.7), (0.7, 0.5), (-0.7, 0.5)),
    "◆": ((0, -1), (1, 0), (0, 1), (-1, 0)),
    "■": ((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)),
    "▪": ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)),
}
# Strokes of marks in the same square.
_STROKES: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "✖": (((-0.8, -0.8), (0.8, 0.8)), ((0.8, -0.8), (-0.8, 0.8))),
    "✗": (((-0.7, -0.8), (0.7, 0.8)), ((0.7, -0.8), (-0.7, 0.8))),
    "✓": (((-0.9, 0.1), (-0.3, 0.8), (0.9, -0.8)),),
    "✔": (((-0.9, 0.1), (-0.3, 0.8), (0.9, -0.8)),),
    "‖": (((-0.4, -1), (-0.4, 1)), ((0.4, -1), (0.4, 1))),
    "→": (((-1, 0), (1, 0)), ((0.3, -0.6), (1, 0), (0.3, 0.6))),
    "←": (((-1, 0), (1, 0)), ((-0.3, -0.6), (-1, 0), (-0.3, 0.6))),
    "↑": (((0, -1), (0, 1)), ((-0.6, -0.3), (0, -1), (0.6, -0.3))),
    "↓": (((0, -1), (0, 1)), ((-0.6, 0.3), (0, 1), (0.6, 0.3))),
    "◇": (((0, -1), (1, 0), (0, 1), (-1, 0), (0, -1)),),
    "□": (((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8), (-0.8, -0.8)),),
    "▷": (((1, 0), (-0.8, 1), (-0.8, -1), (1, 0)),),
    "△": (((0, -0.9), (1, 0.8), (-1, 0.8), (0, -0.9)),),
    "▽": (((0, 0.9), (1, -0.8), (-1, -0.8), (0, 0.9)),),
    "⏎": (((0.9, -0.8), (0.9, 0.2), (-0.9, 0.2)), ((-0.4, -0.3), (-0.9, 0.2), (-0.4, 0.7))),
}
_BRAILLE = range(0x2800, 0x2900)
# Column and row of the dot of each bit (Unicode, chapter 21.1).
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))


@dataclass(frozen=True, slots=True)
class Cell:
    """A place to draw in.

    Attributes:
        draw: draws on the picture.
        left: edge in pixels.
        top: edge in pixels.
        width: in pixels.
        height: in pixels.
        color: of the sign.
        background: behind it.
    """

    draw: ImageDraw
    left: int
    top: int
    width: int
    height: int
    color: Rgb
    background: Rgb

    def box(self, left: float, top: float, right: float, bottom: float, color: Rgb | None = None) -> None:
        """Fill a part, given in parts of the cell from 0 to 1."""
        edges = (
            self.left + round(left * self.width),
            self.top + round(top * self.height),
            self.left + round(right * self.width) - 1,
            self.top + round(bottom * self.height) - 1,
        )
        if edges[0] <= edges[2] and edges[1] <= edges[3]:
            self.draw.rectangle(edges, fill=color or self.color)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the square around the middle is, in pixels."""
        reach = self.width / 2 - 0.5
        return self.left + (self.width - 1) / 2 + x * reach, self.top + self.height * 0.52 + y * reach


def draw_shape(sign: str, cell: Cell) -> bool:
    """Draw a sign that is no letter.

    Args:
        sign: one character.
        cell: where.

    Returns:
        Whether there is a shape for it.
    """
    for table, draw in _DRAWERS:
        if sign in table:
            draw(sign, cell)
            return True
    if ord(sign) in _BRAILLE:
        _braille(sign, cell)
        return True
    return False


def _block(sign: str, cell: Cell) -> None:
    left, top, right, bottom = _BLOCKS[sign]
    cell.box(left / 8, top / 8, right / 8, bottom / 8)


def _quarters(sign: str, cell: Cell) -> None:
    for bit, (column, row) in zip((8, 4, 2, 1), ((0, 0), (1, 0), (0, 1), (1, 1)), strict=True):
        if _QUARTERS[sign] & bit:
            cell.box(column / 2, row / 2, column / 2 + 0.5, row / 2 + 0.5)


def _shade(sign: str, cell: Cell) -> None:
    part = _SHADES[sign]
    mixed = [
        round(one * part + other * (1 - part)) for one, other in zip(cell.color, cell.background, strict=True)
    ]
    cell.box(0, 0, 1, 1, (mixed[0], mixed[1], mixed[2]))


def _frame(sign: str, cell: Cell) -> None:
    left, right, up, down = map(int, _ARMS[sign])
    middle_x, middle_y = cell.left + cell.width // 2, cell.top + cell.height // 2
    across, along = max(up, down), max(left, right)
    if left:
        cell.draw.rectangle(
            (cell.left, middle_y, middle_x + across // 2, middle_y + left - 1), fill=cell.color
        )
    if right:
        cell.draw.rectangle(
            (middle_x, middle_y, cell.left + cell.width - 1, middle_y + right - 1), fill=cell.color
        )
    if up:
        cell.draw.rectangle((middle_x, cell.top, middle_x + up - 1, middle_y + along // 2), fill=cell.color)
    if down:
        cell.draw.rectangle(
            (middle_x, middle_y, middle_x + down - 1, cell.top + cell.height - 1), fill=cell.color
        )


def _mark(sign: str, cell: Cell) -> None:
    cell.draw.polygon([cell.at(x, y) for x, y in _MARKS[sign]], fill=cell.color)


def _strokes(sign: str, cell: Cell) -> None:
    for stroke in _STROKES[sign]:
        cell.draw.line([cell.at(x, y) for x, y in stroke], fill=cell.color, width=2 if sign in "✖✔" else 1)


def _circle(sign: str, cell: Cell) -> None:
    reach = {"●": 0.9, "○": 0.9, "◐": 0.9, "◌": 0.9, "◯": 1.0, "◉": 0.9, "•": 0.5, "∙": 0.35}[sign]
    box = (*cell.at(-reach, -reach), *cell.at(reach, reach))
    if sign in "●•∙":
        cell.draw.ellipse(box, fill=cell.color)
    elif sign == "◌":
        for start in range(0, 360, 60):
            cell.draw.arc(box, start, start + 30, fill=cell.color)
    else:
        cell.draw.ellipse(box, outline=cell.color)
    if sign == "◐":
        cell.draw.pieslice(box, 90, 270, fill=cell.color)
    elif sign == "◉":
        cell.draw.ellipse((*cell.at(-0.4, -0.4), *cell.at(0.4, 0.4)), fill=cell.color)


def _braille(sign: str, cell: Cell) -> None:
    bits = ord(sign) - _BRAILLE.start
    for bit, (column, row) in enumerate(_DOTS):
        if bits & 1 << bit:
            x = cell.left + round((column + 0.5) * cell.width / 2)
            y = cell.top + round((row + 0.5) * cell.height / 4)
            cell.draw.rectangle((x - 1, y - 1, x, y), fill=cell.color)


_DRAWERS: tuple[tuple[str, Callable[[str, Cell], None]], ...] = (
    ("".join(_BLOCKS), _block),
    ("".join(_QUARTERS), _quarters),
    ("".join(_SHADES), _shade),
    ("".join(_ARMS), _frame),
    ("".join(_MARKS), _mark),
    ("".join(_STROKES), _strokes),
    ("●○◐◌◯◉•∙", _circle),
)
