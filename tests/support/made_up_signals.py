"""Signals and rows of a fleet, made up."""

from __future__ import annotations

from typing import Any

from k3k_core.fleet import FleetRow
from k3k_core.fleet.rows import Reach
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
from tests.support.made_up import row

# 2026-06-01 00:00 UTC.
AT = 1780272000.0


def latency(p99: float | None = 0.05, count: float = 100.0) -> Latency:
    """A latency with a 99th percentile."""
    return Latency(count, 1.5, 0.01 if p99 else None, 0.02 if p99 else None, p99)


def signals(**other: Any) -> Signals:
    """Signals with something of everything."""
    usual: dict[str, Any] = {
        "at": AT,
        "window": 5.0,
        "servers": (ServerHealth("ci-k3k-server-0", ready=True, round_trip=0.004),),
        "api": ApiSignals(
            request_rate=20.0,
            rate_by_verb={"GET": 15.0, "PUT": 5.0},
            requests=100.0,
            errors=0.0,
            error_ratio=0.0,
            reads=latency(0.05),
            writes=latency(0.08),
            by_scope={("read", "resource"): latency(), ("write", "resource"): latency(None, 0.0)},
            slowest=(ResourceLatency("pods", "read", latency(0.3)),),
            in_flight={"mutating": 1.0, "readOnly": 2.0},
            burn_1h=0.5,
        ),
        "datastore": DatastoreSignals(
            kind="sqlite",
            latency=latency(0.007),
            by_operation={"get": latency(0.006)},
            requests=300.0,
            size_bytes=5 * 2**20,
            objects={"configmaps": 300.0},
        ),
        "controllers": ControllerSignals(
            queues=(QueueSignals("deployment", depth=12.0, retries=3.0, wait=latency(0.2)),), depth=12.0
        ),
        "certificates": (
            CertificateSignal("serving", "ci-k3k-server-0", AT + 64.5 * 86400, 64.5, "handshake"),
        ),
        "processes": (
            ProcessSignals("ci-k3k-server-0", "v1.36.2+k3s1", AT - 3600, memory_bytes=300 * 2**20, cpu=0.1),
        ),
    }
    return Signals(**{**usual, **other})


def fleet_row(measured: Signals | None = None, **other: Any) -> FleetRow:
    """One row of a fleet; without signals it is out of reach."""
    found = row()
    reach = (
        Reach("pods") if measured else Reach(None, "its metrics cannot be reached (no route)", "Route it.")
    )
    usual: dict[str, Any] = {
        "control_plane": found,
        "judgement": Judgement("Healthy", AT - 60),
        "signals": measured,
        "scraped": Scraped(_id(found), measured, 0.1, 0.0, 1000) if measured else None,
        "reach": reach,
    }
    return FleetRow(**{**usual, **other})


def finding(**other: Any) -> Finding:
    """A rule that fires."""
    usual: dict[str, Any] = {
        "rule": "QueueStuck",
        "severity": "warning",
        "verdict": "Degraded",
        "subject": "deployment",
        "value": 12.0,
        "unit": "items",
        "threshold": 0.0,
        "since": AT - 120,
        "summary": "Queue deployment is stuck with 12 items.",
        "advice": "Look at the log of the server.",
    }
    return Finding(**{**usual, **other})


def etcd() -> EtcdSignals:
    """A dedicated etcd with a member down."""
    return EtcdSignals(members=3, members_up=2, has_leader=True, fsync=latency(0.01), quota_bytes=2**31)


def _id(found: Any) -> Any:
    from k3k_core.telemetry.scraper.target import TargetId

    return TargetId(found.host, found.namespace, found.name)
