"""A line of text: what a form asks for."""

from __future__ import annotations

from textual.events import Paste
from textual.widgets import Input

from k3k_tui.forms.widgets.field_area import harmless


class FieldInput(Input):
    """One line of text, into which nothing can be pasted that a terminal would obey."""

    # What stands there while nothing is typed is the value it has then: it has to be read.
    DEFAULT_CSS = """
    FieldInput > .input--placeholder, FieldInput > .input--suggestion {
        color: $text-muted;
    }
    """

    def on_mount(self) -> None:
        """Keep the cursor from blinking: each time costs bytes on the line and says nothing."""
        self.cursor_blink = False

    def on_paste(self, event: Paste) -> None:
        """Leave out what is no text before it is taken."""
        event.text = harmless(event.text)
