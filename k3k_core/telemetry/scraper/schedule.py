"""When each control plane is due: at a fixed rate, spread over the interval."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from k3k_core.telemetry.scraper.target import TargetId

_FIRST_ROUNDS: Final = 20.0
"""First rounds a second of control planes that came together, so that many new ones do not delay the others."""


@dataclass(frozen=True, slots=True)
class Due:
    """A round that is to begin.

    Attributes:
        id: control plane.
        at: when it was due, by the event loop's clock.
        missed: rounds before this one that were due and are left out, because nobody looked in time.
    """

    id: TargetId
    at: float
    missed: int = 0


def hash_of(id: TargetId) -> int:  # noqa: A002, the contract's name for it
    """Return 32 bits that are the same for a control plane in every process and at every start."""
    # A checksum would not do: names that differ in a digit would come close together.
    text = f"{id.host}\0{id.namespace}\0{id.name}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")


def phase(id: TargetId) -> float:  # noqa: A002
    """Return the control plane's place within the interval, from 0 up to 1; always the same one."""
    return hash_of(id) / 2**32


class Schedule:
    """The times at which rounds are due.

    A control plane's rounds are at `n * interval + phase * interval` for all whole n, so they do not drift. The
    first one comes earlier, so that a new control plane is known soon.

    Args:
        interval: seconds between the rounds of one control plane.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next: dict[TargetId, float] = {}
        self._heap: list[tuple[float, TargetId]] = []

    def __len__(self) -> int:
        return len(self._next)

    def add(self, ids: list[TargetId], now: float) -> None:
        """Take control planes in; their first rounds are spread over a time that grows with their number."""
        span = min(self._interval, len(ids) / _FIRST_ROUNDS)
        for new in ids:
            self._put(new, now + phase(new) * span)

    def hasten(self, id: TargetId, now: float) -> None:  # noqa: A002
        """Make a control plane due now, once; its later rounds stay where they are."""
        if id in self._next:
            self._put(id, now)

    def remove(self, id: TargetId) -> None:  # noqa: A002
        """Forget a control plane."""
        self._next.pop(id, None)

    def next_at(self) -> float | None:
        """Return when the next round is due; None when there is none."""
        while self._heap and self._next.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> Iterator[Due]:
        """Yield the rounds that are due by now, and plan each one's next."""
        while (at := self.next_at()) is not None and at <= now:
            _, ready = heapq.heappop(self._heap)
            following = self._after(ready, at)
            missed = 0
            while following <= now:
                at, following, missed = following, following + self._interval, missed + 1
            self._put(ready, following)
            yield Due(ready, at, missed)

    def _after(self, id: TargetId, at: float) -> float:  # noqa: A002
        """Return the first regular time that is at least half an interval after a time."""
        offset = phase(id) * self._interval
        turns = -(-(at + self._interval / 2 - offset) // self._interval)
        return turns * self._interval + offset

    def _put(self, id: TargetId, at: float) -> None:  # noqa: A002
        self._next[id] = at
        heapq.heappush(self._heap, (at, id))
