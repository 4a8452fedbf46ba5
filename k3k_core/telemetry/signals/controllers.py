"""Work queues of the controllers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from k3k_core.telemetry.families import (
    PENDING_PODS,
    QUEUE_ADDS,
    QUEUE_DEPTH,
    QUEUE_LONGEST,
    QUEUE_RETRIES,
    QUEUE_UNFINISHED,
    QUEUE_WAIT,
    QUEUE_WORK,
    UNAVAILABLE_API_SERVICES,
    Fact,
)
from k3k_core.telemetry.page import Page
from k3k_core.telemetry.signals.columns import SeriesReader
from k3k_core.telemetry.signals.gauges import amount, highest, name_of, summed, total
from k3k_core.telemetry.signals.histogram_reader import HistogramReader, Increases
from k3k_core.telemetry.signals.histograms import IDLE, merged
from k3k_core.telemetry.signals.label_sets import Labels
from k3k_core.telemetry.signals.model import ControllerSignals, Latency, QueueSignals
from k3k_core.telemetry.signals.pairs import Pair
from k3k_core.telemetry.signals.stuck import StuckQueues

MAX_QUEUES: Final = 200
"""Queues that are told of, the worst first; a k3s server has about 80."""

MAX_API_SERVICES: Final = 32
"""Aggregated APIs that are named."""


def _name(labels: Labels) -> str | None:
    return name_of(labels.get("name", "")) or None


DURATIONS: Final = HistogramReader(_name)
COUNTS: Final = SeriesReader(_name)
"""Read anything that has a series for each queue."""


def controller_signals(pairs: Sequence[Pair], stuck: StuckQueues) -> ControllerSignals:
    """Return the queues of all servers, the worst first.

    Args:
        pairs: pages of the servers.
        stuck: what is remembered of queues that did not move; it learns from these pages.
    """
    depths = _gauge(QUEUE_DEPTH, pairs, summed)
    longest = _gauge(QUEUE_LONGEST, pairs, highest)
    unfinished = _gauge(QUEUE_UNFINISHED, pairs, summed)
    added, retries = COUNTS.grown(QUEUE_ADDS, pairs), COUNTS.grown(QUEUE_RETRIES, pairs)
    wait: Increases[str] = Increases()
    work: Increases[str] = Increases()
    unmoved: set[str] = set()
    for pair in pairs:
        taken, finished = DURATIONS.grown(QUEUE_WAIT, (pair,)), DURATIONS.grown(QUEUE_WORK, (pair,))
        unmoved |= stuck.learn(
            pair,
            waiting=_values(QUEUE_DEPTH, pair.page),
            waited=_values(QUEUE_DEPTH, pair.before),
            longest=_values(QUEUE_LONGEST, pair.page),
            taken=taken,
            finished=finished,
        )
        wait.update(taken)
        work.update(finished)
    names = (
        depths.keys()
        | longest.keys()
        | unfinished.keys()
        | added.keys()
        | wait.parts.keys()
        | work.parts.keys()
    )
    queues = [
        QueueSignals(
            name=name,
            depth=depths.get(name),
            added=amount(added.get(name)),
            retries=amount(retries.get(name)),
            wait=_latency(wait, name),
            work=_latency(work, name),
            unfinished=unfinished.get(name),
            longest_running=longest.get(name),
            stuck=name in unmoved,
        )
        for name in names
    ]
    queues.sort(key=_badness)
    return ControllerSignals(
        queues=tuple(queues[:MAX_QUEUES]),
        depth=summed(depths.values()),
        # A scheduler that does not lead counts the same pods.
        pending_pods=highest(total(PENDING_PODS, pair.page) for pair in pairs),
        unavailable_api_services=_unavailable(pairs),
    )


def _badness(queue: QueueSignals) -> tuple[bool, float, float, float, str]:
    wait = queue.wait.p99 if queue.wait is not None else None
    return (not queue.stuck, -(queue.depth or 0.0), -(wait or 0.0), -(queue.retries or 0.0), queue.name)


def _gauge(
    fact: Fact, pairs: Iterable[Pair], combine: Callable[[Iterable[float | None]], float | None]
) -> dict[str, float]:
    by_server = [_values(fact, pair.page) for pair in pairs]
    if len(by_server) == 1:
        return {name: value for name, value in by_server[0].items() if value >= 0}
    names = dict.fromkeys(name for values in by_server for name in values)
    combined = {name: combine(amount(values.get(name)) for values in by_server) for name in names}
    return {name: value for name, value in combined.items() if value is not None}


def _values(fact: Fact, page: Page | None) -> dict[str, float]:
    family = None if page is None else fact.find(page)
    return COUNTS.values(family) if family is not None else {}


def _latency(durations: Increases[str], name: str) -> Latency | None:
    parts = durations.parts.get(name)
    if parts is None:
        return None
    # Most queues are idle, and this is asked of all of them.
    for _, row in parts:
        if row:
            return merged(parts).latency()
    return IDLE


def _unavailable(pairs: Iterable[Pair]) -> tuple[str, ...]:
    names: set[str] = set()
    for pair in pairs:
        if (family := UNAVAILABLE_API_SERVICES.find(pair.page)) is not None:
            names.update(name for name, value in COUNTS.values(family).items() if value > 0)
    return tuple(sorted(names)[:MAX_API_SERVICES])
