"""Counters and gauges of a page, added up by what their label sets count for."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from math import isfinite
from typing import Final, Generic
from weakref import WeakKeyDictionary

from k3k_core.telemetry.families import Fact
from k3k_core.telemetry.page import Family, Layout
from k3k_core.telemetry.signals.deltas import aligned, row_increases
from k3k_core.telemetry.signals.gauges import added
from k3k_core.telemetry.signals.label_sets import K, Labels, LabelSets
from k3k_core.telemetry.signals.pairs import Pair

MAX_SERIES: Final = 10_000
"""Series of one counter or gauge that are looked at; the largest, apiserver_request_total, has some 1,000."""


class SeriesReader(Generic[K]):
    """Reads one counter or gauge family of any number of control planes.

    It keeps no values, only what follows from the series of a layout.
    """

    def __init__(self, classify: Callable[[Labels], K | None]) -> None:
        """Make a reader.

        Args:
            classify: what a label set counts for, None for nothing.
        """
        self._labels = LabelSets(classify)
        self._columns: WeakKeyDictionary[Layout, tuple[tuple[K, ...], array[int]]] = WeakKeyDictionary()

    def increases(self, new: Family, old: Family) -> dict[K, float]:
        """Return how much a counter grew from one page of a process to a later one.

        Returns:
            By what the series count for; without those of which no series is on both pages.
        """
        keys, slots = self._columns_of(new.layout)
        grown, known = row_increases(new.values, aligned(new, old))
        if not known:
            return self._sums(grown, keys, slots)
        # The last place takes what counts for nothing: its slot is -1.
        sums = [0.0] * (len(keys) + 1)
        for at in compress(range(len(slots)), grown):
            sums[slots[at]] += grown[at]
        return dict(zip(keys, sums, strict=False))

    def grown(self, fact: Fact, pairs: Iterable[Pair]) -> dict[K, float]:
        """Return how much a counter grew on all servers together."""
        return added(self.increases(*found) for pair in pairs if (found := pair.families(fact)))

    def values(self, family: Family) -> dict[K, float]:
        """Return the values of a gauge added up; without those of which no series is a finite number."""
        return self._sums(family.values, *self._columns_of(family.layout))

    @staticmethod
    def _sums(values: Sequence[float], keys: tuple[K, ...], slots: array[int]) -> dict[K, float]:
        if len(keys) == len(values) and isfinite(sum(values)):
            return dict(zip(keys, values, strict=True))
        sums: dict[K, float] = {}
        for slot, value in zip(slots, values, strict=False):
            if slot >= 0 and isfinite(value):
                sums[keys[slot]] = sums.get(keys[slot], 0.0) + value
        return sums

    def _columns_of(self, layout: Layout) -> tuple[tuple[K, ...], array[int]]:
        columns = self._columns.get(layout)
        if columns is None:
            places: dict[K, int] = {}
            slots = array("i")
            for series in layout.series[:MAX_SERIES]:
                try:
                    key = self._labels.key_of(series)
                except ValueError:
                    key = None
                slots.append(-1 if key is None else places.setdefault(key, len(places)))
            columns = self._columns[layout] = (tuple(places), slots)
        return columns
