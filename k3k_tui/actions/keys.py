"""Keymaps: which keys stand for which action, as data in `keymaps/*.yaml`, and as the user likes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from k3k_core.errors import UsageError

KEYMAPS = Path(__file__).parents[1] / "keymaps"
DEFAULT = "default"
# Stands for the key of an action that has none: no terminal sends it.
UNBOUND = "unbound:"
# How people spell keys, and how Textual does.
_SPELLINGS = {
    "esc": "escape",
    "return": "enter",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "del": "delete",
    "ins": "insert",
    "spacebar": "space",
}
# Keys that a terminal cannot tell apart.
_SAME = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+space": "ctrl+@", "ctrl+at": "ctrl+@"}
_MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")


@dataclass(frozen=True, slots=True)
class Keymap:
    """One shipped keymap.

    Attributes:
        name: as in the configuration.
        title: one short line for people.
        keys: keys by name of action, several joined by commas; all that the default has and this one does not
            change are among them.
    """

    name: str
    title: str
    keys: Mapping[str, str]


def keymap_names() -> tuple[str, ...]:
    """Return the names of the shipped keymaps, the default first."""
    found = sorted(path.stem for path in KEYMAPS.glob("*.yaml"))
    return (DEFAULT, *(name for name in found if name != DEFAULT))


def keymap(name: str) -> Mapping[str, str]:
    """Return the keys of a shipped keymap by name of action; several keys are joined by commas.

    Args:
        name: of the keymap.

    Raises:
        UsageError: there is no such keymap.
    """
    return shipped_keymap(name).keys


@lru_cache
def shipped_keymap(name: str) -> Keymap:
    """Return a shipped keymap.

    Args:
        name: of the keymap.

    Raises:
        UsageError: there is no such keymap.
    """
    if name not in keymap_names():
        meant = get_close_matches(name, keymap_names(), n=1)
        advice = f"Did you mean {meant[0]!r}?" if meant else f"There are {', '.join(keymap_names())}."
        raise UsageError(f"There is no keymap {name!r}.", hint=advice)
    content = _read(KEYMAPS / f"{name}.yaml")
    inherited = {} if name == DEFAULT else dict(keymap(DEFAULT))
    return Keymap(name, content["title"], {**inherited, **content["keys"]})


def _read(path: Path) -> Any:
    import yaml

    # The loader in C is the same one, and five times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 (both are safe loaders)


def unbound(action: str) -> str:
    """Return the key that stands for none.

    Args:
        action: name of the action, so that each has one of its own.
    """
    return f"{UNBOUND}{action}"


def is_bound(key: str) -> bool:
    """Tell whether a key can be pressed.

    Args:
        key: one key of a binding.
    """
    return not key.startswith(UNBOUND)


def split_keys(keys: str) -> tuple[str, ...]:
    """Return single keys, each spelled as Textual reports it.

    Args:
        keys: joined by commas; a lone comma is the key `,`.
    """
    if keys.strip() == ",":
        return ("comma",)
    return tuple(_normal(key.strip()) for key in keys.split(",") if key.strip())


def _normal(key: str) -> str:
    from textual.binding import Binding

    *modifiers, last = key.split("+") if key != "+" else [key]
    # A terminal reports Shift with a letter as the capital letter.
    if [each.lower() for each in modifiers] == ["shift"] and len(last) == 1 and last.isalpha():
        modifiers, last = [], last.upper()
    elif modifiers or len(last) > 1:
        last = last.lower()
    joined = "+".join([*(each.lower() for each in modifiers), _SPELLINGS.get(last, last)])
    joined = _SAME.get(joined, joined)
    return next(iter(Binding.make_bindings([Binding(joined, "")]))).key if joined else joined


def unknown_keys(keys: str) -> tuple[str, ...]:
    """Return those of some keys that no keyboard has.

    Args:
        keys: joined by commas.
    """
    return tuple(key for key in split_keys(keys) if not _exists(key))


def _exists(key: str) -> bool:
    from textual.keys import key_to_character

    *modifiers, last = key.split("+")
    if any(each not in _MODIFIERS for each in modifiers):
        return False
    return len(last) == 1 or key_to_character(last) is not None or last in _key_names()


@lru_cache
def _key_names() -> frozenset[str]:
    from textual.keys import REPLACED_KEYS, Keys

    named = {key.value.rpartition("+")[2] for key in Keys if not key.value.startswith("<")}
    return frozenset({*named, *REPLACED_KEYS})
