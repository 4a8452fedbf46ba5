"""The one list of actions, and the bindings that screens and widgets take from it."""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding, BindingType

from k3k_tui.actions import app, control_plane, dialogs, fleet, form, jobs, operations
from k3k_tui.actions.action import Action, Scope
from k3k_tui.actions.keys import DEFAULT, keymap, unbound

ACTIONS: Mapping[str, Action] = {
    action.name: action
    for area in (
        app.ACTIONS,
        fleet.ACTIONS,
        control_plane.ACTIONS,
        operations.ACTIONS,
        jobs.ACTIONS,
        dialogs.ACTIONS,
        form.ACTIONS,
    )
    for action in area
}


def bindings(*scopes: Scope) -> list[BindingType]:
    """Return the bindings of some scopes with the keys of the default keymap.

    Each has its action's name as id, by which the app puts the user's keys in place; that is why an action
    without a key has a binding too.

    Args:
        scopes: which ones.
    """
    keys = keymap(DEFAULT)
    return [
        Binding(
            keys.get(action.name) or unbound(action.name),
            action.run,
            action.title,
            show=action.footer,
            id=action.name,
            tooltip=action.summary,
        )
        for action in ACTIONS.values()
        if action.scope in scopes
    ]
