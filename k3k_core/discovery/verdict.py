"""A verdict from what the host alone knows: replica counts, ages, and a time to live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from k3k_core.discovery.control_plane import Verdict

# A first start pulls an image and writes a datastore; k3s itself gives up only after 15 minutes.
STARTING_GRACE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Servers:
    """State of the workload that runs the servers.

    Attributes:
        wanted: replicas asked for.
        ready: replicas that pass their readiness probe.
        current: whether the workload's controller has seen the newest specification.
        updated: replicas that run the newest specification.
        since: when the workload was made (UTC).
    """

    wanted: int
    ready: int
    current: bool
    updated: int
    since: datetime | None


def judge(
    servers: Servers | None,
    *,
    now: datetime,
    deleting: bool,
    expires_at: datetime | None,
    paused: bool = False,
    etcd_asked_for: bool = False,
    operation: str = "",
) -> tuple[Verdict, str]:
    """Return the verdict and one sentence that says why (empty when Healthy).

    Args:
        servers: the workload, None when the host has none.
        now: current time (UTC).
        deleting: whether the control plane is being deleted.
        expires_at: end of its time to live, None without one.
        paused: whether it is marked as paused.
        etcd_asked_for: whether members of a dedicated etcd are asked for.
        operation: the verb of many steps that is under way, with its phase; empty for none.
    """
    if deleting:
        return "Progressing", "being deleted"
    if expires_at is not None and expires_at <= now:
        return "Expired", "its time to live is over"
    if servers is None:
        return (
            "Progressing",
            "its servers are not created yet: run the same `k3k create` again if it was stopped",
        )
    if paused or servers.wanted == 0:
        return _asleep(servers, paused=paused, etcd_asked_for=etcd_asked_for, operation=operation)
    if not servers.current:
        return "Progressing", "the host has not acted on the newest specification yet"
    if servers.ready >= servers.wanted:
        if servers.updated < servers.wanted:
            return (
                "Progressing",
                f"{servers.updated} of {servers.wanted} servers run the newest specification",
            )
        return "Healthy", ""
    counted = f"{servers.ready} of {servers.wanted} servers ready"
    if operation:
        counted += f", in the middle of {operation}"
    if servers.ready:
        return "Degraded", counted
    if servers.since is None or now - servers.since < STARTING_GRACE:
        return "Progressing", f"starting: {counted}"
    return "Down", counted


def _asleep(servers: Servers, *, paused: bool, etcd_asked_for: bool, operation: str) -> tuple[Verdict, str]:
    """Judge one that is marked as paused, or of which no servers are asked for."""
    again = "run the same command again if it was stopped"
    if operation and not servers.wanted:
        return "Progressing", f"in the middle of {operation}: {again}"
    if paused and (servers.wanted or servers.ready or etcd_asked_for):
        return "Progressing", f"being paused or resumed: {again}"
    return "Paused", "`k3k resume` starts its servers again" if paused else "no servers are asked for"
