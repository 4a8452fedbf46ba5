"""What a terminal shows after everything that was sent to it: a small emulator for what Textual writes."""

from __future__ import annotations

import re
from typing import Any

from rich.cells import get_character_cell_size
from rich.console import RenderableType
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.screen import Screen

from k3k_tui.look.frugal import frugal

_TOKEN = re.compile(
    r"\x1b\[(?P<arguments>[\d;?]*)(?P<final>[A-Za-z])|\x1b\].*?(?:\x07|\x1b\\)|(?P<char>.)", re.DOTALL
)


class PaintedScreen:
    """The cells of a terminal of which only moves of the cursor and text are understood.

    Args:
        width: its columns.
        height: its lines.

    Attributes:
        received: how many bytes came.
    """

    def __init__(self, width: int, height: int) -> None:
        self._cells = [[" "] * width for _ in range(height)]
        self._x = self._y = 0
        self.received = 0

    @property
    def lines(self) -> list[str]:
        """The text of each line."""
        return ["".join(line) for line in self._cells]

    def feed(self, data: str) -> None:
        """Take what was sent.

        Args:
            data: text and control sequences.
        """
        self.received += len(data.encode())
        for token in _TOKEN.finditer(data):
            char = token["char"]
            if char is not None:
                self._put(char)
            elif token["final"] == "H":
                row, _, column = (token["arguments"] or "1;1").partition(";")
                self._y, self._x = int(row) - 1, int(column or 1) - 1

    def _put(self, char: str) -> None:
        if char == "\n":
            self._x, self._y = 0, self._y + 1
            return
        size = get_character_cell_size(char)
        line = self._cells[self._y]
        if self._x + size <= len(line):
            line[self._x] = char
            if size == 2:
                line[self._x + 1] = ""
        self._x += size


class PaintingApp(App[Any]):
    """An app without a terminal that keeps what a terminal would show."""

    painted: PaintedScreen

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        update = frugal(renderable)
        if isinstance(update, CompositorUpdate):
            if not hasattr(self, "painted"):
                self.painted = PaintedScreen(*self.size)
            self.painted.feed(update.render_segments(self.console))
        super()._display(screen, update)

    def whole(self) -> list[str]:
        """Return the lines of the screen as they would be if everything were painted anew."""
        for widget in self.screen.query("*"):
            widget._styles_cache.clear()
        return ["".join(segment.text for segment in line) for line in self.screen._compositor.render_strips()]
