"""Quantiles of classic histograms, as PromQL's `histogram_quantile` estimates them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from math import inf, isfinite
from typing import Final

_SAME: Final = 1e-12
"""Relative difference up to which PromQL takes two bucket counts for equal."""


def histogram_quantile(q: float, bounds: Sequence[float], counts: Sequence[float]) -> float | None:
    """Estimate one quantile from cumulative buckets; see `histogram_quantiles`."""
    return histogram_quantiles((q,), bounds, counts)[0]


def histogram_quantiles(
    qs: Sequence[float], bounds: Sequence[float], counts: Sequence[float]
) -> tuple[float | None, ...]:
    """Estimate quantiles from cumulative buckets.

    The rules are those of Prometheus (documentation of `histogram_quantile`; promql/quantile.go): counts that fall
    are raised to the one before, observations lie evenly within a bucket, the first bucket begins at 0 when its
    bound is positive, and a quantile in the last, unbounded bucket is the highest finite bound.

    Args:
        qs: the quantiles, 0 to 1 each.
        bounds: upper bounds of the buckets, strictly ascending.
        counts: observations at or below each bound.

    Returns:
        The quantiles in the unit of the bounds; None where PromQL says NaN: no observations, no `+Inf` bucket, or
        no bucket beside it.
    """
    if len(bounds) < 2 or bounds[-1] != inf:
        return (None,) * len(qs)
    rising = _monotonic(counts)
    if not 0 < rising[-1] < inf:
        return (None,) * len(qs)
    return tuple([_interpolate(q * rising[-1], bounds, rising) for q in qs])


def _interpolate(rank: float, bounds: Sequence[float], rising: list[float]) -> float | None:
    at = bisect_left(rising, rank, 0, len(rising) - 1)
    if at == len(rising) - 1:
        value = bounds[-2]
    elif at == 0:
        if bounds[0] > 0 and not rising[0]:
            return None
        value = bounds[0] * (rank / rising[0]) if bounds[0] > 0 else bounds[0]
    else:
        below, start = rising[at - 1], bounds[at - 1]
        value = start + (bounds[at] - start) * ((rank - below) / (rising[at] - below))
    return value if isfinite(value) else None


def _monotonic(counts: Sequence[float]) -> list[float]:
    """Return the counts with none lower than the one before, nor higher by a mere rounding error."""
    rising = list(accumulate(map(float, counts), max))
    if all(map(float.is_integer, rising)):
        return rising
    return list(accumulate(rising, _levelled))


def _levelled(before: float, count: float) -> float:
    return before if count - before <= _SAME * (count + before) else count
