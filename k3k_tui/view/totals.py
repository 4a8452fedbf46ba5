"""Sums over the whole fleet, kept while rows come, change and go, and their course of the last minutes."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Final, Literal

from k3k_core.telemetry.judgement import Verdict
from k3k_tui.view.readings import READINGS

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey, FleetRow

FAULTS: Final[frozenset[Verdict]] = frozenset(("Down", "Degraded", "Unknown", "Expired"))
SeriesName = Literal["rate", "errors", "p99", "faults"]
# Sums are kept in whole thousandths, or adding and taking away would drift.
_GRAIN: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Totals:
    """The fleet in a few figures.

    Attributes:
        rows: control planes.
        shown: those that the filter lets through.
        verdicts: how many have which verdict.
        stale: how many are of a host that cannot be followed.
        servers_ready: servers that are ready.
        servers_wanted: servers asked for.
        rate: API requests a second; None while nothing is known.
        errors: share of them answered with 5xx, 0 to 1; None while nothing is known.
        p99: the slowest 99th percentile, seconds; None while nothing is known.
        slowest: where that is.
    """

    rows: int = 0
    shown: int = 0
    verdicts: Mapping[Verdict, int] = field(default_factory=dict)
    stale: int = 0
    servers_ready: int = 0
    servers_wanted: int = 0
    rate: float | None = None
    errors: float | None = None
    p99: float | None = None
    slowest: FleetKey | None = None

    @property
    def faults(self) -> int:
        """How many are not well."""
        return sum(count for verdict, count in self.verdicts.items() if verdict in FAULTS)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one row adds to the sums."""

    verdict: Verdict
    stale: bool
    ready: int
    wanted: int
    rate: int | None
    failed: int
    p99: float | None


class FleetSums:
    """Sums over all rows; a row that changes costs the same however many there are."""

    def __init__(self) -> None:
        self._parts: dict[FleetKey, _Part] = {}
        self._verdicts: Counter[Verdict] = Counter()
        self._numbers: Counter[str] = Counter()
        self._latencies: dict[FleetKey, float] = {}

    def put(self, key: FleetKey, row: FleetRow | None) -> None:
        """Take in a row as it is now.

        Args:
            key: which one.
            row: None when it went.
        """
        before = self._parts.pop(key, None)
        if before is not None:
            self._add(before, -1)
        if row is None:
            self._latencies.pop(key, None)
            return
        part = self._parts[key] = _part(row)
        self._add(part, 1)
        if part.p99 is None:
            self._latencies.pop(key, None)
        else:
            self._latencies[key] = part.p99

    def totals(self, shown: int) -> Totals:
        """Return the sums.

        Args:
            shown: how many rows the filter lets through.
        """
        numbers = self._numbers
        slowest, p99 = max(self._latencies.items(), key=itemgetter(1), default=(None, None))
        rate = numbers["rate"] / _GRAIN if numbers["measured"] else None
        return Totals(
            rows=len(self._parts),
            shown=shown,
            verdicts={verdict: count for verdict, count in self._verdicts.items() if count},
            stale=numbers["stale"],
            servers_ready=numbers["ready"],
            servers_wanted=numbers["wanted"],
            rate=rate,
            errors=numbers["failed"] / numbers["rate"] if numbers["rate"] else None,
            p99=p99,
            slowest=slowest,
        )

    def _add(self, part: _Part, sign: int) -> None:
        self._verdicts[part.verdict] += sign
        numbers = self._numbers
        numbers["stale"] += sign * part.stale
        numbers["ready"] += sign * part.ready
        numbers["wanted"] += sign * part.wanted
        if part.rate is not None:
            numbers["measured"] += sign
            numbers["rate"] += sign * part.rate
            numbers["failed"] += sign * part.failed


def _part(row: FleetRow) -> _Part:
    rate = _whole(READINGS["rate"](row, 0.0))
    errors = READINGS["errors"](row, 0.0) or 0.0
    return _Part(
        verdict=row.judgement.verdict,
        stale=row.stale_since is not None,
        ready=row.control_plane.servers_ready,
        wanted=row.control_plane.servers_wanted,
        rate=rate,
        failed=int((rate or 0) * min(max(errors, 0.0), 1.0)),
        p99=READINGS["p99"](row, 0.0),
    )


def _whole(rate: float | None) -> int | None:
    # A page can claim anything; a sum that one of them made infinite would say nothing of the others.
    return None if rate is None or not 0 <= rate < 1e12 else round(rate * _GRAIN)


class FleetCourse:
    """The course of the fleet's figures: one slot each few seconds.

    Args:
        step: seconds of one slot.
        slots: how many are kept.
    """

    def __init__(self, *, step: float = 5.0, slots: int = 120) -> None:
        self.step = step
        self._series: dict[SeriesName, deque[float]] = {
            name: deque(maxlen=slots) for name in ("rate", "errors", "p99", "faults")
        }
        self._slot: int | None = None

    def record(self, now: float, totals: Totals) -> bool:
        """Take in the fleet as it is.

        Args:
            now: seconds since 1970.
            totals: its figures.

        Returns:
            Whether a new slot began.
        """
        slot = math.floor(now / self.step)
        values: dict[SeriesName, float | None] = {
            "rate": totals.rate,
            "errors": totals.errors,
            "p99": totals.p99,
            "faults": float(totals.faults) if totals.rows else None,
        }
        # A clock that was set back goes on in the slot it was in.
        ahead = 1 if self._slot is None else max(slot - self._slot, 0)
        for name, series in self._series.items():
            value = values[name]
            number = math.nan if value is None else value
            if ahead:
                series.extend([math.nan] * min(ahead - 1, series.maxlen or 0))
                series.append(number)
            else:
                series[-1] = number
        if ahead or self._slot is None or slot < self._slot:
            self._slot = slot
        return bool(ahead)

    def last(self, name: SeriesName, points: int) -> list[float]:
        """Return the newest values of a series, the oldest first; NaN where there are none.

        Args:
            name: which series: requests a second, share of errors, seconds, control planes that are not well.
            points: how many values.
        """
        series = self._series[name]
        known = list(series)[-points:] if points > 0 else []
        return [math.nan] * (points - len(known)) + known
