"""What happened to a control plane within one window, by metric: what totals grow by, and its latencies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from k3k_core.exporter import catalogue
from k3k_core.exporter.catalogue import Metric
from k3k_core.exporter.label_values import clean
from k3k_core.telemetry.signals.model import Latency, QueueSignals, Signals

# Kubernetes has some 60 work queues; a page that claims more is not followed any further.
MAX_QUEUES = 256

Labels = tuple[str, ...]
Key = tuple[Metric, Labels]


def queues_of(signals: Signals) -> Iterator[QueueSignals]:
    """Yield the work queues, the worst first, of a page that claims too many only some."""
    return islice(signals.controllers.queues, MAX_QUEUES)


def counts(signals: Signals) -> Iterator[tuple[Key, float]]:
    """Yield what each counter grew by in the window; what is not available is left out.

    Args:
        signals: of one window.
    """
    for key, count in _counts(signals):
        if count is not None:
            yield key, count


def _counts(signals: Signals) -> Iterator[tuple[Key, float | None]]:
    api, datastore, etcd = signals.api, signals.datastore, signals.datastore.etcd
    yield (catalogue.API_REQUESTS, ()), api.requests
    yield (catalogue.API_ERRORS, ()), api.errors
    yield (catalogue.API_SLOW_OR_FAILED, ()), api.slow_or_failed
    yield (catalogue.API_COUNTED, ()), api.counted
    for level, count in api.rejected.items():
        yield (catalogue.API_REJECTED, (clean(level),)), count
    yield (catalogue.DATASTORE_REQUESTS, ()), datastore.requests
    yield (catalogue.DATASTORE_ERRORS, ()), datastore.errors
    yield (catalogue.KINE_SQL_ERRORS, ()), datastore.sql_errors
    yield (catalogue.KINE_INSERT_ERRORS, ()), datastore.insert_errors
    for result, count in datastore.compactions.items():
        yield (catalogue.KINE_COMPACTIONS, (clean(result),)), count
    yield (catalogue.KINE_CONNECTION_WAIT, ()), datastore.connection_wait
    if etcd is not None:
        yield (catalogue.ETCD_LEADER_CHANGES, ()), etcd.leader_changes
        yield (catalogue.ETCD_FAILED_PROPOSALS, ()), etcd.proposals_failed
    for queue in queues_of(signals):
        yield (catalogue.QUEUE_RETRIES, (clean(queue.name),)), queue.retries
    if signals.processes:
        yield (catalogue.PROCESS_RESTARTS, ()), sum(process.restarted for process in signals.processes)


def latencies(signals: Signals) -> Iterator[tuple[Key, Latency]]:
    """Yield the distribution of each summary in the window; what is not available is left out.

    Args:
        signals: of one window.
    """
    for key, latency in _latencies(signals):
        if latency is not None:
            yield key, latency


def _latencies(signals: Signals) -> Iterator[tuple[Key, Latency | None]]:
    api, datastore, etcd = signals.api, signals.datastore, signals.datastore.etcd
    yield (catalogue.API_OVERALL_DURATION, ("read",)), api.reads
    yield (catalogue.API_OVERALL_DURATION, ("write",)), api.writes
    for (group, scope), latency in api.by_scope.items():
        yield (catalogue.API_DURATION, (clean(group), clean(scope))), latency
    yield (catalogue.DATASTORE_OVERALL_DURATION, ()), datastore.latency
    for operation, latency in datastore.by_operation.items():
        yield (catalogue.DATASTORE_DURATION, (clean(operation),)), latency
    yield (catalogue.KINE_SQL_DURATION, ()), datastore.sql
    if etcd is not None:
        yield (catalogue.ETCD_FSYNC, ()), etcd.fsync
        yield (catalogue.ETCD_COMMIT, ()), etcd.commit
        yield (catalogue.ETCD_PEER_ROUND_TRIP, ()), etcd.peer_round_trip
    for queue in queues_of(signals):
        yield (catalogue.QUEUE_WAIT, (clean(queue.name),)), queue.wait
