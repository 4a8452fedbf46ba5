"""Which of many queues and resources are shown: the worst, but not others after every round.

On a quiet control plane "the worst" is a matter of milliseconds. Every change of the choice is a set of new series for
Prometheus to keep, and a hole in the old ones; so what is shown stays until something is really worse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Generic, TypeVar

from k3k_core.exporter.label_values import clean
from k3k_core.exporter.windows import queues_of
from k3k_core.telemetry.signals.model import QueueSignals, ResourceLatency, Signals

WORST_QUEUES = 10
SLOWEST_RESOURCES = 5
# The signals name ten; of a page that makes them name more the rest is not looked at.
MAX_RESOURCES = 64

# One unit of badness is where somebody may begin to care.
_BAD_DEPTH = 10.0
_BAD_SECONDS = 0.1
_STUCK = 1e9
# So many times worse a newcomer has to be.
_WORSE = 2.0

Key = TypeVar("Key", str, tuple[str, str])


class Sticky(Generic[Key]):
    """A choice that changes only for a reason.

    Args:
        limit: how many are chosen.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: dict[Key, None] = {}

    def choose(self, badness: Mapping[Key, float]) -> tuple[Key, ...]:
        """Return what is shown now.

        Args:
            badness: of everything there is; 1 and more is bad.
        """
        for key in sorted(badness.keys() - self._kept.keys(), key=lambda key: (-badness[key], key)):
            if len(self._kept) >= self._limit:
                # What has gone meanwhile keeps its place until it is needed.
                weakest = min(self._kept, key=lambda kept: badness.get(kept, -1.0))
                if badness[key] < max(1.0, _WORSE * badness.get(weakest, 0.0)):
                    break
                del self._kept[weakest]
            self._kept[key] = None
        return tuple(key for key in self._kept if key in badness)


class Choices:
    """What is shown of one control plane.

    Attributes:
        queues: names of work queues, clean.
        resources: (resource, group), clean.
    """

    def __init__(self) -> None:
        self._sticky_queues: Sticky[str] = Sticky(WORST_QUEUES)
        self._sticky_resources: Sticky[tuple[str, str]] = Sticky(SLOWEST_RESOURCES)
        self.queues: tuple[str, ...] = ()
        self.resources: tuple[tuple[str, str], ...] = ()

    def take(self, signals: Signals) -> None:
        """Choose anew.

        Args:
            signals: of the last round.
        """
        self.queues = self._sticky_queues.choose(
            {clean(queue.name): _queue_badness(queue) for queue in queues_of(signals)}
        )
        self.resources = self._sticky_resources.choose(
            {resource_key(slow): _resource_badness(slow) for slow in signals.api.slowest[:MAX_RESOURCES]}
        )


def resource_key(slow: ResourceLatency) -> tuple[str, str]:
    """Return what a slow resource is known by.

    Args:
        slow: of the signals.
    """
    return clean(slow.resource), clean(slow.group)


def _queue_badness(queue: QueueSignals) -> float:
    depth = _finite(queue.depth) / _BAD_DEPTH
    wait = _finite(queue.wait.p99 if queue.wait is not None else None) / _BAD_SECONDS
    return depth + wait + (_STUCK if queue.stuck else 0.0)


def _resource_badness(slow: ResourceLatency) -> float:
    return _finite(slow.latency.p99) / _BAD_SECONDS


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) and value > 0 else 0.0
