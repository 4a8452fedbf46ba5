"""Increases between two pages of one process, as PromQL's `increase` counts them.

A counter that is lower than before was reset and counts from zero. A series on only one of the pages gives no
result, as a single sample gives none in PromQL; neither does one whose value is not a finite number. Nothing is
extrapolated: the increase is the difference itself.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import isfinite, nan
from operator import sub

from k3k_core.telemetry.page import Family


def increase(new: float, old: float) -> float:
    """Return how much a counter grew from one page to the next; NaN when that cannot be said."""
    grown = new - old if new >= old else new
    return grown if isfinite(old) and grown >= 0 and isfinite(grown) else nan


def row_increases(new: Sequence[float], old: Sequence[float]) -> tuple[list[float], bool]:
    """Return the increases of series that line up, and whether all of them are known.

    Returns:
        One increase for each series, NaN where there is none; True when none is NaN.
    """
    grown = list(map(sub, new, old))
    # A sum is a finite number only if every part is one.
    if grown and min(grown) >= 0 and isfinite(sum(grown)):
        return grown, True
    grown = list(map(increase, new, old))
    return grown, all(map(isfinite, grown))


def aligned(new: Family, old: Family) -> Sequence[float]:
    """Return the values of the old page in the order of the new one, NaN for series that it does not have."""
    if new.layout is old.layout or new.layout.series == old.layout.series:
        return old.values
    before = dict(zip(old.layout.series, old.values, strict=True))
    return array("d", [before.get(series, nan) for series in new.layout.series])


def increases(new: Family, old: Family) -> list[float]:
    """Return the increase of each series of the new page, NaN where there is none."""
    return row_increases(new.values, aligned(new, old))[0]
