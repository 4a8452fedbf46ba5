"""Rows of a fleet made up for the exporter, from empty to hostile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from k3k_core.fleet import FleetRow
from k3k_core.telemetry.judgement import Finding, Judgement
from k3k_core.telemetry.scraper.target import Scraped
from k3k_core.telemetry.signals.model import (
    ApiSignals,
    CertificateSignal,
    ControllerSignals,
    DatastoreSignals,
    EtcdSignals,
    Latency,
    ProcessSignals,
    QueueSignals,
    ResourceLatency,
    ServerHealth,
    Signals,
)
from tests.support.made_up import row as control_plane

NOW = 1_800_000_000.0
DAY = 86_400.0
HOSTILE = '\x00\x1b[2J\n\\"\ud800\u202e' + "x" * 1_000_000


def fleet_row(name: str = "ci", *, signals: Signals | None = None, **other: Any) -> FleetRow:
    """A healthy control plane.

    Args:
        name: its name.
        signals: its signals, none unless told.
        other: other attributes of its `ControlPlane`.
    """
    created = datetime.fromtimestamp(NOW - DAY, UTC)
    plane = control_plane(name=name, **{"created_at": created, **other})
    return FleetRow(plane, Judgement("Healthy", NOW - DAY), signals)


def round_of(row: FleetRow) -> Scraped:
    """The round that gave a row its signals."""
    assert row.signals is not None
    return Scraped(row.id, row.signals, duration=0.1, lag=0.0, bytes_received=0)


def degraded(row: FleetRow, *rules: str) -> FleetRow:
    """The same row, some rules firing."""
    findings = tuple(
        Finding(rule, "warning", "Degraded", "queue-a", 2.0, "seconds", 1.0, NOW, "It is slow.", "Wait.")
        for rule in rules
    )
    return replace(row, judgement=Judgement("Degraded", NOW, findings))


def latency(count: float = 10, seconds: float = 0.1) -> Latency:
    """Some observations of about one duration."""
    return Latency(count, count * seconds, seconds, 2 * seconds, 3 * seconds)


def queue(name: str, depth: float = 1.0) -> QueueSignals:
    """A work queue that moves."""
    return QueueSignals(name, depth, added=3, retries=1, wait=latency(3), longest_running=0.5)


def full_signals(at: float = NOW, *, scale: float = 1.0, etcd: bool = True) -> Signals:
    """Signals of a control plane of which everything is known.

    Args:
        at: when it was scraped, seconds since 1970.
        scale: factor of everything that is measured.
        etcd: whether it has an etcd of its own.
    """
    seen = latency(10 * scale, 0.1 * scale)
    return Signals(
        at,
        15.0,
        servers=(
            ServerHealth("ci-k3k-server-0", ready=True, round_trip=0.01 * scale),
            ServerHealth("ci-k3k-server-1", ready=False, round_trip=0.5, failing=("etcd", "informer-sync")),
            ServerHealth("ci-k3k-server-2", ready=False, error="no answer"),
        ),
        api=ApiSignals(
            request_rate=10 * scale,
            requests=150 * scale,
            errors=2 * scale,
            error_ratio=0.01,
            reads=seen,
            writes=seen,
            by_scope={
                (group, scope): seen
                for group in ("read", "write")
                for scope in ("resource", "namespace", "cluster")
            },
            slowest=tuple(ResourceLatency(f"resource-{index}", "read", seen) for index in range(10)),
            in_flight={"mutating": 1 * scale, "readOnly": 3},
            in_queue=0.0,
            rejected={"workload-low": 1.0, "catch-all": 2.0},
            terminated_ratio=0.001,
            long_running=80,
            slow_or_failed=3 * scale,
            counted=140 * scale,
            burn_1h=0.5,
            burn_6h=0.25,
        ),
        datastore=DatastoreSignals(
            kind="etcd" if etcd else "sqlite",
            latency=seen,
            by_operation=dict.fromkeys(("get", "list", "create", "update", "delete"), seen),
            requests=300 * scale,
            errors=1.0,
            size_bytes=5e6 * scale,
            growth=-12.5,
            objects={f"resource-{index}": 100.0 - index for index in range(10)},
            sql=seen,
            sql_errors=0.0,
            insert_errors=0.0,
            compactions={"success": 1.0, "error": 0.0},
            connections_in_use=2,
            connections_max=0,
            connection_wait=0.25,
            etcd=EtcdSignals(3, 2, True, 0, seen, seen, 0, 0, 9e6, 8e6, 2e9, seen) if etcd else None,
        ),
        controllers=ControllerSignals(
            queues=tuple(queue(f"queue-{index}", 30 * scale - index) for index in range(30)),
            depth=40 * scale,
            pending_pods=2,
            unavailable_api_services=("v1beta1.metrics.k8s.io",),
        ),
        certificates=tuple(
            CertificateSignal(f"cert-{index}", "ci-k3k-server-0", at + DAY * index, index, "page")
            for index in range(12)
        ),
        processes=(
            ProcessSignals("ci-k3k-server-0", "v1.36.2", at - DAY, False, 5e8 * scale, 0.2, 200, 1024, 900),
        ),
    )


def hostile_signals(at: float = NOW, *, size: int = 2_000) -> Signals:
    """Signals of a control plane that claims far too much, with names nobody should print.

    Args:
        at: when it was scraped, seconds since 1970.
        size: how much of everything it claims.
    """
    names = [f"{index}{HOSTILE if index % 100 == 0 else HOSTILE[:40]}" for index in range(size)]
    seen, wrong = latency(), Latency(float("nan"), float("-inf"), float("inf"), float("nan"), -1.0)
    return Signals(
        at,
        15.0,
        servers=tuple(ServerHealth(name, True, float("nan"), tuple(names[:500])) for name in names),
        api=ApiSignals(
            requests=float("nan"),
            errors=-5.0,
            reads=wrong,
            by_scope={(name, "resource"): seen for name in names},  # type: ignore[misc]  # a lying page
            slowest=tuple(ResourceLatency(name, "read", seen) for name in names),
            in_flight=dict.fromkeys(names, 1e308),
            rejected=dict.fromkeys(names, float("inf")),
        ),
        datastore=DatastoreSignals(
            by_operation=dict.fromkeys(names, seen),
            objects=dict.fromkeys(names, -1.0),
            compactions=dict.fromkeys(names, 1.0),
        ),
        controllers=ControllerSignals(queues=tuple(map(queue, names))),
        certificates=tuple(CertificateSignal(name, name, at, 0, "page") for name in names),
        processes=tuple(ProcessSignals(name, name, at, memory_bytes=1) for name in names),
    )
