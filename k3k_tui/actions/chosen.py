"""The keys that are in force: a keymap, the user's own on top, without what cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from k3k_core.errors import UsageError
from k3k_tui.actions.action import Action
from k3k_tui.actions.clashes import clashes
from k3k_tui.actions.keys import DEFAULT, keymap, unknown_keys


@dataclass(frozen=True, slots=True)
class ChosenKeys:
    """What the keys do.

    Attributes:
        name: of the keymap below.
        keys: keys by name of action; actions that have none are missing.
        problems: what of the user's choice is left out, and why; one sentence each.
    """

    name: str
    keys: Mapping[str, str]
    problems: tuple[str, ...] = ()


def choose_keys(name: str, own: Mapping[str, str], actions: Mapping[str, Action]) -> ChosenKeys:
    """Put the user's keys over a keymap; each of theirs that cannot be is left out, with the reason.

    Args:
        name: of the keymap.
        own: keys by name of action; empty for no key at all.
        actions: every action by name.
    """
    problems: list[str] = []
    try:
        keys = dict(keymap(name))
    except UsageError as error:
        problems.append(f"{error.message} {error.hint} The default is used.")
        name, keys = DEFAULT, dict(keymap(DEFAULT))
    for action, wanted in own.items():
        problem = _problem(action, wanted, actions)
        if problem:
            problems.append(problem)
            continue
        before = set(clashes(actions.values(), keys))
        changed = {**keys, action: wanted}
        # Giving A the key of B goes with giving B another: only what the whole choice leaves is a clash.
        whole = {**changed, **{each: own[each] for each in own if each in actions}}
        found = set(clashes(actions.values(), changed)) - before
        if lasting := sorted(found & set(clashes(actions.values(), whole))):
            problems.append(f"tui.keys: {lasting[0]}; give one of them another key, or none with ''.")
            continue
        keys = changed
    bound = {action: each for action, each in keys.items() if each.strip()}
    return ChosenKeys(name, bound, tuple(problems))


def _problem(action: str, wanted: str, actions: Mapping[str, Action]) -> str:
    if action not in actions:
        meant = get_close_matches(action, actions, n=1)
        advice = f"did you mean {meant[0]!r}?" if meant else "docs/keys.md has all of them."
        return f"tui.keys: there is no action {action!r}; {advice}"
    if unknown := unknown_keys(wanted):
        return f"tui.keys.{action}: there is no key {unknown[0]!r}; keys are spelled like x, X, ctrl+x, f5, enter."
    return ""
