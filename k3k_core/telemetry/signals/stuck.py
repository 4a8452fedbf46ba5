"""Work queues in which nothing moves although there is something to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from k3k_core.telemetry.signals.histogram_reader import Increases
from k3k_core.telemetry.signals.pairs import Pair

HOLD: Final = 60.0
"""Seconds without a movement after which a queue is stuck; a worker takes the next item at once."""

LONG: Final = 900.0
"""Seconds on one item, with none waiting, that are too many: some controllers work on one for minutes."""

START_UP: Final = 120.0
"""Seconds after its start in which a process may take an item and keep it: a k3s server without nodes was recorded
waiting in one of its first for as long as it ran."""

MAX_PROCESSES: Final = 64
"""Processes of one control plane whose queues are remembered."""


class StuckQueues:
    """Since when each queue of each process has not moved.

    A queue is motionless between two pages when no item was taken from it and none was finished, although items
    waited at both ends, or one taken after START_UP has been worked on for LONG. An idle queue has nothing to move,
    a busy one moves.
    """

    def __init__(self) -> None:
        self._since: dict[tuple[str, float | None], dict[str, float]] = {}

    def learn(
        self,
        pair: Pair,
        *,
        waiting: Mapping[str, float],
        waited: Mapping[str, float],
        longest: Mapping[str, float],
        taken: Increases[str],
        finished: Increases[str],
    ) -> set[str]:
        """Look at two pages of one process.

        Args:
            pair: the pages.
            waiting: items in each queue on the new page.
            waited: the same on the earlier page.
            longest: seconds of the longest-running worker of each queue, on the new page.
            taken: how long items waited that were taken between the pages.
            finished: how long items were worked on that were finished between the pages.

        Returns:
            The queues that have not moved for HOLD.
        """
        process = (pair.server, pair.instance)
        since = self._since.pop(process, {})
        if pair.before is None:
            return set()
        still = {queue for queue, depth in waiting.items() if depth > 0 and waited.get(queue, 0.0) > 0}
        ready = (pair.instance or 0.0) + START_UP
        still.update(
            queue for queue, seconds in longest.items() if seconds >= LONG and pair.at - seconds > ready
        )
        motionless = {
            queue: since.get(queue, pair.at - pair.window)
            for queue in still
            if (queue in taken.parts or queue in finished.parts)
            and not _moved(taken, queue)
            and not _moved(finished, queue)
        }
        if motionless:
            self._since[process] = motionless
            if len(self._since) > MAX_PROCESSES:
                del self._since[next(iter(self._since))]
        return {queue for queue, start in motionless.items() if pair.at - start >= HOLD}


def _moved(durations: Increases[str], queue: str) -> bool:
    return any(row and row[-1] > 0 for _, row in durations.parts.get(queue, ()))
