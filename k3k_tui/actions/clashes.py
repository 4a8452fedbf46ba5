"""Keys that would mean two things at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from k3k_tui.actions.action import Action, Scope
from k3k_tui.actions.keys import split_keys

# Scopes whose keys work at the same time, the outer ones first.
TOGETHER: tuple[tuple[Scope, ...], ...] = (
    ("app", "targets", "fleet", "table"),
    ("app", "targets", "control-plane", "table"),
    ("app", "targets", "control-plane", "logs"),
    ("app", "jobs", "table"),
    ("app", "hosts", "table"),
    ("app", "form"),
    ("dialog",),
    ("command-line",),
    ("help",),
)
# What is nearest to the cursor answers these, and lets go of them when it has nothing to close or to open.
LAYERED = frozenset({"escape", "enter"})


@dataclass(frozen=True, slots=True, order=True)
class Clash:
    """Two actions that one key would stand for.

    Attributes:
        key: it.
        first: name of one action.
        second: name of the other.
    """

    key: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"the key {self.key} would stand for {self.first} and for {self.second}"


def clashes(actions: Iterable[Action], keys: Mapping[str, str]) -> tuple[Clash, ...]:
    """Return every pair of actions that share a key where both are at hand.

    Args:
        actions: all of them.
        keys: keys by name of action.
    """
    known = tuple(actions)
    return tuple(sorted({clash for scopes in TOGETHER for clash in _within(known, keys, scopes)}))


def _within(actions: Iterable[Action], keys: Mapping[str, str], scopes: tuple[Scope, ...]) -> Iterator[Clash]:
    owners: dict[str, list[Action]] = {}
    for action in actions:
        if action.scope in scopes:
            for key in split_keys(keys.get(action.name, "")):
                owners.setdefault(key, []).append(action)
    for key, sharing in owners.items():
        for index, one in enumerate(sharing):
            for other in sharing[index + 1 :]:
                if not (key in LAYERED and one.scope != other.scope):
                    first, second = sorted((one.name, other.name))
                    yield Clash(key, first, second)
