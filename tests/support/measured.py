"""Signals for tests: a healthy control plane on which every rule has something to look at, and changes to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from typing import Any

from k3k_core.telemetry.signals.model import (
    ApiSignals,
    CertificateSignal,
    ControllerSignals,
    DatastoreSignals,
    EtcdSignals,
    Latency,
    ProcessSignals,
    QueueSignals,
    ServerHealth,
    Signals,
)

DAY = 86400.0


def latency(p99: float | None, *, count: float = 200.0) -> Latency:
    """A distribution with this 99th percentile."""
    return Latency(count=count, total=count * 0.01, p50=0.004, p90=0.009, p99=p99)


def healthy_signals(at: float) -> Signals:
    """Three servers on an etcd of ours, with kine's figures as well, so that no rule lacks its value."""
    names = ("shop-k3k-server-0", "shop-k3k-server-1", "shop-k3k-server-2")
    return Signals(
        at=at,
        window=15.0,
        servers=tuple(ServerHealth(name, ready=True, round_trip=0.02) for name in names),
        api=_api(),
        datastore=_datastore(),
        controllers=ControllerSignals(
            queues=(_queue("deployment"), _queue("endpoint")), depth=2.0, pending_pods=0.0
        ),
        certificates=(
            CertificateSignal("serving", names[0], at + 300 * DAY, 300.0, "handshake"),
            CertificateSignal("CN=system:admin,O=system:masters", names[0], at + 330 * DAY, 330.0, "page"),
            CertificateSignal("server-ca", "", at + 3600 * DAY, 3600.0, "secret"),
        ),
        processes=tuple(
            ProcessSignals(
                server=name,
                version="v1.36.2+k3s1",
                started_at=at - 3 * DAY,
                memory_bytes=600 * 2**20,
                cpu=0.2,
                open_files=300.0,
                max_files=65536.0,
                goroutines=1500.0,
            )
            for name in names
        ),
    )


def _api() -> ApiSignals:
    fast = latency(0.02)
    return ApiSignals(
        request_rate=20.0,
        rate_by_verb={"GET": 15.0, "PUT": 5.0},
        requests=300.0,
        errors=0.0,
        error_ratio=0.0,
        reads=fast,
        writes=fast,
        by_scope={
            ("read", "resource"): fast,
            ("read", "namespace"): fast,
            ("read", "cluster"): fast,
            ("write", "resource"): fast,
        },
        in_flight={"mutating": 0.0, "readOnly": 1.0},
        in_queue=0.0,
        rejected_rate=0.0,
        terminated_ratio=0.0,
        long_running=120.0,
        slow_or_failed=0.0,
        counted=300.0,
        burn_1h=0.0,
        burn_6h=0.0,
    )


def _datastore() -> DatastoreSignals:
    fast = latency(0.01)
    etcd = EtcdSignals(
        members=3,
        members_up=3,
        has_leader=True,
        leader_changes=0.0,
        fsync=latency(0.005),
        commit=latency(0.005),
        proposals_failed=0.0,
        proposals_pending=0.0,
        size_bytes=400.0 * 2**20,
        in_use_bytes=300.0 * 2**20,
        quota_bytes=2.0 * 2**30,
        peer_round_trip=latency(0.002),
    )
    return DatastoreSignals(
        kind="etcd",
        latency=fast,
        by_operation={"get": fast},
        requests=200.0,
        errors=0.0,
        error_ratio=0.0,
        size_bytes=20.0 * 2**20,
        growth=100.0,
        sql=fast,
        sql_errors=0.0,
        sql_error_ratio=0.0,
        insert_errors=0.0,
        compactions={"success": 0.0, "error": 0.0},
        connections_in_use=2.0,
        connections_max=20.0,
        connection_wait=0.0,
        etcd=etcd,
    )


def _queue(name: str) -> QueueSignals:
    return QueueSignals(
        name, depth=1.0, added=30.0, retries=0.0, wait=latency(0.01), work=latency(0.02), longest_running=0.0
    )


def changed(signals: Any, changes: Mapping[str, Any]) -> Any:
    """Return signals with other values at dotted paths.

    Args:
        signals: what to start from.
        changes: by path; a number steps into a tuple, "*" into each of its members, "read/resource" into a mapping by
            a pair.
    """
    for path, value in changes.items():
        signals = _put(signals, path.split("."), value)
    return signals


def _put(owner: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    name, *rest = path
    if isinstance(owner, tuple):
        chosen = range(len(owner)) if name == "*" else (int(name),)
        return tuple(_put(one, rest, value) if place in chosen else one for place, one in enumerate(owner))
    if isinstance(owner, Mapping):
        key: Any = tuple(name.split("/")) if "/" in name else name
        return {**owner, key: _put(owner.get(key), rest, value)}
    assert is_dataclass(owner)
    assert not isinstance(owner, type)
    return replace(owner, **{name: _put(getattr(owner, name), rest, value)})
