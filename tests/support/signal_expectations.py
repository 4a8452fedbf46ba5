"""Hold signals of servers to the oracle, all figures of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from k3k_core.telemetry.signals.model import ApiSignals, ControllerSignals, Signals
from tests.support import promql_oracle as oracle
from tests.support.figures import differences

Ranges = list[oracle.Range]
Scrapes = list[oracle.Scrape]


def unexpected(signals: Signals, ranges: Ranges, pages: Scrapes) -> list[str]:
    """Return a line for each figure that is not what the oracle computes.

    Args:
        signals: of the second of two rounds.
        ranges: both pages of each server that has both.
        pages: the second page of each server.
    """
    api = replace(signals.api, slowest=(), burn_1h=None, burn_6h=None)
    datastore = replace(signals.datastore, growth=None, etcd=None, kind="")
    return [
        *differences(api, oracle.expected_api(ranges, pages)),
        *unexpected_resources(signals.api, ranges),
        *differences(datastore, oracle.expected_datastore(ranges, pages)),
        *unexpected_queues(signals.controllers, ranges, pages),
    ]


def unexpected_resources(api: ApiSignals, ranges: Ranges) -> list[str]:
    """Hold the slowest resources to the oracle, whichever comes first of those that are equally slow."""
    expected = oracle.resource_latencies(ranges)
    named = {(one.resource, one.group): one for one in api.slowest}
    lines = [line for key, one in named.items() for line in differences(one, expected.get(key))]
    if len(api.slowest) != min(len(expected), 10):
        lines.append(f"{len(api.slowest)} resources of {len(expected)}")
    p99 = [one.latency.p99 or 0.0 for one in api.slowest]
    if any(before < after for before, after in pairwise(p99)):
        lines.append(f"not the slowest first: {p99}")
    left_out = [one.latency.p99 or 0.0 for key, one in expected.items() if key not in named]
    if left_out and p99 and max(left_out) > p99[-1] * (1 + 1e-9):
        lines.append(f"slower than {p99[-1]}, but left out: {left_out}")
    return lines


def unexpected_queues(controllers: ControllerSignals, ranges: Ranges, pages: Scrapes) -> list[str]:
    """Hold every work queue to the oracle; none of them is stuck."""
    found = {queue.name: queue for queue in controllers.queues}
    names = oracle.queue_names(ranges, pages)
    lines = [f"queue {name} only on one side" for name in found.keys() ^ names]
    for name in found.keys() & names:
        lines += differences(replace(found[name], stuck=False), oracle.expected_queue(ranges, pages, name))
    return lines
