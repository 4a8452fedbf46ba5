"""Text from anywhere, made to fit a number of terminal cells exactly."""

from __future__ import annotations

import re
from typing import Final, Literal

from rich.cells import cell_len, get_character_cell_size

from k3k_core.cli.terminal import escape

Align = Literal["left", "right"]

# Soft hyphens, variation selectors, fillers, skin tones and tags: terminals disagree on how wide they are, and none
# of them says anything that is missed.
_DROPPED: Final = re.compile(
    "[\u00ad\u115f\u1160\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
# Marks that may stand on one character; real writing has at most three.
_MOST_MARKS: Final = 4


def clean(text: str) -> str:
    """Return a text on one line with control characters spelled out and invisible ones left out.

    Args:
        text: anything that came from a cluster, a file or a person.
    """
    if text.isascii():
        return text if text.isprintable() else escape(text)
    return _DROPPED.sub("", escape(text))


def width(text: str) -> int:
    """Return how many cells of a terminal a text takes.

    Args:
        text: on one line, of `clean`.
    """
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int, ellipsis: str = "…", align: Align = "left") -> str:
    """Return a text that takes exactly a number of cells, cleaned, filled with blanks or cut.

    Args:
        text: anything.
        width: cells; nothing is returned for none.
        ellipsis: stands for what was cut off, where there is room for it and a character.
        align: where the text goes if there is room.
    """
    if width <= 0:
        return ""
    if text.isascii() and text.isprintable():
        if len(text) > width:
            return _cut_ascii(text, width, ellipsis)
        return text.rjust(width) if align == "right" else text.ljust(width)
    # What is far beyond the edge is not even looked at: texts can have megabytes.
    near = text[: 8 * width + 64]
    kept, used, whole = _take(clean(near), width)
    if not whole or len(near) < len(text):
        room = width - len(ellipsis)
        if room > 0:
            kept, used, _ = _take(kept, room)
            kept, used = kept + ellipsis, used + len(ellipsis)
    blanks = " " * (width - used)
    return blanks + kept if align == "right" else kept + blanks


def _cut_ascii(text: str, width: int, ellipsis: str) -> str:
    room = width - len(ellipsis)
    return text[:room] + ellipsis if room > 0 else text[:width]


def _take(text: str, limit: int) -> tuple[str, int, bool]:
    """Return the beginning that fits, how many cells it takes, and whether that is all of it."""
    kept: list[str] = []
    used = marks = 0
    for char in text:
        size = get_character_cell_size(char)
        if size == 0:
            marks += 1
            # A mark with nothing below it would land on the cell to its left.
            if kept and marks <= _MOST_MARKS:
                kept.append(char)
            continue
        if used + size > limit:
            return "".join(kept), used, False
        kept.append(char)
        used += size
        marks = 0
    return "".join(kept), used, True
