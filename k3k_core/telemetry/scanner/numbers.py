"""Values and timestamps as pages write them."""

from __future__ import annotations

import math

# Seconds, or seconds and nanoseconds where both were written out: these compare exactly.
Timestamp = float | tuple[int, int]


def read_value(text: str) -> float:
    """Read a value: decimal, `NaN` or an infinity.

    Returns:
        an int where the page has one, so that large ones compare exactly.

    Raises:
        ValueError: it is none.
    """
    if text != text.strip() or "_" in text:
        raise ValueError(f"not a number: {text[:60]!r}")
    try:
        return int(text)
    except ValueError:
        return float(text)


def read_milliseconds(text: str) -> float:
    """Read a timestamp of the text format, in milliseconds; returns seconds.

    Raises:
        ValueError: it is none.
    """
    try:
        return read_value(text) / 1000
    except OverflowError:
        raise ValueError("a timestamp beyond all bounds") from None


def read_seconds(text: str) -> Timestamp:
    """Read a timestamp of OpenMetrics, in seconds with nanosecond resolution.

    Raises:
        ValueError: it is none.
    """
    if text != text.strip() or "_" in text:
        raise ValueError(f"not a timestamp: {text[:60]!r}")
    whole, point, fraction = text.partition(".")
    try:
        seconds = int(whole)
        nanoseconds = int(fraction[:9].ljust(9, "0")) if point else 0
        if nanoseconds < 0:
            raise ValueError("a sign within a timestamp")
    except ValueError:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"not a timestamp: {text[:60]!r}") from None
        return value
    return seconds, -nanoseconds if seconds < 0 else nanoseconds


def as_seconds(timestamp: Timestamp) -> float:
    """Return a timestamp in seconds since 1970."""
    if isinstance(timestamp, tuple):
        return as_float(timestamp[0]) + timestamp[1] / 1e9
    return timestamp


def as_float(value: float) -> float:
    """Return a value as a float; an integer too large for one is infinite, as it is when written with an exponent."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
