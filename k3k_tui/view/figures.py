"""Figures as short as a cell needs them, with the digits that the command line shows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from k3k_core.ages import format_age
from k3k_core.telemetry.quantities import Unit, format_value

# A share of requests below this is there, but shows as less than it.
_SMALL_SHARE = 0.0001


def figure(value: float | None, unit: Unit) -> str:
    """Return a value with its unit and no blank between them; empty when it is not known.

    Args:
        value: None when it is not known.
        unit: of the value.
    """
    if value is None or math.isnan(value):
        return ""
    return format_value(value, unit).replace(" ", "")


def seconds(value: float | None) -> str:
    """Return a duration: `<1ms`, `12.3ms`, `1.23s`; empty when it is not known.

    Args:
        value: seconds.
    """
    return "<1ms" if value is not None and 0 < value < 0.001 else figure(value, "seconds")


def share(value: float | None) -> str:
    """Return a share in per cent: `0%`, `<0.01%`, `1.25%`; empty when it is not known.

    Args:
        value: 0 to 1.
    """
    if value is not None and 0 < value < _SMALL_SHARE:
        return "<0.01%"
    return figure(value, "ratio")


def count(value: float | None) -> str:
    """Return a number of things, in thousands where it has more than four digits; empty when it is not known.

    Args:
        value: how many.
    """
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return "inf"
    for step, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= step:
            return f"{value / (1e3 if sign == 'k' else step):.0f}{sign}"
    return format_value(value, "count")


def days(value: float | None) -> str:
    """Return days that are left: `29d`, hours below two days, `ended`; empty when they are not known.

    Args:
        value: negative once it is over.
    """
    if value is None or not math.isfinite(value):
        return ""
    if value <= 0:
        return "ended"
    return format_age(value * 86400.0) if value < 2 else f"{int(value)}d"


def age(seconds: float | None) -> str:
    """Return an age of one or two units as `kubectl get` shows it; empty when it is not known.

    Args:
        seconds: how long ago; below zero counts as zero.
    """
    return "" if seconds is None or not math.isfinite(seconds) else format_age(seconds)


def calm_top(values: Sequence[float], floor: float = 0.0) -> float:
    """Return what the highest sign of a course should stand for, so that one that does not move is drawn half high.

    Args:
        values: the course; NaN for none.
        floor: what it should stand for at least, so that small values are drawn low.
    """
    known = sorted(value for value in values if math.isfinite(value))
    return max(floor, 2 * known[len(known) // 2]) if known else floor


def sparkline(values: Sequence[float], signs: str, *, top: float = 0.0) -> str:
    """Return a course of values with one sign each, drawn from zero; blanks where there are none.

    Args:
        values: the oldest first; NaN for none.
        signs: from the lowest to the highest.
        top: what the highest sign stands for, at least; the highest value when that is more.
    """
    known = [value for value in values if math.isfinite(value)]
    highest = max([top, *known])
    if not known:
        return " " * len(values)
    last = len(signs) - 1
    scale = len(signs) / highest if highest > 0 else 0.0
    return "".join(
        signs[min(max(int(value * scale), 0), last)] if math.isfinite(value) else " " for value in values
    )
