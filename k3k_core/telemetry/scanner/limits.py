"""How much of a page a scanner takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """Bounds of one page; beyond any of them it is refused.

    Attributes:
        page_bytes: bytes of the whole page after decompression.
        line_bytes: bytes of one line.
        lines: lines of the whole page.
        comments: comments of the whole page, the two lines that declare a family counted once.
        series: samples of wanted families.
        odd_bytes: bytes of those lines among them that have to be read one by one: with timestamps, exemplars,
            escapes or odd white space, or without a declaration. That takes up to 0.7 s a megabyte.
    """

    page_bytes: int = 64 * 1024 * 1024
    line_bytes: int = 64 * 1024
    lines: int = 1_000_000
    comments: int = 20_000
    series: int = 200_000
    odd_bytes: int = 8 * 1024 * 1024
