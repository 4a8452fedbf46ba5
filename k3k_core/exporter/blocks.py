"""Sample lines of control planes in blocks, each compressed once.

A fleet changes one control plane after another, always in much the same order. So a block takes the rows that changed
last; when it is full it is compressed, and it stays as it is until its first row changes again a round later. At any
moment only a few blocks have to be compressed for an answer, whatever the size of the fleet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from k3k_core.exporter.catalogue import Metric
from k3k_core.exporter.packing import Packed, Packer
from k3k_core.telemetry.scraper.target import TargetId

BLOCK_ROWS = 40

Lines = Mapping[Metric, bytes]


class _Block:
    """A few rows.

    Attributes:
        rows: sample lines by metric of each row.
    """

    def __init__(self) -> None:
        self.rows: dict[TargetId, Lines] = {}
        self._packed: dict[Metric, Packed] | None = None

    def put(self, key: TargetId, lines: Lines) -> None:
        self.rows[key] = lines
        self._packed = None

    def take(self, key: TargetId) -> Lines:
        self._packed = None
        return self.rows.pop(key)

    def lines(self, metric: Metric) -> list[bytes]:
        return [lines[metric] for lines in self.rows.values() if metric in lines]

    def packed(self, metrics: Iterable[Metric]) -> dict[Metric, Packed]:
        if self._packed is None:
            packer = Packer()
            found = ((metric, b"".join(self.lines(metric))) for metric in metrics)
            self._packed = {metric: packer.pack(text) for metric, text in found if text}
        return self._packed


class Blocks:
    """Sample lines of many control planes.

    Args:
        metrics: every metric there can be, in the order of a page.
        size: rows of a full block.
    """

    def __init__(self, metrics: Sequence[Metric], size: int = BLOCK_ROWS) -> None:
        self._metrics = tuple(metrics)
        self._size = size
        self._home: dict[TargetId, _Block] = {}
        self._open = _Block()
        self._blocks: dict[_Block, None] = {self._open: None}

    def __iter__(self) -> Iterator[TargetId]:
        """Yield the control planes in the order of a page."""
        return (key for block in self._blocks for key in block.rows)

    def put(self, key: TargetId, lines: Lines) -> None:
        """Take the lines of a row that came or changed.

        Args:
            key: which control plane.
            lines: its sample lines by metric, none of them empty.
        """
        if self._home.get(key) is self._open:
            self._open.put(key, lines)
            return
        self.drop(key)
        self._move(key, lines)

    def drop(self, key: TargetId) -> None:
        """Forget a row.

        Args:
            key: which control plane; one that is not there changes nothing.
        """
        block = self._home.pop(key, None)
        if block is None:
            return
        block.take(key)
        # What is left of a block that is coming apart goes where the rest went, or there would be ever more of them.
        if block is not self._open and len(block.rows) <= self._size // 2:
            del self._blocks[block]
            for other, lines in block.rows.items():
                self._move(other, lines)

    def of(self, key: TargetId) -> Lines:
        """Return the lines of one row; none of one that is not there.

        Args:
            key: which control plane.
        """
        block = self._home.get(key)
        return block.rows[key] if block is not None else {}

    def lines(self) -> Iterator[tuple[Metric, list[bytes]]]:
        """Yield the lines of every metric, in the order of a page."""
        for metric in self._metrics:
            yield metric, [line for block in self._blocks for line in block.lines(metric)]

    def packed(self) -> Iterator[tuple[Metric, list[Packed]]]:
        """Yield the same, compressed."""
        packed = [block.packed(self._metrics) for block in self._blocks]
        for metric in self._metrics:
            yield metric, [pieces[metric] for pieces in packed if metric in pieces]

    def _move(self, key: TargetId, lines: Lines) -> None:
        self._open.put(key, lines)
        self._home[key] = self._open
        if len(self._open.rows) >= self._size:
            self._open.packed(self._metrics)
            self._open = _Block()
            self._blocks[self._open] = None
