"""The datastore, as the API server, kine and its connection pool report it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from k3k_core.telemetry.families import (
    COMPACTIONS,
    CONNECTION_WAIT,
    CONNECTIONS_IN_USE,
    CONNECTIONS_MAX,
    INSERT_ERRORS,
    SQL_DURATION,
    SQL_STATEMENTS,
    STORAGE_DURATION,
    STORAGE_ERRORS,
    STORAGE_OBJECTS,
    STORAGE_REQUESTS,
    STORAGE_SIZE,
)
from k3k_core.telemetry.page import Page
from k3k_core.telemetry.signals.columns import SeriesReader
from k3k_core.telemetry.signals.etcd import grown_by, latency_of
from k3k_core.telemetry.signals.gauges import amount, highest, largest, name_of, ratio, summed, total
from k3k_core.telemetry.signals.histogram_reader import HistogramReader, Increases
from k3k_core.telemetry.signals.histograms import merged
from k3k_core.telemetry.signals.label_sets import Labels
from k3k_core.telemetry.signals.model import DatastoreSignals, EtcdSignals, Latency
from k3k_core.telemetry.signals.pairs import Pair

MAX_OPERATIONS: Final = 24
"""Operations that are told apart; an API server has about 8."""

MAX_OBJECTS: Final = 10
"""Resources whose objects are counted."""

MAX_RESULTS: Final = 8
"""Results of compactions that are told apart; kine has two."""


def _operation(labels: Labels) -> str | None:
    return name_of(labels.get("operation", ""))


def _resource(labels: Labels) -> str | None:
    resource, group = labels.get("resource", ""), labels.get("group", "")
    return name_of(f"{resource}.{group}" if group else resource) or None


def _storage(labels: Labels) -> tuple[bool, str]:
    """Tell whether a size is that of a member, as until Kubernetes 1.28, and of which; else of which cluster."""
    member = labels.get("endpoint")
    return (True, member) if member is not None else (False, labels.get("storage_cluster_id", ""))


def _failed(labels: Labels) -> bool | None:
    return labels.get("error_code", "") != ""


def _given_up(labels: Labels) -> bool | None:
    return labels.get("retriable") == "false"


def _result(labels: Labels) -> str | None:
    return name_of(labels.get("result", ""))


_DURATIONS: Final = HistogramReader(_operation)
_OBJECTS: Final = SeriesReader(_resource)
_STATEMENTS: Final = SeriesReader(_failed)
_INSERT_ERRORS: Final = SeriesReader(_given_up)
_COMPACTIONS: Final = SeriesReader(_result)
_SIZES: Final = SeriesReader(_storage)


def datastore_signals(pairs: Sequence[Pair], kind: str, etcd: EtcdSignals | None) -> DatastoreSignals:
    """Return what the servers say of their datastore, all but its growth.

    Args:
        pairs: pages of the servers.
        kind: as the host says.
        etcd: signals of an etcd of ours.
    """
    durations = _DURATIONS.grown(STORAGE_DURATION, pairs)
    histogram = durations.histogram(lambda _: True)
    requests = summed(grown_by(STORAGE_REQUESTS, pair) for pair in pairs)
    errors = summed(grown_by(STORAGE_ERRORS, pair) for pair in pairs)
    statements = _STATEMENTS.grown(SQL_STATEMENTS, pairs)
    failures = statements.get(True, 0.0) if statements else None
    inserts = _INSERT_ERRORS.grown(INSERT_ERRORS, pairs)
    return DatastoreSignals(
        kind=kind,
        latency=None if histogram is None else histogram.latency(),
        by_operation=_by_operation(durations),
        requests=requests,
        errors=errors,
        error_ratio=ratio(errors, requests),
        size_bytes=highest(_size(pair.page) for pair in pairs),
        objects=_objects(pairs),
        sql=latency_of(SQL_DURATION, pairs),
        sql_errors=amount(failures),
        sql_error_ratio=ratio(failures, summed(statements.values())),
        insert_errors=amount(inserts.get(True, 0.0)) if inserts else None,
        compactions=largest(_COMPACTIONS.grown(COMPACTIONS, pairs), MAX_RESULTS),
        connections_in_use=summed(total(CONNECTIONS_IN_USE, pair.page) for pair in pairs),
        connections_max=_connections_max(pairs),
        connection_wait=summed(grown_by(CONNECTION_WAIT, pair) for pair in pairs),
        etcd=etcd,
    )


def _by_operation(durations: Increases[str]) -> dict[str, Latency]:
    found: dict[str, Latency] = {}
    for operation, parts in durations.parts.items():
        if (latency := merged(parts).latency()) is not None:
            found[operation] = latency
    busiest = sorted(found, key=lambda operation: (-found[operation].count, operation))
    return {operation: found[operation] for operation in busiest[:MAX_OPERATIONS]}


def _size(page: Page) -> float | None:
    family = STORAGE_SIZE.find(page)
    if family is None:
        return None
    sizes = {key: size for key, size in _SIZES.values(family).items() if size >= 0}
    # The members of an etcd hold the same data, storage clusters different data.
    members = highest(size for (member, _), size in sizes.items() if member)
    return summed([members, *(size for (member, _), size in sizes.items() if not member)])


def _objects(pairs: Iterable[Pair]) -> dict[str, float]:
    """Return the largest numbers; every server counts the same objects, and -1 where it could not."""
    found: dict[str, float] = {}
    for pair in pairs:
        if (family := STORAGE_OBJECTS.find(pair.page)) is not None:
            for resource, number in _OBJECTS.values(family).items():
                if number >= 0:
                    found[resource] = max(number, found.get(resource, 0.0))
    return largest(found, MAX_OBJECTS)


def _connections_max(pairs: Iterable[Pair]) -> float | None:
    """Return how many connections all servers together may open; 0 when one of them has no limit."""
    limits = [limit for pair in pairs if (limit := total(CONNECTIONS_MAX, pair.page)) is not None]
    return 0.0 if 0 in limits else summed(limits)
