"""Durations as people type them: `30s`, `5m`, `1h30m`, `8h`, `2d`."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])", re.ASCII)
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+", re.ASCII)
LONGEST = 10 * 365 * 86400.0


def parse_duration(text: str) -> float:
    """Return a duration in seconds.

    Args:
        text: numbers with a unit (ms, s, m, h, d), largest first by custom; a bare number means seconds.

    Raises:
        ValueError: a sentence saying what a duration looks like.
    """
    text = text.strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", text, re.ASCII):
        seconds = float(text)
    elif _WHOLE.fullmatch(text):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    else:
        raise ValueError(f"{text!r} is no duration; write it like 30s, 5m, 1h30m or 2d")
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"{text!r} is out of range; a duration is more than zero and at most ten years")
    return seconds


def format_elapsed(seconds: float) -> str:
    """Return how long something took: `0.4s`, `12.3s`, `2m05s`.

    Args:
        seconds: the duration.
    """
    if seconds < 60:
        return f"{max(0.0, seconds):.1f}s"
    return f"{int(seconds) // 60}m{int(seconds) % 60:02d}s"
