"""Amounts as people type them into a filter: `1s`, `250ms`, `30d`, `1.5%`, `2GiB`, `100`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, Literal

Kind = Literal["seconds", "days", "share", "bytes", "number"]

_NUMBER: Final = r"\d{1,15}(?:\.\d{0,9})?|\.\d{1,9}"
_SECONDS: Final = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "w": 604_800.0,
    "y": 31_536_000.0,
}
_DURATION: Final = re.compile(rf"(?:(?:{_NUMBER})(?:ms|min|[smhdwy]))+", re.ASCII)
_PART: Final = re.compile(rf"({_NUMBER})(ms|min|[smhdwy])", re.ASCII)
_PLAIN: Final = re.compile(_NUMBER, re.ASCII)
_PERCENT: Final = re.compile(rf"({_NUMBER})%", re.ASCII)
_SIZE: Final = re.compile(rf"({_NUMBER})([kmgtKMGT]?)(i?)[bB]?", re.ASCII)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_COUNT: Final = re.compile(rf"({_NUMBER})([kKmM]?)", re.ASCII)


def _duration(text: str) -> float | None:
    if _DURATION.fullmatch(text) is None:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def _plain(text: str) -> float | None:
    return float(text) if _PLAIN.fullmatch(text) else None


def _seconds(text: str) -> float | None:
    plain = _plain(text)
    return _duration(text) if plain is None else plain


def _days(text: str) -> float | None:
    seconds = _duration(text)
    return _plain(text) if seconds is None else seconds / 86_400.0


def _share(text: str) -> float | None:
    if found := _PERCENT.fullmatch(text):
        return float(found[1]) / 100.0
    plain = _plain(text)
    # More than all of them is no share: it was meant in per cent, perhaps.
    return plain if plain is not None and plain <= 1 else None


def _bytes(text: str) -> float | None:
    found = _SIZE.fullmatch(text)
    if found is None:
        return None
    base = 1024 if found[3] else 1000
    return float(found[1]) * float(base ** _POWERS[found[2].lower()])


def _number(text: str) -> float | None:
    found = _COUNT.fullmatch(text)
    return float(found[1]) * {"": 1.0, "k": 1e3, "m": 1e6}[found[2].lower()] if found else None


_READERS: Final[Mapping[Kind, Callable[[str], float | None]]] = {
    "seconds": _seconds,
    "days": _days,
    "share": _share,
    "bytes": _bytes,
    "number": _number,
}
# What an amount looks like, for hints and completions.
EXAMPLES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "seconds": ("1s", "250ms", "100ms"),
    "days": ("30d", "7d", "12h"),
    "share": ("1%", "0.1%", "5%"),
    "bytes": ("1GiB", "500MiB", "100MiB"),
    "number": ("10", "100", "0"),
}


def parse_amount(text: str, kind: Kind) -> float | None:
    """Return an amount in seconds, days, a share from 0 to 1, bytes or a number; None when it is none of that kind.

    Args:
        text: as it was typed.
        kind: what it is an amount of; a bare number is in the unit named above.
    """
    return _READERS[kind](text.strip())
