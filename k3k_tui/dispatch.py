"""Doing what was typed or picked: the right screen first, then the action with its words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeAlias

from textual.actions import parse as parse_run
from textual.dom import DOMNode

from k3k_core.errors import UsageError
from k3k_tui.actions.action import Action, Scope
from k3k_tui.naming import find
from k3k_tui.places import ControlPlanePlace, FleetPlace, HostsPlace, JobsPlace, Place

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey

Run: TypeAlias = "tuple[str, str, tuple[Any, ...]]"
_VERSION = re.compile(r"v?\d")


def run_with(action: Action, words: tuple[str, ...]) -> Run:
    """Return what runs an action, its words behind its own arguments.

    Args:
        action: what is to be done.
        words: what followed the command.
    """
    namespace, name, own = parse_run(action.run)
    return namespace or "screen", name, (*own, *words)


async def perform(node: DOMNode, name: str, arguments: tuple[Any, ...]) -> bool:
    """Do an action with all its words, and tell whether there is one of that name.

    Textual gives a method no more arguments than it has parameters, and of `*words` that is one.

    Args:
        node: the app or the screen.
        name: of the action.
        arguments: its own, then the words.
    """
    method = getattr(node, f"action_{name}", None)
    if method is None or not node.check_action(name, arguments):
        return False
    result = method(*arguments)
    if isawaitable(result):
        await result
    return True


def is_dangerous(run: str | Run, actions: Iterable[Action]) -> bool:
    """Tell whether a Textual action is one that changes something.

    Args:
        run: the Textual action.
        actions: all actions.
    """
    _, name, arguments = parse_run(run) if isinstance(run, str) else run
    for action in actions:
        if action.danger != "none":
            _, its_name, its_arguments = parse_run(action.run)
            if name == its_name and arguments[: len(its_arguments)] == its_arguments:
                return True
    return False


def home_of(scope: Scope, here: Place, fleet: FleetPlace, target: FleetKey | None) -> Place | None:
    """Return where an action has to be done; None where one is, or where it cannot be done at all.

    Args:
        scope: of the action.
        here: where one is.
        fleet: the fleet as it was last seen.
        target: the control plane under the cursor.
    """
    wanted: Mapping[Scope, tuple[type[Place], Place | None]] = {
        "fleet": (FleetPlace, fleet),
        "hosts": (HostsPlace, HostsPlace()),
        "jobs": (JobsPlace, JobsPlace()),
        "control-plane": (ControlPlanePlace, ControlPlanePlace(target) if target is not None else None),
        "logs": (ControlPlanePlace, ControlPlanePlace(target, "logs") if target is not None else None),
    }
    if scope not in wanted:
        return None
    kind, place = wanted[scope]
    if isinstance(here, kind):
        return None
    if place is None:
        raise UsageError("This needs a control plane.", hint="Move the cursor to one.")
    return place


def split_targets(
    action: Action | None, words: tuple[str, ...], here: tuple[FleetKey, ...], keys: Iterable[FleetKey]
) -> tuple[tuple[FleetKey, ...], tuple[str, ...]]:
    """Return what an operation is to work on, and the words that are left for it.

    Args:
        action: the operation's; None for one that is not in the registry.
        words: what followed the command: a control plane first, unless it is plainly a version.
        here: what the screen would work on.
        keys: all control planes.

    Raises:
        UsageError: the first word names none, or several.
    """
    names_one = action is not None and action.arguments[:1] == ("control-plane",)
    if not words or not names_one or action is None:
        return here, words
    known = tuple(keys)
    takes_version = "version" in action.arguments
    if takes_version and len(words) == 1 and _VERSION.match(words[0]):
        try:
            return (find(words[0], known),), ()
        except UsageError:
            return here, words
    return (find(words[0], known),), words[1:]
