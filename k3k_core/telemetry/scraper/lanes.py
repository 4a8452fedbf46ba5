"""Who may begin a round when slots are short."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from k3k_core.telemetry.scraper.target import TargetId

Lane = Literal["steady", "new", "suspect", "overdue"]
"""steady: the last round went well; new: there was none yet; suspect: the last round failed; overdue: the round
began in another lane and takes unusually long, so its slot there is free again.

Each lane has its own slots, so that control planes in good standing never wait for one that hangs, however many
of those there are.
"""


class Lanes:
    """Slots by lane, and the rounds that wait for one.

    Args:
        slots: how many rounds each lane may have at once.
    """

    def __init__(self, slots: Mapping[Lane, int]) -> None:
        self._free = dict(slots)
        self._waiting: dict[TargetId, tuple[Lane, float]] = {}
        self._queues: dict[Lane, list[tuple[bool, float, TargetId]]] = {lane: [] for lane in slots}
        self._active: dict[TargetId, Lane] = {}
        self._focus: frozenset[TargetId] = frozenset()

    @property
    def active(self) -> int:
        """Rounds that hold a slot."""
        return len(self._active)

    @property
    def waiting(self) -> int:
        """Rounds that wait for a slot."""
        return len(self._waiting)

    def holds(self, id: TargetId) -> bool:  # noqa: A002
        """Tell whether a control plane's round is under way."""
        return id in self._active

    def focus(self, ids: Collection[TargetId]) -> None:
        """Let these control planes go first, and no others."""
        self._focus = frozenset(ids)
        for lane, queue in self._queues.items():
            queue[:] = [self._entry(id_, at) for id_, (its, at) in self._waiting.items() if its == lane]
            heapq.heapify(queue)

    def wait(self, id: TargetId, lane: Lane, at: float) -> bool:  # noqa: A002
        """Let a control plane wait for a slot.

        Args:
            id: it has no slot.
            lane: whose slots it may have.
            at: when its round was due; the earliest goes first.

        Returns:
            Whether it has waited since an earlier round, which is left out for this one.
        """
        if id in self._waiting:
            # It keeps its place in the queue.
            self._waiting[id] = (self._waiting[id][0], at)
            return True
        self._waiting[id] = (lane, at)
        heapq.heappush(self._queues[lane], self._entry(id, at))
        return False

    def admit(self) -> Iterator[tuple[TargetId, float]]:
        """Give free slots to those who wait, the focused ones first; yields them and when they were due."""
        for lane, queue in self._queues.items():
            while queue and self._free[lane] > 0:
                first = heapq.heappop(queue)[2]
                # One that left has an entry still; nobody waits in two lanes.
                if first not in self._waiting:
                    continue
                _, at = self._waiting.pop(first)
                self._free[lane] -= 1
                self._active[first] = lane
                yield first, at

    def outstay(self, id: TargetId) -> bool:  # noqa: A002
        """Let a round that takes long go on as overdue, if there is room; returns whether its slot is free now."""
        lane = self._active.get(id)
        if lane is None or self._free["overdue"] <= 0:
            return False
        self._free["overdue"] -= 1
        self._free[lane] += 1
        self._active[id] = "overdue"
        return True

    def leave(self, id: TargetId) -> None:  # noqa: A002
        """Free a control plane's slot, or let it wait no longer."""
        self._waiting.pop(id, None)
        lane = self._active.pop(id, None)
        if lane is not None:
            self._free[lane] += 1

    def _entry(self, id: TargetId, at: float) -> tuple[bool, float, TargetId]:  # noqa: A002
        return id not in self._focus, at, id
