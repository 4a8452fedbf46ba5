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


def format_age(seconds: float) -> str:
    """Return a duration with at most two units, as `kubectl get` shows ages: `45s`, `12m`, `3h5m`, `8d`.

    Args:
        seconds: the duration; anything below zero counts as zero.
    """
    total = max(0, int(seconds))
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if total < 120:
        return f"{total}s"
    if minutes < 10:
        return f"{minutes}m{total % 60}s" if total % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d" if days < 730 else f"{days // 365}y{days % 365}d"


def format_elapsed(seconds: float) -> str:
    """Return how long something took: `0.4s`, `12.3s`, `2m05s`.

    Args:
        seconds: the duration.
    """
    if seconds < 60:
        return f"{max(0.0, seconds):.1f}s"
    return f"{int(seconds) // 60}m{int(seconds) % 60:02d}s"
