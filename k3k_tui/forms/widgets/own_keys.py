"""Keys that a field answers itself, in the order in which they are pressed.

Textual hands letters to a field at once, but keys such as ctrl+u first go up to the app: when many come in one piece,
as over a slow line, they would work after the letters that follow them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.binding import Binding, BindingType
from textual.events import Key
from textual.widget import Widget


def own_actions(bindings: Iterable[BindingType], *, but: frozenset[str] = frozenset()) -> Mapping[str, str]:
    """Return the Textual action of each key of a widget.

    Args:
        bindings: of the widget's class.
        but: keys that are somebody else's affair.
    """
    made = Binding.make_bindings(bindings)
    return {binding.key: binding.action for binding in made if binding.key not in but}


async def answer(widget: Widget, event: Key, actions: Mapping[str, str]) -> None:
    """Do at once what a key of a widget does, if it is one.

    Args:
        widget: has the focus.
        event: the key.
        actions: of `own_actions`.
    """
    action = None if event.is_printable else actions.get(event.key)
    if action is not None:
        event.stop()
        event.prevent_default()
        await widget.run_action(action)
