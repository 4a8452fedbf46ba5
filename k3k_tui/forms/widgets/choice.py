"""One of a few values, all of them in sight on one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click, Key
from textual.message import Message
from textual.widget import Widget

from k3k_tui.services import services
from k3k_tui.text import clean, width

_GAP = 2


class Choice(Widget, can_focus=True):
    """Lets somebody pick one of a few values: arrows, blank, the first letter of a value, or a click.

    Args:
        options: (value, what it is called) of each.
        value: the one that is picked; one that is not among them is shown as none.
    """

    DEFAULT_CSS = """
    Choice {
        height: 1;
        width: 1fr;
    }
    """
    # Those of the widget itself, as in Textual's own: not actions of the dashboard.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Previous", show=False),
        Binding("right,space", "move(1)", "Next", show=False),
    ]

    class Changed(Message):
        """Another value was picked."""

        def __init__(self, choice: Choice, value: str) -> None:
            super().__init__()
            self.choice = choice
            self.value = value

        @property
        def control(self) -> Choice:
            """The widget."""
            return self.choice

    def __init__(self, options: Sequence[tuple[str, str]], value: str = "") -> None:
        super().__init__()
        self.options = tuple((value, clean(title)) for value, title in options)
        self._value = value
        self._picked = False

    @property
    def picked(self) -> bool:
        """Whether somebody picked the value, and it is not only shown."""
        return self._picked

    @property
    def value(self) -> str:
        """The value that is picked."""
        return self._value

    def show(self, value: str) -> None:
        """Show another value as picked, without telling anybody.

        Args:
            value: the value.
        """
        self._picked = False
        if value != self._value:
            self._value = value
            self.refresh()

    def pick(self, value: str) -> None:
        """Pick a value.

        Args:
            value: one of the options.
        """
        if value != self._value:
            self._value, self._picked = value, True
            self.refresh()
            self.post_message(self.Changed(self, value))

    def action_move(self, by: int) -> None:
        """Pick a neighbour; after the last comes the first.

        Args:
            by: how many further to the right.
        """
        self.pick(self.options[(self._index + by) % len(self.options)][0])

    @property
    def _index(self) -> int:
        values = [value for value, _title in self.options]
        return values.index(self._value) if self._value in values else 0

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002 (Textual's signature)
        """Keep letters from being keys of the dashboard while one fills in a form."""
        return character is not None and character.isalnum()

    def on_key(self, event: Key) -> None:
        """Pick by first letter."""
        if event.character is None or not self.check_consume_key(event.key, event.character):
            return
        event.stop()
        event.prevent_default()
        letter = event.character.casefold()
        after = self.options[self._index + 1 :] + self.options[: self._index + 1]
        found = next((value for value, title in after if title.casefold().startswith(letter)), None)
        if found is not None:
            self.pick(found)

    def on_click(self, event: Click) -> None:
        """Pick what was clicked."""
        if self._narrow:
            self.action_move(1)
            return
        start = 0
        for value, title in self.options:
            start += width(title) + 1 + _GAP
            if event.x < start:
                self.pick(value)
                return

    @property
    def _narrow(self) -> bool:
        return sum(width(title) + 1 + _GAP for _value, title in self.options) - _GAP > self.size.width

    def render(self) -> Text:
        """Draw every option, or only the one that is picked where there is no room for more."""
        look = services(self).look
        picked = look.palette.style("accent") + Style(bold=True, reverse=self.has_focus)
        if self._narrow:
            title = dict(self.options).get(self._value, self._value)
            return Text.assemble("< ", (title, picked), " >", no_wrap=True)
        line = Text(no_wrap=True)
        for number, (value, title) in enumerate(self.options):
            chosen = value == self._value
            line.append(" " * _GAP if number else "")
            line.append(look.glyphs.marked if chosen else look.glyphs.unmarked)
            line.append(title, picked if chosen else look.palette.style("text"))
        return line
