"""A line of text that takes its keys in the order in which they were pressed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual.binding import Binding
from textual.events import Key, Paste
from textual.widgets import Input

from k3k_tui.forms.widgets.field_area import harmless


def _actions() -> Mapping[str, str]:
    made = Binding.make_bindings(Input.BINDINGS)
    # Enter goes on to the next field, which is the screen's affair.
    return {binding.key: binding.action for binding in made if binding.key != "enter"}


_ACTIONS: Final = _actions()


class FieldInput(Input):
    """One line of text.

    Textual hands letters to a field at once, but keys such as ctrl+u first go up to the app: when many come in
    one piece, as over a slow line, they would work after the letters that follow them.
    """

    # What stands there while nothing is typed is the value it has then: it has to be read.
    DEFAULT_CSS = """
    FieldInput > .input--placeholder, FieldInput > .input--suggestion {
        color: $text-muted;
    }
    """

    def on_paste(self, event: Paste) -> None:
        """Leave out what is no text before it is taken."""
        event.text = harmless(event.text)

    async def on_key(self, event: Key) -> None:
        """Do at once what a key of the field does."""
        action = None if event.is_printable else _ACTIONS.get(event.key)
        if action is not None:
            event.stop()
            event.prevent_default()
            await self.run_action(action)
