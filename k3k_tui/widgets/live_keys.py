"""How the key of an action is written at the moment, for sentences that tell what to press."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from k3k_tui.actions.keys import is_bound
from k3k_tui.actions.registry import ACTIONS


def key_of(screen: Screen[Any], name: str) -> str:
    """Return the key of an action as it works on a screen now; its command where it has no key.

    Args:
        screen: where it would be pressed.
        name: of the action.
    """
    for active in screen.active_bindings.values():
        if active.binding.id == name and is_bound(active.binding.key):
            return screen.app.get_key_display(active.binding)
    action = ACTIONS.get(name)
    return f":{action.command}" if action is not None and action.command else name
