"""Last words on every line before it is drawn: no sign and no colour the terminal does not have."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter, NoColor

from k3k_tui.terminal import Profile

# What frames, bars and marks of widgets become; everything else that is not ASCII becomes "?".
_PLAIN = {
    "─━╌╍┄┅┈┉═▁▂▔▀▄▃╴╶╸╺╼╾": "-",
    "│┃╎╏┆┇┊┋║▌▐▎▍▏▕▊▋▉╵╷╹╻╽╿": "|",
    "┌┐└┘├┤┬┴┼╔╗╚╝╠╣╦╩╬╭╮╰╯┏┓┗┛┣┫┳┻╋╞╡╪╒╓╕╖╘╙╛╜▛▜▙▟▗▖▝▘": "+",
    "█▇▆▅▓": "#",
    "░▒": ".",
    "▲△▴↑⬆": "^",
    "▼▽▾↓⬇": "v",
    "▶▸►→⏵\u276f": ">",
    "◀◂◄←\u276e": "<",
    "●•◆■◉⬤★": "*",
    "○◌◇□◯☐": "o",
    "✓✔": "+",
    "✗✘✖\u00d7\u2573": "x",
    "·∙⋅": ".",
    "…": "~",
    "\u2212": "-",
    "⏎↵": "<",
    "⌃": "^",
    "\xa0": " ",
}
# Dashes and quotation marks.
_BY_CATEGORY = {"Pd": "-", "Pi": '"', "Pf": '"'}
_TABLE = {ord(sign): plain for signs, plain in _PLAIN.items() for sign in signs}


@lru_cache(4096)
def plain(text: str) -> str:
    """Return a text in ASCII that takes as many cells.

    Args:
        text: without control characters.
    """
    if text.isascii():
        return text
    known = "".join(sign if sign.isascii() else _spelled(sign) for sign in text.translate(_TABLE))
    width = cell_len(text)
    return known.ljust(width)[:width]


def _spelled(sign: str) -> str:
    """Return a dash, a quotation mark, a letter without its accent, or a question mark for each cell."""
    category = unicodedata.category(sign)
    if category in _BY_CATEGORY:
        return _BY_CATEGORY[category]
    letter = unicodedata.normalize("NFKD", sign)[0]
    width = get_character_cell_size(sign)
    return letter if width == 1 and letter.isascii() else "?" * width


class AsciiOnly(LineFilter):
    """Lets nothing but ASCII through, whichever widget drew it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 (its interface)
        """Return the segments of a line with every other sign replaced.

        Args:
            segments: of the line.
            background: of the line.
        """
        return [Segment(plain(text), style, control) for text, style, control in segments]


def line_filters(profile: Profile) -> tuple[LineFilter, ...]:
    """Return what the app adds to its own filters.

    Args:
        profile: what the terminal can carry.
    """
    filters: list[LineFilter] = []
    if profile.no_color:
        filters.append(NoColor())
    if profile.ascii:
        filters.append(AsciiOnly())
    return tuple(filters)
