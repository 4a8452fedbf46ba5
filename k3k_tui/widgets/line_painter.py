"""Drawing the lines of a table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from k3k_tui.look.look import Look
from k3k_tui.text import fit
from k3k_tui.view.cells import Cell
from k3k_tui.view.columns import GAP
from k3k_tui.view.lines import fit_line
from k3k_tui.widgets.lines import GUTTER, AnyColumn

_EMPTY = Cell("")
_NO_STYLE = Style.null()
# Cells between two that differ up to which painting them too is cheaper than moving the terminal's cursor.
_BRIDGE = 6


class LinePainter:
    """Draws lines of one set of columns.

    Args:
        columns: from left to right.
        fixed: how many of them stay where they are when the others move sideways.
        look: what to draw with.
        ground: what everything is drawn on.
    """

    def __init__(
        self, columns: Sequence[AnyColumn], fixed: int, look: Look, ground: Style = _NO_STYLE
    ) -> None:
        self.columns = tuple(columns)
        self.ground = ground
        self._look = look
        ends = list(accumulate((column.width + GAP for column in self.columns), initial=GUTTER))
        # Where each column begins, and where the one after the last would.
        self.starts = tuple(ends)
        self.fixed_width = ends[min(fixed, len(self.columns))]
        self.width = max(GUTTER, ends[-1] - GAP)

    def line(self, cells: Sequence[Cell], width: int, *, cursor: bool, marked: bool) -> Strip:
        """Draw a line of cells.

        Args:
            cells: one for each column.
            width: cells of the whole line.
            cursor: whether it is under the cursor.
            marked: whether it is marked.
        """
        palette, glyphs, ground = self._look.palette, self._look.glyphs, self.ground
        over = self._overlay(cursor=cursor, marked=marked)
        sign = glyphs.marked if marked else glyphs.unmarked
        segments = [Segment(fit(sign, GUTTER), ground + palette.style("accent") + over)]
        for place, column in enumerate(self.columns):
            cell = cells[place] if place < len(cells) else _EMPTY
            text = fit(cell.text, column.width, glyphs.ellipsis, column.align)
            segments.append(Segment(text + " " * GAP, ground + palette.style(cell.role) + over))
        return _filled(segments, max(width, self.width), ground + over)

    def heading(self, cells: Sequence[Cell], width: int) -> Strip:
        """Draw the heading of a group: its cells one after another.

        Args:
            cells: from left to right.
            width: cells of the whole line.
        """
        palette = self._look.palette
        spaced = tuple(part for cell in cells if cell.text for part in (cell, Cell("  ")))
        fitted = fit_line(spaced, max(0, width), self._look.glyphs.ellipsis)
        segments = [
            Segment(cell.text, self.ground + palette.style(cell.role)) for cell in fitted if cell.text
        ]
        return Strip(segments, max(0, width))

    def header(self, width: int, order: str, *, descending: bool) -> Strip:
        """Draw the headings of the columns.

        Args:
            width: cells of the whole line.
            order: name of the column that orders the lines; empty for none.
            descending: whether the order is turned round.
        """
        style, glyphs = self.ground + self._look.palette.header, self._look.glyphs
        sign = glyphs.descending if descending else glyphs.ascending
        segments = [Segment(" " * GUTTER, style)]
        for column in self.columns:
            title = column.title
            if column.name == order:
                title = fit(title, max(0, min(len(title), column.width - 1)), glyphs.ellipsis) + sign
            text = fit(title, column.width, glyphs.ellipsis, column.align)
            segments.append(Segment(text + " " * GAP, style))
        return _filled(segments, max(width, self.width), style)

    def differences(self, before: Sequence[Cell], after: Sequence[Cell], left: int) -> list[tuple[int, int]]:
        """Return where two lines differ on the screen: (from, to) in cells, those that are near each other as one.

        Args:
            before: cells of the one.
            after: cells of the other.
            left: cells by which the columns that move are moved to the left.
        """
        spans: list[tuple[int, int]] = []
        for place, column in enumerate(self.columns):
            old = before[place] if place < len(before) else _EMPTY
            new = after[place] if place < len(after) else _EMPTY
            if old is new or old == new:
                continue
            start = self.starts[place]
            end = start + column.width + GAP
            if start >= self.fixed_width:
                start, end = max(self.fixed_width, start - left), end - left
            if start >= end:
                continue
            if spans and start - spans[-1][1] <= _BRIDGE:
                start = spans.pop()[0]
            spans.append((start, end))
        return spans

    def column_at(self, x: int) -> AnyColumn | None:
        """Return the column at a place of an unscrolled line; None beside them.

        Args:
            x: cells from the left.
        """
        for column, start in zip(self.columns, self.starts, strict=False):
            if start <= x < start + column.width + GAP:
                return column
        return None

    def _overlay(self, *, cursor: bool, marked: bool) -> Style:
        palette = self._look.palette
        over = palette.marked if marked else Style.null()
        return over + palette.cursor if cursor else over


def _filled(segments: list[Segment], width: int, style: Style) -> Strip:
    """Make a strip of exactly so many cells."""
    strip = Strip(segments)
    missing = width - strip.cell_length
    if missing > 0:
        strip = Strip([*segments, Segment(" " * missing, style)], width)
    # One run of a style takes fewer bytes than one for each cell.
    return strip.crop(0, width).simplify()
