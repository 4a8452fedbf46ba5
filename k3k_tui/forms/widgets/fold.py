"""The line over a section of a form: it opens and closes what is below it, and tells what is in there."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from k3k_tui.forms.model.fields import Section
from k3k_tui.services import services
from k3k_tui.text import fit, width


class FoldHeader(Widget, can_focus=True):
    """The line that opens and closes a section.

    Args:
        section: what it stands over.
    """

    DEFAULT_CSS = """
    FoldHeader {
        height: 1;
        width: 1fr;
    }
    """
    # Those of the widget itself, as in Textual's own: not actions of the dashboard.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "turn", "Open or close", show=False),
        Binding("right", "turn(True)", "Open", show=False),
        Binding("left", "turn(False)", "Close", show=False),
    ]

    class Turned(Message):
        """The section is to open or to close."""

        def __init__(self, open_: bool) -> None:
            super().__init__()
            self.open = open_

    def __init__(self, section: Section) -> None:
        super().__init__()
        self.section = section
        self._open = False
        self._set = 0
        self._problems = 0

    def show(self, *, open_: bool, set_: int, problems: int) -> None:
        """Show how the section is.

        Args:
            open_: whether it is open.
            set_: how many of its fields are filled in.
            problems: in how many something is wrong.
        """
        state = (open_, set_, problems)
        if state != (self._open, self._set, self._problems):
            self._open, self._set, self._problems = state
            self.refresh()

    def action_turn(self, open_: bool | None = None) -> None:
        """Open or close the section."""
        wanted = not self._open if open_ is None else open_
        if wanted != self._open:
            self.post_message(self.Turned(wanted))

    def on_click(self) -> None:
        """Open or close the section."""
        self.action_turn()

    def render(self) -> Text:
        """Draw the sign, the name, what the section is about, and what is to be known of it while it is closed."""
        look = services(self).look
        counts = []
        if self._problems:
            sign = look.glyphs.verdicts["Down"]
            counts.append((f"{sign} {self._problems} to correct", look.palette.style("bad")))
        if self._set:
            counts.append((f"{self._set} set", look.palette.style("accent")))
        tail = Text("  ").join(Text(text, style) for text, style in counts)
        name = f"[{'-' if self._open else '+'}] {self.section.key}"
        room = self.size.width - width(name) - tail.cell_len - 4
        about = fit(self.section.summary, max(room, 0), look.glyphs.ellipsis)
        return Text.assemble(
            (name, look.palette.style("title") + Style(reverse=self.has_focus)),
            "  ",
            (about, look.palette.style("muted")),
            "  ",
            tail,
            no_wrap=True,
        )
