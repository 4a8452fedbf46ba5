"""Classic histograms: buckets of many series added up, and what is said of the sum."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf, isfinite
from operator import add
from typing import Final

from k3k_core.telemetry.signals.model import Latency
from k3k_core.telemetry.signals.quantiles import histogram_quantiles

Bounds = tuple[float, ...]
Part = tuple[Bounds, Sequence[float]]
"""Upper bounds, and the observations of each bucket followed by the sum and the count; empty when there were none."""

IDLE: Final = Latency(0.0, 0.0)
"""What is said of no observations."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Observations of a window.

    Attributes:
        bounds: upper bounds of the buckets, strictly ascending.
        counts: observations at or below each bound.
        total: sum of the observed values.
        count: number of observations.
    """

    bounds: Bounds = ()
    counts: Sequence[float] = ()
    total: float = 0.0
    count: float = 0.0

    def at_most(self, value: float) -> float:
        """Return the observations that were at or below a value, or below the next bound where it is none."""
        at = bisect_left(self.bounds, value)
        return self.counts[at] if at < len(self.bounds) else self.count

    def latency(self) -> Latency | None:
        """Return the median, 90th and 99th percentile; None when the sums are beyond measure."""
        if self is NOTHING or not (self.count or self.total or any(self.counts)):
            return IDLE
        if not isfinite(self.count) or not isfinite(self.total):
            return None
        return Latency(
            self.count, self.total, *histogram_quantiles((0.5, 0.9, 0.99), self.bounds, self.counts)
        )

    def quantile(self, q: float) -> float | None:
        """Return one quantile, None when there is none."""
        return histogram_quantiles((q,), self.bounds, self.counts)[0]


NOTHING: Final = Histogram()
"""No observations."""


def merged(parts: Iterable[Part]) -> Histogram:
    """Add histograms up as `sum by (le)` does; each bucket is the sum of those that have its bound.

    Args:
        parts: any number, of one bucket layout or of several.
    """
    by_bounds: dict[Bounds, Sequence[float]] = {}
    for bounds, row in parts:
        before = by_bounds.get(bounds)
        if not before:
            by_bounds[bounds] = row
        elif row:
            by_bounds[bounds] = list(map(add, before, row))
    rows = {bounds: row for bounds, row in by_bounds.items() if row}
    if not rows:
        return NOTHING
    if len(by_bounds) == 1:
        [(bounds, row)] = rows.items()
        return Histogram(bounds, row[:-2], row[-2], row[-1])
    buckets: dict[float, float] = dict.fromkeys(chain.from_iterable(by_bounds), 0.0)
    for bounds, row in rows.items():
        for bound, count in zip(bounds, row, strict=False):
            buckets[bound] += count
    order = tuple(sorted(buckets))
    return Histogram(
        order,
        [buckets[bound] for bound in order],
        sum(row[-2] for row in rows.values()),
        sum(row[-1] for row in rows.values()),
    )


def part(buckets: Iterable[tuple[float, float]], total: float, count: float) -> Part | None:
    """Put together a row from the series of it that are known.

    Args:
        buckets: bounds and increases in any order; a bound may come twice, as "1" and "1.0".
        total: increase of the sum, NaN when unknown.
        count: increase of the count, NaN when unknown: then that of the `+Inf` bucket is taken.

    Returns:
        None when neither a bucket nor the count is known.
    """
    known: dict[float, float] = {}
    for bound, grown in buckets:
        if isfinite(grown):
            known[bound] = known.get(bound, 0.0) + grown
    if not isfinite(count):
        if not known:
            return None
        count = known.get(inf, 0.0)
    bounds = tuple(sorted(known))
    return bounds, [*(known[bound] for bound in bounds), total if isfinite(total) else 0.0, count]
