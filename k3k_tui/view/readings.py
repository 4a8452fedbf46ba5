"""What a row of the fleet says in numbers: one definition for cells, orders, filters and totals.

None stands for what is not known; it never stands for zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from k3k_core.fleet import FleetRow
    from k3k_core.telemetry.signals.model import Latency, QueueSignals

# Takes a row and the current time, seconds since 1970.
Reading: TypeAlias = "Callable[[FleetRow, float], float | None]"

DAY: Final = 86_400.0


def worst_queue(row: FleetRow) -> QueueSignals | None:
    """Return the work queue that needs attention first."""
    return row.signals.controllers.worst if row.signals is not None else None


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None and not math.isnan(value)), default=None)


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None and not math.isnan(value)]
    return math.fsum(known) if known else None


def _latencies(row: FleetRow) -> tuple[Latency, ...]:
    if row.signals is None:
        return ()
    api = row.signals.api
    return tuple(latency for latency in (api.reads, api.writes) if latency is not None)


def _p50(row: FleetRow, _now: float) -> float | None:
    return _most(latency.p50 for latency in _latencies(row))


def _p99(row: FleetRow, _now: float) -> float | None:
    return _most(latency.p99 for latency in _latencies(row))


def _read_p99(row: FleetRow, _now: float) -> float | None:
    reads = row.signals.api.reads if row.signals is not None else None
    return _known(reads.p99) if reads is not None else None


def _write_p99(row: FleetRow, _now: float) -> float | None:
    writes = row.signals.api.writes if row.signals is not None else None
    return _known(writes.p99) if writes is not None else None


def _datastore_p99(row: FleetRow, _now: float) -> float | None:
    latency = row.signals.datastore.latency if row.signals is not None else None
    return _known(latency.p99) if latency is not None else None


def _errors(row: FleetRow, _now: float) -> float | None:
    return _known(row.signals.api.error_ratio) if row.signals is not None else None


def _rate(row: FleetRow, _now: float) -> float | None:
    return _known(row.signals.api.request_rate) if row.signals is not None else None


def _burn(row: FleetRow, _now: float) -> float | None:
    return _known(row.signals.api.burn_1h) if row.signals is not None else None


def _queue(row: FleetRow, _now: float) -> float | None:
    queue = worst_queue(row)
    return _known(queue.depth) if queue is not None else None


def _certificate(row: FleetRow, now: float) -> float | None:
    """Days until the first one ends, counted from now: the signals may be older."""
    if row.signals is None:
        return None
    first = row.signals.first_to_expire
    return None if first is None or not math.isfinite(first.expires_at) else (first.expires_at - now) / DAY


def _memory(row: FleetRow, _now: float) -> float | None:
    return (
        _sum(process.memory_bytes for process in row.signals.processes) if row.signals is not None else None
    )


def _cpu(row: FleetRow, _now: float) -> float | None:
    return _sum(process.cpu for process in row.signals.processes) if row.signals is not None else None


def _size(row: FleetRow, _now: float) -> float | None:
    if row.signals is None:
        return None
    datastore = row.signals.datastore
    if datastore.size_bytes is None and datastore.etcd is not None:
        return _known(datastore.etcd.size_bytes)
    return _known(datastore.size_bytes)


def _servers(row: FleetRow, _now: float) -> float | None:
    return float(row.control_plane.servers_ready)


def _wanted(row: FleetRow, _now: float) -> float | None:
    return float(row.control_plane.servers_wanted)


def _age(row: FleetRow, now: float) -> float | None:
    created = row.control_plane.created_at
    return max(now - created.timestamp(), 0.0) if created is not None else None


def _ttl(row: FleetRow, now: float) -> float | None:
    ends = row.control_plane.expires_at
    return ends.timestamp() - now if ends is not None else None


def _since(row: FleetRow, now: float) -> float | None:
    return max(now - row.judgement.since, 0.0)


def _seen(row: FleetRow, now: float) -> float | None:
    return max(now - row.signals.at, 0.0) if row.signals is not None else None


# Seconds, shares from 0 to 1, bytes, days for certificates, requests a second, cores, numbers of things.
READINGS: Final[Mapping[str, Reading]] = {
    "p50": _p50,
    "p99": _p99,
    "read-p99": _read_p99,
    "write-p99": _write_p99,
    "datastore-latency": _datastore_p99,
    "errors": _errors,
    "rate": _rate,
    "burn": _burn,
    "queue": _queue,
    "certificates": _certificate,
    "memory": _memory,
    "cpu": _cpu,
    "size": _size,
    "servers": _servers,
    "wanted": _wanted,
    "age": _age,
    "ttl": _ttl,
    "since": _since,
    "seen": _seen,
}
# Those that change as time goes by, without any news.
TIMED: Final = frozenset(("certificates", "age", "ttl", "since", "seen"))
