"""The state behind `/metrics`: each control plane's sample lines, made once whenever its row changes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import Metric as ClientMetric
from prometheus_client.registry import Collector

from k3k_core.exporter.blocks import Blocks
from k3k_core.exporter.catalogue import CATALOGUE, Metric
from k3k_core.exporter.choices import Choices
from k3k_core.exporter.label_values import clean
from k3k_core.exporter.packing import Packed
from k3k_core.exporter.readings import Labels, Readings
from k3k_core.exporter.rendering import add_samples, client_metric, escape, render
from k3k_core.exporter.row_readings import read_row
from k3k_core.exporter.totals import Totals
from k3k_core.fleet import FleetRow
from k3k_core.telemetry.scraper.target import Scraped, TargetId

# As long as Prometheus itself shows a series that it gets no more samples of.
STALE_AFTER = 300.0
# Control planes whose rounds are counted before there is a row: more than one exporter can have.
MAX_EARLY = 10_000

_METRICS = tuple(metric for metric in CATALOGUE if metric.scope == "control plane")


@dataclass(slots=True)
class _Entry:
    """One control plane.

    Attributes:
        base: its identity as label values.
        row: as it is now.
        totals: of its rounds.
        choices: which of its queues and resources are shown.
        check_at: seconds since 1970 when time alone changes what is shown of it.
    """

    base: Labels
    row: FleetRow
    totals: Totals
    choices: Choices = field(default_factory=Choices)
    check_at: float = math.inf


class FleetCollector(Collector):
    """Metrics of every control plane; usable with a registry of prometheus_client, and much faster without.

    Args:
        stale_after: seconds after which signals that are not renewed, and rows of a host that cannot be followed,
            are shown no more.
        clock: seconds since 1970.
    """

    def __init__(self, *, stale_after: float = STALE_AFTER, clock: Callable[[], float] = time.time) -> None:
        self._stale_after = stale_after
        self._clock = clock
        self._entries: dict[TargetId, _Entry] = {}
        self._early: dict[TargetId, Totals] = {}
        self._blocks = Blocks(_METRICS)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def count(self, scraped: Scraped) -> None:
        """Add what one round gave to the totals; they are shown with the next row.

        Args:
            scraped: a round; each has to be given once, in whatever order.
        """
        entry = self._entries.get(scraped.id)
        totals = entry.totals if entry is not None else self._early.get(scraped.id)
        if totals is None:
            if len(self._early) >= MAX_EARLY:
                return
            totals = self._early[scraped.id] = Totals()
        totals.add(scraped.signals)

    def expect(self, keys: Iterable[TargetId]) -> None:
        """Forget rounds over control planes that have no row and are not about to get one.

        Args:
            keys: of rows that are about to be given.
        """
        if self._early:
            coming = set(keys)
            self._early = {key: totals for key, totals in self._early.items() if key in coming}

    def update(self, row: FleetRow) -> None:
        """Take a row that came or changed; what it shows was counted when its round was given to `count`.

        Args:
            row: as it is now.
        """
        plane = row.control_plane
        key = TargetId(plane.host, plane.namespace, plane.name)
        entry = self._entries.get(key)
        if entry is None:
            base = (clean(key.host), clean(key.namespace), clean(key.name))
            entry = self._entries[key] = _Entry(base, row, self._early.pop(key, Totals()))
        entry.row = row
        if row.signals is not None:
            entry.choices.take(row.signals)
        self._render(key, entry)

    def remove(self, key: TargetId) -> None:
        """Forget a control plane, its totals too.

        Args:
            key: which one.
        """
        self._entries.pop(key, None)
        self._early.pop(key, None)
        self._blocks.drop(key)

    def keep(self, keys: Iterable[TargetId]) -> None:
        """Forget every control plane but these.

        Args:
            keys: of the fleet.
        """
        for key in (self._entries.keys() | self._early.keys()) - set(keys):
            self.remove(key)

    def lines(self) -> Iterator[tuple[Metric, Iterable[bytes]]]:
        """Yield the sample lines by metric, in the order of the catalogue."""
        self._age()
        return self._blocks.lines()

    def packed(self) -> Iterator[tuple[Metric, list[Packed]]]:
        """Yield the same, compressed."""
        self._age()
        return self._blocks.packed()

    def lines_of(self, key: TargetId) -> Iterator[tuple[Metric, Iterable[bytes]]]:
        """Yield the sample lines of one control plane by metric.

        Args:
            key: which one; nothing is yielded for one that is not there.
        """
        for metric, lines in self._blocks.of(key).items():
            yield metric, (lines,)

    def describe(self) -> Iterator[ClientMetric]:
        """Yield the families without samples, so that a registry can refuse a second collector of the same."""
        return map(client_metric, _METRICS)

    def collect(self) -> Iterator[ClientMetric]:
        """Yield the families that have samples, as prometheus_client wants them."""
        families = {metric: client_metric(metric) for metric in _METRICS}
        self._age()
        for key in self._blocks:
            entry = self._entries[key]
            for metric, readings in self._read(entry).by_metric.items():
                add_samples(families[metric], metric, entry.base, readings)
        return (family for family in families.values() if family.samples)

    def _age(self) -> None:
        """Take what time alone has changed."""
        now = self._clock()
        for key, entry in self._entries.items():
            if entry.check_at <= now:
                self._render(key, entry)

    def _render(self, key: TargetId, entry: _Entry) -> None:
        found = self._read(entry).by_metric
        if not found:
            self._blocks.drop(key)
            return
        base = tuple(map(escape, entry.base))
        # In the order of the catalogue, as the whole page.
        self._blocks.put(
            key, {metric: render(metric, base, found[metric]) for metric in _METRICS if metric in found}
        )

    def _read(self, entry: _Entry) -> Readings:
        """Return what there is to show of a control plane now, and note when time will change it."""
        row, now = entry.row, self._clock()
        signals = row.signals
        signals_end = signals.at + self._stale_after if signals is not None else -math.inf
        row_ends = row.stale_since + self._stale_after if row.stale_since is not None else math.inf
        entry.check_at = min((end for end in (signals_end, row_ends) if end > now), default=math.inf)
        if max(row_ends, signals_end) <= now:
            return Readings()
        return read_row(row, signals if signals_end > now else None, entry.totals, entry.choices)
