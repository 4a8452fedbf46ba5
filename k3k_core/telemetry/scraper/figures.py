"""What a scraper counts of its own work."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

DURATIONS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds for durations of rounds, seconds."""

LAGS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
"""Upper bounds for how late rounds begin, seconds."""


@dataclass(frozen=True, slots=True)
class HistogramFigures:
    """A distribution in classic buckets.

    Attributes:
        bounds: inclusive upper bounds, ascending, without infinity.
        counts: observations in each bucket alone (not cumulative); one more than bounds, the last is what is above.
        total: sum of the observations.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float

    @classmethod
    def empty(cls, bounds: tuple[float, ...]) -> HistogramFigures:
        """Return a distribution of nothing."""
        return cls(bounds, (0,) * (len(bounds) + 1), 0.0)

    @property
    def count(self) -> int:
        """How many observations there were."""
        return sum(self.counts)

    def cumulative(self) -> tuple[int, ...]:
        """Return how many observations were at or below each bound, and last of all how many there were."""
        reached, result = 0, []
        for count in self.counts:
            reached += count
            result.append(reached)
        return tuple(result)

    def __add__(self, other: HistogramFigures) -> HistogramFigures:
        if self.bounds != other.bounds:
            raise ValueError("distributions with different buckets cannot be added")
        counts = tuple(mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True))
        return HistogramFigures(self.bounds, counts, self.total + other.total)


@dataclass(frozen=True, slots=True)
class ScrapeFigures:
    """What a scraper has done so far, and what it is at.

    Attributes:
        rounds: rounds done, by result: "ok", or the kind of the first failure (`failure.Kind`).
        failures: failed requests, by kind; one round can have several.
        missed: rounds that could not begin before the next one was due.
        received_bytes: bytes that came over the network.
        duration: seconds rounds took.
        lag: seconds rounds began later than they should have.
        targets: control planes known.
        active: rounds under way.
        waiting: rounds that are due and wait for a slot.
        backing_off: control planes of which at least one server is asked less often because it failed.
        restarts: worker processes that died and were replaced.
    """

    rounds: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    missed: int = 0
    received_bytes: int = 0
    duration: HistogramFigures = field(default_factory=lambda: HistogramFigures.empty(DURATIONS))
    lag: HistogramFigures = field(default_factory=lambda: HistogramFigures.empty(LAGS))
    targets: int = 0
    active: int = 0
    waiting: int = 0
    backing_off: int = 0
    restarts: int = 0

    def __add__(self, other: ScrapeFigures) -> ScrapeFigures:
        return ScrapeFigures(
            rounds=dict(Counter(self.rounds) + Counter(other.rounds)),
            failures=dict(Counter(self.failures) + Counter(other.failures)),
            missed=self.missed + other.missed,
            received_bytes=self.received_bytes + other.received_bytes,
            duration=self.duration + other.duration,
            lag=self.lag + other.lag,
            targets=self.targets + other.targets,
            active=self.active + other.active,
            waiting=self.waiting + other.waiting,
            backing_off=self.backing_off + other.backing_off,
            restarts=self.restarts + other.restarts,
        )


def summed(figures: Iterable[ScrapeFigures]) -> ScrapeFigures:
    """Return what several scrapers did together."""
    return sum(figures, ScrapeFigures())


class Tally:
    """Counts rounds as they end."""

    def __init__(self) -> None:
        self._rounds: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._duration = _Buckets(DURATIONS)
        self._lag = _Buckets(LAGS)
        self._received = 0
        self.missed = 0

    def count(self, kinds: Iterable[str], *, duration: float, lag: float, received: int) -> None:
        """Count one round.

        Args:
            kinds: kinds of its failures, the first decides its result; none when all went well.
            duration: seconds it took.
            lag: seconds it began late.
            received: bytes that came.
        """
        failures = list(kinds)
        self._rounds[failures[0] if failures else "ok"] += 1
        self._failures.update(failures)
        self._duration.add(duration)
        self._lag.add(lag)
        self._received += received

    def figures(
        self, *, targets: int = 0, active: int = 0, waiting: int = 0, backing_off: int = 0
    ) -> ScrapeFigures:
        """Return the counts, with the state of the moment."""
        return ScrapeFigures(
            rounds=dict(self._rounds),
            failures=dict(self._failures),
            missed=self.missed,
            received_bytes=self._received,
            duration=self._duration.figures(),
            lag=self._lag.figures(),
            targets=targets,
            active=active,
            waiting=waiting,
            backing_off=backing_off,
        )


class _Buckets:
    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def figures(self) -> HistogramFigures:
        return HistogramFigures(self._bounds, tuple(self._counts), self._total)
