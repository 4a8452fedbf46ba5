"""Values with their units, and durations, as rules and their sentences write them."""

from __future__ import annotations

import math
import re
from typing import Final, Literal, get_args

Unit = Literal[
    "",
    "seconds",
    "ratio",
    "percent",
    "bytes",
    "bytes/second",
    "days",
    "items",
    "count",
    "count/second",
    "cores",
]

UNITS: Final[tuple[str, ...]] = get_args(Unit)

_DURATION_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])", re.ASCII)
_WHOLE: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+", re.ASCII)
_LONGEST: Final = 365 * 86400.0


def parse_duration(text: object) -> float:
    """Return a duration in seconds.

    Args:
        text: such as `90s`, `5m`, `1h30m`; a number means seconds. Zero is a duration here.

    Raises:
        ValueError: a sentence saying what a duration looks like.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        seconds = float(text)
    elif isinstance(text, str) and len(text) <= 40 and _WHOLE.fullmatch(text.strip()):
        seconds = sum(float(number) * _DURATION_UNITS[unit] for number, unit in _PART.findall(text))
    else:
        raise ValueError("is no duration; write it like 30s, 5m or 1h30m")
    if not 0 <= seconds <= _LONGEST:
        raise ValueError("is out of range; a duration here is at most a year and not negative")
    return seconds


def format_duration(seconds: float) -> str:
    """Return a length of time as people say it, at most two units: `250 ms`, `45 s`, `5 min`, `3 h 10 min`.

    Args:
        seconds: the duration; anything below zero counts as zero.
    """
    if not math.isfinite(seconds):
        return "for ever"
    seconds = max(0.0, seconds)
    if seconds == 0:
        return "0 s"
    if seconds < 1:
        return f"{_digits(seconds * 1000)} ms"
    if seconds < 120 and seconds != 60:
        return f"{_digits(seconds)} s"
    for size, name, smaller_size, smaller in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if seconds >= size * (2 if size == 86400 else 1):
            count, rest = divmod(int(seconds), size)
            parts = rest // smaller_size
            return f"{count} {name} {parts} {smaller}" if parts and count < 10 else f"{count} {name}"
    return f"{_digits(seconds)} s"


def format_value(value: float, unit: str) -> str:
    """Return a value with its unit as a person reads it.

    Args:
        value: the value; NaN reads "unknown".
        unit: one of `UNITS`.
    """
    if math.isnan(value):
        return "unknown"
    if unit == "seconds":
        return format_duration(value)
    if unit in {"bytes", "bytes/second"}:
        return _bytes(value) + ("/s" if unit == "bytes/second" else "")
    if unit == "ratio":
        return f"{_digits(value * 100)} %"
    if unit == "days":
        return _days(value)
    suffix = {"percent": " %", "count/second": "/s", "cores": " cores"}.get(unit, "")
    return f"{_digits(value)}{suffix}"


def _days(days: float) -> str:
    if 0 < abs(days) < 2:
        hours = math.trunc(days * 24)
        return f"{hours} hour" if abs(hours) == 1 else f"{hours} hours"
    return f"{math.trunc(days)} days" if math.isfinite(days) else _digits(days) + " days"


def _bytes(size: float) -> str:
    if not math.isfinite(size):
        return _digits(size) + " bytes"
    for step, name in ((40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")):
        if abs(size) >= 1 << step:
            return f"{_digits(size / (1 << step))} {name}"
    return f"{_digits(size)} bytes"


def _digits(number: float) -> str:
    """Three significant digits, thousands written out."""
    if not math.isfinite(number):
        return "infinite" if number > 0 else "-infinite"
    if abs(number) >= 100 or number == int(number):
        return f"{number:.0f}"
    return f"{number:.3g}" if abs(number) >= 0.001 else f"{number:.1g}"
