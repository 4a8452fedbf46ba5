"""Something to be read before one goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from k3k_tui.view.lines import Line
from k3k_tui.widgets.cell_lines import CellLines
from k3k_tui.widgets.dialogs.base import Dialog


class Notice(Dialog[bool]):
    """Says something that is too long for the edge of the screen.

    Args:
        title: what it is about.
        lines: what it says.
    """

    def __init__(self, title: str, lines: Sequence[Line]) -> None:
        super().__init__(title)
        self.lines = tuple(lines)

    def body(self) -> Iterable[Widget]:
        """Return what it says."""
        yield CellLines(self.lines, id="lines")
