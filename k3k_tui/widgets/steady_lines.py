"""A few lines of text whose parts have a meaning each; only what differs is painted anew."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from k3k_tui.services import services
from k3k_tui.text import width
from k3k_tui.view.lines import Line, fit_line
from k3k_tui.widgets.ground import ground


class SteadyLines(Widget):
    """Shows lines, each cut to the width; it is as high as there are lines.

    Args:
        lines: from top to bottom.
        id: of the widget.
        classes: of the widget.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    SteadyLines {
        width: 1fr;
        height: auto;
    }
    """

    def __init__(
        self,
        lines: Sequence[Line] = (),
        *,
        id: str | None = None,  # noqa: A002 (as every widget calls it)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._lines = tuple(lines)
        self._fit_height()

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return self._lines

    def show(self, lines: Sequence[Line]) -> None:
        """Show other lines.

        Args:
            lines: from top to bottom, of text that is safe to show.
        """
        before, self._lines = self._lines, tuple(lines)
        if len(before) != len(self._lines):
            self._fit_height()
            self.refresh()
            return
        regions = [
            Region(start, y, end - start, 1)
            for y, (old, new) in enumerate(zip(before, self._lines, strict=True))
            if old != new
            for start, end in [_span(old, new, self.size.width)]
        ]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        below = ground(self)
        if y >= len(self._lines):
            return Strip.blank(self.size.width, below)
        look = services(self).look
        cells = fit_line(self._lines[y], self.size.width, look.glyphs.ellipsis)
        segments = [Segment(cell.text, below + look.palette.style(cell.role)) for cell in cells if cell.text]
        return Strip(segments, self.size.width)

    def _fit_height(self) -> None:
        self.styles.height = len(self._lines)
        self.display = bool(self._lines)


def _span(before: Line, after: Line, whole: int) -> tuple[int, int]:
    """Return from which cell to which two lines differ; to the end where what follows has moved."""
    same = 0
    for old, new in zip(before, after, strict=False):
        if old != new:
            break
        same += 1
    start = sum(width(cell.text) for cell in after[:same])
    starts = [list(accumulate((width(cell.text) for cell in line), initial=0)) for line in (before, after)]
    if len(before) != len(after) or starts[0][-1] != starts[1][-1]:
        return min(start, whole), whole
    ends = [place for place in range(same, len(after)) if before[place] != after[place]]
    last = ends[-1] + 1
    return (
        (min(start, whole), min(starts[1][last], whole))
        if starts[0] == starts[1]
        else (min(start, whole), whole)
    )
