"""Single values of a page, and which values can be true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Final, TypeVar

from k3k_core.telemetry.families import Fact
from k3k_core.telemetry.page import Page

K = TypeVar("K")

MAX_NAME: Final = 253
"""Characters of a name that are kept, as many as the name of a Kubernetes object may have."""

END_OF_TIME: Final = 253_402_300_799.0
"""Last second of the year 9999, the end of what calendars and certificates can say."""


def single(fact: Fact, page: Page) -> float | None:
    """Return the value of a family that has one series; None when it is absent or not a finite number."""
    family = fact.find(page)
    if family is None or not family.values:
        return None
    return finite(family.values[0])


def total(fact: Fact, page: Page) -> float | None:
    """Return the sum of a gauge over all its series; None when it is absent or no sum can be said."""
    family = fact.find(page)
    if family is None:
        return None
    known = [value for value in family.values if isfinite(value) and value >= 0]
    return finite(sum(known)) if known else None


def finite(value: float | None) -> float | None:
    """Return a finite number, None for anything else."""
    return value if value is not None and isfinite(value) else None


def amount(value: float | None) -> float | None:
    """Return a finite number that is not negative, None for anything else."""
    return value if value is not None and isfinite(value) and value >= 0 else None


def moment(value: float | None) -> float | None:
    """Return seconds since 1970 that a calendar can show, None for anything else."""
    return value if value is not None and 0 < value <= END_OF_TIME else None


def ratio(some: float | None, all_of_them: float | None) -> float | None:
    """Return a share of 0 to 1, None when nothing happened or one of the two is not known."""
    if some is None or all_of_them is None or not all_of_them > 0 or not isfinite(all_of_them):
        return None
    return min(max(some / all_of_them, 0.0), 1.0)


def summed(values: Iterable[float | None]) -> float | None:
    """Return the sum of what is known; None when nothing is."""
    known = [value for value in values if value is not None]
    return finite(sum(known)) if known else None


def added(several: Iterable[Mapping[K, float]]) -> dict[K, float]:
    """Add values up by name."""
    sums: dict[K, float] = {}
    for one in several:
        if not sums:
            sums.update(one)
            continue
        for key, value in one.items():
            sums[key] = sums.get(key, 0.0) + value
    return sums


def highest(values: Iterable[float | None]) -> float | None:
    """Return the highest of what is known; None when nothing is."""
    return max((value for value in values if value is not None), default=None)


def largest(values: Mapping[K, float], limit: int) -> dict[K, float]:
    """Return the largest finite values, the largest first; equal ones by name."""
    known = [(key, value) for key, value in values.items() if isfinite(value)]
    known.sort(key=lambda item: (-item[1], str(item[0])))
    return dict(known[:limit])


def name_of(text: str) -> str:
    """Return a name short enough to keep and to show."""
    return text[:MAX_NAME]
