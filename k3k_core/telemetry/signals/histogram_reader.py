"""Increases of a histogram family between two pages, by what its label sets count for."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from math import nan
from operator import add
from typing import Final, Generic
from weakref import WeakKeyDictionary

from k3k_core.telemetry.families import Fact
from k3k_core.telemetry.page import Family, Layout
from k3k_core.telemetry.signals.deltas import increases, row_increases
from k3k_core.telemetry.signals.histograms import Histogram, Part, merged, part
from k3k_core.telemetry.signals.label_sets import K, Labels, LabelSets
from k3k_core.telemetry.signals.pairs import Pair
from k3k_core.telemetry.signals.rows import Rows, rows_of

_WIDTH: Final = array("d").itemsize
_HIGH: Final = _WIDTH - 1 if sys.byteorder == "little" else 0


class Increases(Generic[K]):
    """Increases of one or several pairs of pages.

    Attributes:
        parts: rows by what they count for, for everything that some row of both pages counts for.
    """

    def __init__(self) -> None:
        self.parts: dict[K, list[Part]] = {}

    def add(self, key: K, found: Part) -> None:
        """Take in a row, or several added up."""
        self.parts.setdefault(key, []).append(found)

    def update(self, other: Increases[K]) -> None:
        """Take in what another server counted."""
        if not self.parts:
            self.parts = other.parts
            return
        for key, parts in other.parts.items():
            self.parts.setdefault(key, []).extend(parts)

    def histogram(self, wanted: Callable[[K], bool]) -> Histogram | None:
        """Add up all that counts for what is wanted; None when no row of both pages does."""
        chosen = [part for key, parts in self.parts.items() if wanted(key) for part in parts]
        return merged(chosen) if chosen else None


class HistogramReader(Generic[K]):
    """Reads one histogram family of any number of control planes.

    It keeps no values, only what follows from the series of a layout.
    """

    def __init__(self, classify: Callable[[Labels], K | None]) -> None:
        """Make a reader.

        Args:
            classify: what a label set counts for, None for nothing; the label `le` is there and means nothing.
        """
        self._labels = LabelSets(classify)
        self._rows: WeakKeyDictionary[Layout, Rows[K]] = WeakKeyDictionary()

    def grown(self, fact: Fact, pairs: Iterable[Pair]) -> Increases[K]:
        """Return how the family grew on all servers together."""
        found: Increases[K] = Increases()
        for pair in pairs:
            if families := pair.families(fact):
                found.update(self.increases(*families))
        return found

    def increases(self, new: Family, old: Family) -> Increases[K]:
        """Return how the family grew from one page of a process to a later one."""
        rows = self._rows_of(new.layout)
        found: Increases[K] = Increases()
        if _ordinary(new.values) and _ordinary(old.values):
            careful = _add_lined_up(new, old, rows, self._old_starts(new, old), found)
        else:
            careful = list(range(len(rows.starts)))
        if careful or rows.strays:
            _add_one_by_one(new, old, rows, careful, found)
        return found

    def _old_starts(self, new: Family, old: Family) -> Sequence[int]:
        """Return where each usual row of the new page began on the old one, or one of the marks below."""
        rows = self._rows_of(new.layout)
        if new.layout is old.layout:
            return rows.starts
        before = self._rows_of(old.layout)
        where = {_identity(old.layout, start): row for row, start in enumerate(before.starts)}
        missing = LOOK_CLOSER if before.strays else NEW
        starts = array("q")
        for start, cell in zip(rows.starts, rows.cell_of, strict=True):
            row = where.get(_identity(new.layout, start))
            if row is None:
                starts.append(missing)
            elif before.cells[before.cell_of[row]] == rows.cells[cell]:
                starts.append(before.starts[row])
            else:
                starts.append(LOOK_CLOSER)
        return starts

    def _rows_of(self, layout: Layout) -> Rows[K]:
        rows = self._rows.get(layout)
        if rows is None:
            rows = self._rows[layout] = rows_of(layout.series, self._labels)
        return rows


NEW: Final = -1
"""The row is not on the old page."""

LOOK_CLOSER: Final = -2
"""The series of the row have to be looked up one by one."""


def _identity(layout: Layout, start: int) -> bytes:
    return layout.series[start].rpartition(b'le="')[0]


def _ordinary(values: array[float]) -> bool:
    """Tell whether no value is negative, infinite, NaN or above 1e300, from the high bytes alone."""
    high = values.tobytes()[_HIGH::_WIDTH]
    return high.isascii() and b"\x7f" not in high


def _add_lined_up(
    new: Family, old: Family, rows: Rows[K], old_starts: Sequence[int], found: Increases[K]
) -> list[int]:
    """Add up the rows that are on both pages in the same shape.

    Rows that did not move are told by their bytes, which is most of them.

    Returns:
        The numbers of the rows that have to be looked at series by series.
    """
    fresh, stale = new.values.tobytes(), old.values.tobytes()
    careful: list[int] = []
    sums: dict[int, Sequence[float]] = {}
    for start, end, cell, then in zip(rows.starts, rows.ends, rows.cell_of, old_starts, strict=True):
        if then < 0:
            if then == LOOK_CLOSER:
                careful.append(bisect_left(rows.starts, start))
            continue
        until = then + end - start
        if fresh[start * _WIDTH : end * _WIDTH] == stale[then * _WIDTH : until * _WIDTH]:
            sums.setdefault(cell, ())
            continue
        grown, known = row_increases(new.values[start:end], old.values[then:until])
        if not known:
            careful.append(bisect_left(rows.starts, start))
            continue
        before = sums.get(cell)
        sums[cell] = list(map(add, before, grown)) if before else grown
    for cell, row in sums.items():
        key, bounds = rows.cells[cell]
        found.add(key, (bounds, row))
    return careful


def _add_one_by_one(new: Family, old: Family, rows: Rows[K], careful: list[int], found: Increases[K]) -> None:
    """Add the rows of which some series were reset, are new, or are not numbers; and those in no usual order."""
    grown = increases(new, old)
    for row in careful:
        key, bounds = rows.cells[rows.cell_of[row]]
        values = grown[rows.starts[row] : rows.ends[row]]
        if (usual := part(zip(bounds, values, strict=False), values[-2], values[-1])) is not None:
            found.add(key, usual)
    for stray in rows.strays:
        total = nan if stray.total is None else grown[stray.total]
        count = nan if stray.count is None else grown[stray.count]
        if (odd := part(((bound, grown[at]) for bound, at in stray.buckets), total, count)) is not None:
            found.add(stray.key, odd)
