"""The dashboard's part of the configuration file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

_SHORTEST_REFRESH = 1.0


@dataclass(frozen=True, slots=True)
class TuiConfig:
    """What a user chose for the dashboard.

    Attributes:
        theme: name of the theme; empty lets the terminal decide.
        keymap: name of the keymap.
        keys: keys by name of action, instead of the keymap's; several are joined by commas.
        columns: columns of the fleet; empty lets the width choose.
        mouse: whether the mouse is taken.
        refresh: seconds between two readings of a control plane.
    """

    theme: str = ""
    keymap: str = "default"
    keys: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    mouse: bool = True
    refresh: float = 15.0


def parse_config(content: Any) -> tuple[TuiConfig, tuple[str, ...]]:
    """Read what the configuration file has under `tui`.

    Args:
        content: whatever is there.

    Returns:
        What was chosen, the usual in place of what makes no sense; and one sentence for each such thing.
    """
    if content is None:
        return TuiConfig(), ()
    if not isinstance(content, dict):
        return TuiConfig(), (f"tui: a mapping is expected; it has {', '.join(_READERS)}.",)
    found: dict[str, Any] = {}
    problems: list[str] = []
    for key, raw in content.items():
        reader = _READERS.get(str(key))
        if reader is None:
            problems.append(_unknown(str(key)))
            continue
        try:
            found[str(key)] = reader(raw)
        except ValueError as error:
            problems.append(f"tui.{key}: {error}.")
    return TuiConfig(**found), tuple(problems)


def _unknown(key: str) -> str:
    meant = get_close_matches(key, _READERS, n=1)
    advice = f"did you mean {meant[0]!r}?" if meant else f"there are {', '.join(_READERS)}."
    return f"tui: there is no setting {key!r}; {advice}"


def _text(raw: Any) -> str:
    if isinstance(raw, str) and raw.strip():
        return raw.strip()
    raise ValueError("a name is expected")


def _flag(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    raise ValueError("true or false is expected")


def _refresh(raw: Any) -> float:
    from k3k_core.cli.durations import parse_duration

    seconds = parse_duration(str(raw))
    if seconds < _SHORTEST_REFRESH:
        raise ValueError(f"less than {_SHORTEST_REFRESH:g} s asks too much of the control planes")
    return seconds


def _columns(raw: Any) -> tuple[str, ...]:
    if isinstance(raw, list) and all(isinstance(each, str) and each for each in raw):
        return tuple(raw)
    raise ValueError("a list of names of columns is expected")


def _keys(raw: Any) -> Mapping[str, str]:
    if isinstance(raw, dict):
        return {str(action): _key_list(action, keys) for action, keys in raw.items()}
    raise ValueError("keys by name of action are expected, such as `app.quit: Q`")


def _key_list(action: Any, raw: Any) -> str:
    """Return keys joined by commas; YAML makes a number of the key `9` and nothing of an empty value."""
    given = raw if isinstance(raw, list) else [raw]
    if any(isinstance(each, bool) or not isinstance(each, str | int | None) for each in given):
        raise ValueError(f"a key, or a list of keys, is expected for {action}; y and n need quotes")
    return ",".join("" if each is None else "comma" if each == "," else str(each) for each in given)


_READERS: dict[str, Callable[[Any], Any]] = {
    "theme": _text,
    "keymap": _text,
    "keys": _keys,
    "columns": _columns,
    "mouse": _flag,
    "refresh": _refresh,
}
