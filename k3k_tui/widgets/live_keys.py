"""How the key of an action is written at the moment, for sentences that tell what to press."""

from __future__ import annotations

from typing import Any

from textual.binding import Binding
from textual.screen import Screen

from k3k_tui.actions.chosen import ChosenKeys
from k3k_tui.actions.keys import is_bound, split_keys
from k3k_tui.actions.registry import ACTIONS


def key_of(screen: Screen[Any], name: str) -> str:
    """Return the key of an action; its command where it has no key.

    Args:
        screen: where it would be pressed.
        name: of the action.
    """
    for active in screen.active_bindings.values():
        if active.binding.id == name and is_bound(active.binding.key):
            return screen.app.get_key_display(active.binding)
    chosen: ChosenKeys | None = getattr(screen.app, "keys", None)
    keys = split_keys(chosen.keys.get(name, "")) if chosen is not None else ()
    if keys:
        # It works again when what is typed into now is closed.
        return screen.app.get_key_display(Binding(keys[0], ""))
    action = ACTIONS.get(name)
    return f":{action.command}" if action is not None and action.command else name
