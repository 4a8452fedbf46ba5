"""Text of several lines in which nothing can be pasted that a terminal would obey."""

from __future__ import annotations

from textual.events import Paste
from textual.widgets import TextArea

from k3k_core.cli.terminal import UNSAFE


class FieldArea(TextArea):
    """Text of several lines."""

    def on_mount(self) -> None:
        """Keep the cursor from blinking: each time costs bytes on the line and says nothing."""
        self.cursor_blink = False

    def on_paste(self, event: Paste) -> None:
        """Leave out what is no text before it is taken."""
        event.text = harmless(event.text)


def harmless(text: str) -> str:
    """Return pasted text without control characters; line breaks stay, tabs become blanks.

    Args:
        text: from the clipboard; terminals send the breaks of its lines as carriage returns.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ").split("\n")
    return "\n".join(UNSAFE.sub("", line) for line in lines)
