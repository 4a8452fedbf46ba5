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
    operation: str = "",
) -> tuple[Verdict, str]:
    """Return the verdict and one sentence that says why (empty when Healthy).

    Args:
        servers: the workload, None when the host has none.
        now: current time (UTC).
        deleting: whether the control plane is being deleted.
        expires_at: end of its time to live, None without one.
        paused: whether it is marked as paused.
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
    if servers.wanted == 0:
        return _without_servers(servers, paused=paused, operation=operation)
    if paused:
        return "Progressing", "being paused or resumed: run the same command again if it was stopped"
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


def _without_servers(servers: Servers, *, paused: bool, operation: str) -> tuple[Verdict, str]:
    if operation:
        return "Progressing", f"in the middle of {operation}: run the same command again if it was stopped"
    if not paused:
        return "Paused", "no servers are asked for"
    if servers.ready:
        return "Progressing", "being paused"
    return "Paused", "`k3k resume` starts its servers again"
