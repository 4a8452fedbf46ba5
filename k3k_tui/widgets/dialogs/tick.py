"""A choice of yes or no whose answer is a sign, not a colour alone."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox

from k3k_tui.text import clean


class Tick(Checkbox):
    """A box that is ticked or not.

    Args:
        label: what is chosen; never markup.
        name: id of the widget.
    """

    DEFAULT_CSS = """
    Tick, Tick:focus {
        width: 1fr;
        border: none;
        padding: 0;
        background: transparent;
    }
    """

    def __init__(self, label: str, name: str) -> None:
        super().__init__(Content(clean(label)), id=name, compact=True)

    def render(self) -> Content:
        """Draw the box and what it stands for."""
        label = self.label.stylize(self.get_visual_style("toggle--label")) if self.has_focus else self.label
        return Content.assemble("[x] " if self.value else "[ ] ", label)
