"""The rows of a histogram family: where the buckets, the sum and the count of each label set stand.

What follows from the series alone is worked out once for each layout and kept as long as the layout lives.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, starmap
from math import inf, isnan
from operator import lt
from typing import Final, Generic

from k3k_core.telemetry.labels import parse_series
from k3k_core.telemetry.signals.histograms import Bounds
from k3k_core.telemetry.signals.label_sets import K, Labels, LabelSets

MAX_ROWS: Final = 5_000
"""Label sets of one family that are looked at; a busy API server has some 800."""

MAX_STRAY: Final = 8_000
"""Series out of the usual order after which a family is not read any further; real pages have none."""

MAX_SHAPES: Final = 8
"""Bucket layouts of one family that are recognised at a glance; nearly all have one."""


@dataclass(frozen=True, slots=True)
class StrayRow(Generic[K]):
    """A label set whose series are not in the usual order, or not all there.

    Attributes:
        key: what the label set counts for.
        buckets: bound and position of each bucket.
        total: position of the sum, None when there is none.
        count: position of the count, None when there is none.
    """

    key: K
    buckets: tuple[tuple[float, int], ...]
    total: int | None
    count: int | None


@dataclass(frozen=True, slots=True)
class Rows(Generic[K]):
    """Rows of one layout that count for something.

    A usual row is what every client library writes: buckets in ascending order, `le` the last label, then the sum,
    then the count. Usual rows are kept in columns.

    Attributes:
        cells: what rows count for, and their bounds; each once.
        starts: position of the first bucket of each usual row.
        ends: position after its count.
        cell_of: its cell.
        strays: the other rows.
    """

    cells: list[tuple[K, Bounds]] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: array("I"))
    ends: array[int] = field(default_factory=lambda: array("I"))
    cell_of: array[int] = field(default_factory=lambda: array("I"))
    strays: list[StrayRow[K]] = field(default_factory=list)


def rows_of(series: tuple[bytes, ...], labels: LabelSets[K]) -> Rows[K]:
    """Find the rows of a family.

    Args:
        series: the family's series in page order.
        labels: what label sets count for.
    """
    rows: Rows[K] = Rows()
    cells: dict[tuple[K, Bounds], int] = {}
    stray: list[int] = []
    shapes: dict[tuple[bytes, ...], Bounds] = {}
    for start, end, bounds in _usual_rows(series, shapes, stray):
        if len(rows.starts) >= MAX_ROWS:
            break
        try:
            key = labels.key_of(series[start])
        except ValueError:
            continue
        if key is not None:
            rows.starts.append(start)
            rows.ends.append(end)
            rows.cell_of.append(cells.setdefault((key, bounds), len(cells)))
    rows.cells.extend(cells)
    rows.strays.extend(_stray_rows(series, stray, labels.classify))
    return rows


def _usual_rows(
    series: tuple[bytes, ...], shapes: dict[tuple[bytes, ...], Bounds], stray: list[int]
) -> Iterator[tuple[int, int, Bounds]]:
    """Yield where each usual row begins and ends, and its bounds; collect the positions of all other series."""
    at = 0
    while at < len(series):
        end, bounds = _row_at(series, at, shapes)
        if bounds is None:
            stray.extend(range(at, min(end, at + MAX_STRAY - len(stray))))
            if len(stray) >= MAX_STRAY:
                return
        else:
            yield at, end, bounds
        at = end


def _row_at(
    series: tuple[bytes, ...], start: int, shapes: dict[tuple[bytes, ...], Bounds]
) -> tuple[int, Bounds | None]:
    """Return where the row at a position ends, and its bounds; None when it is not a usual one."""
    prefix, mark, _ = series[start].rpartition(b'le="')
    name, brace, labels = prefix.partition(b"_bucket{")
    if not mark or not brace:
        return start + 1, None
    begin = prefix + mark
    rest = b"{" + labels[:-1] + b"}" if labels else b""
    tail = (name + b"_sum" + rest, name + b"_count" + rest)
    for suffixes, bounds in shapes.items():
        end = start + len(suffixes)
        if (
            series[end : end + 2] == tail
            and series[end - 1] == begin + suffixes[-1]
            and series[start:end] == tuple(map(begin.__add__, suffixes))
        ):
            return end + 2, bounds
    end = start + 1
    while end < len(series) and series[end].startswith(begin):
        end += 1
    suffixes = tuple(text[len(begin) :] for text in series[start:end])
    shape = _bounds(suffixes)
    if shape is None or series[end : end + 2] != tail:
        return end, None
    if len(shapes) < MAX_SHAPES:
        shapes[suffixes] = shape
    return end + 2, shape


def _bounds(suffixes: Sequence[bytes]) -> Bounds | None:
    """Return the bounds of buckets that end with `+Inf` and ascend strictly, else None."""
    if not all(suffix.endswith(b'"}') for suffix in suffixes):
        return None
    try:
        bounds = tuple(float(suffix[:-2]) for suffix in suffixes)
    except ValueError:
        return None
    ascending = all(starmap(lt, pairwise(bounds)))
    return bounds if ascending and bounds[-1] == inf else None


def _stray_rows(
    series: Sequence[bytes], positions: Sequence[int], classify: Callable[[Labels], K | None]
) -> Iterator[StrayRow[K]]:
    buckets: dict[frozenset[tuple[str, str]], list[tuple[float, int]]] = {}
    totals: dict[frozenset[tuple[str, str]], int] = {}
    counts: dict[frozenset[tuple[str, str]], int] = {}
    keys: dict[frozenset[tuple[str, str]], K | None] = {}
    for position in positions:
        try:
            name, labels = parse_series(series[position])
            bound = float(labels.pop("le", "nan"))
        except ValueError:
            continue
        identity = frozenset(labels.items())
        if identity not in keys:
            keys[identity] = classify(labels)
        if name.endswith("_bucket") and not isnan(bound):
            buckets.setdefault(identity, []).append((bound, position))
        elif name.endswith("_sum"):
            totals[identity] = position
        elif name.endswith("_count"):
            counts[identity] = position
    for identity, key in keys.items():
        if key is not None and (identity in buckets or identity in counts):
            yield StrayRow(key, tuple(buckets.get(identity, ())), totals.get(identity), counts.get(identity))
