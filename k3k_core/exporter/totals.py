"""Counters made of windows: what one control plane did since the exporter began to watch it.

The signals of a control plane hold differences between two pages, counter resets already dealt with. Added up
they never fall, so that `rate()` over them is right whatever restarts on the other side. Each round has a window of its
own, so each has to be added, once, also one that another has overtaken.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping

from k3k_core.exporter.catalogue import Metric
from k3k_core.exporter.windows import Key, Labels, counts, latencies
from k3k_core.telemetry.signals.model import Signals

# Label sets of one metric that are remembered: more than are exported, since the worst queues come and go.
MAX_LABEL_SETS = 256
# Rounds by which one can be late and still be told from one that was added already.
_REMEMBERED = 16

Amount = tuple[float, float]


class Totals:
    """Totals of one control plane; bounded whatever its pages claim."""

    def __init__(self) -> None:
        self._added: deque[float] = deque(maxlen=_REMEMBERED)
        self._amounts: dict[Metric, dict[Labels, Amount]] = {}

    def add(self, signals: Signals) -> None:
        """Add the window of a round; one that was added already changes nothing.

        Args:
            signals: of a round, in whatever order they come.
        """
        # Not by their order: a clock that is set back must not stop the counters.
        if signals.at in self._added:
            return
        self._added.append(signals.at)
        window: dict[Metric, dict[Labels, Amount]] = {}
        for (metric, labels), amount in _amounts(signals):
            window.setdefault(metric, {}).setdefault(labels, amount)
        for metric, grown in window.items():
            _grow(self._amounts.setdefault(metric, {}), grown)

    def of(self, metric: Metric) -> Mapping[Labels, Amount]:
        """Return the totals of a metric by label values: (total, 0) of a counter, (sum, count) of a summary.

        Args:
            metric: of the catalogue.
        """
        return self._amounts.get(metric, {})


def _amounts(signals: Signals) -> Iterator[tuple[Key, Amount]]:
    for key, count in counts(signals):
        if _grows(count):
            yield key, (count, 0.0)
    for key, latency in latencies(signals):
        if _grows(latency.total) and _grows(latency.count):
            yield key, (latency.total, latency.count)


def _grows(value: float) -> bool:
    """Tell whether a total may grow by this: a counter must neither fall nor become something else."""
    return math.isfinite(value) and value >= 0


def _grow(totals: dict[Labels, Amount], grown: Mapping[Labels, Amount]) -> None:
    """Add a window; when there are too many label sets, those it does not have are forgotten first."""
    if len(totals.keys() | grown.keys()) > MAX_LABEL_SETS:
        for labels in totals.keys() - grown.keys():
            del totals[labels]
    for labels, (total, count) in grown.items():
        if labels in totals or len(totals) < MAX_LABEL_SETS:
            before = totals.get(labels, (0.0, 0.0))
            totals[labels] = (before[0] + total, before[1] + count)
