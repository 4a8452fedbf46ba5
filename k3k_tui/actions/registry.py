"""The one list of actions, and the bindings that screens and widgets take from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.binding import Binding, BindingType

from k3k_tui.actions import app, control_plane, dialogs, fleet, form, jobs, operations
from k3k_tui.actions.action import Action, Scope
from k3k_tui.actions.keys import DEFAULT, keymap, split_keys, unbound

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


def changed_keys(keys: Mapping[str, str], hidden: Iterable[str] = ()) -> dict[str, str]:
    """Return what the bindings' default keys have to be replaced by.

    Textual goes through all of it for every key that is pressed, so it is no longer than it must be.

    Args:
        keys: keys that are in force, by name of action.
        hidden: names of actions that are to have no key.
    """
    without = frozenset(hidden)
    usual = keymap(DEFAULT)
    wanted = {name: () if name in without else split_keys(keys.get(name, "")) for name in ACTIONS}
    return {
        name: ",".join(those) or unbound(name)
        for name, those in wanted.items()
        if those != split_keys(usual.get(name, ""))
    }
