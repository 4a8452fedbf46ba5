"""How control planes are found on a host: one module per system."""

from __future__ import annotations

from datetime import datetime

from k3k_core.concurrency import together
from k3k_core.discovery import helm, k3k
from k3k_core.discovery.control_plane import ControlPlane, Verdict
from k3k_core.host import HostApi

__all__ = ["ControlPlane", "Verdict", "list_control_planes"]


async def list_control_planes(
    host: HostApi, *, namespace: str | None, now: datetime
) -> tuple[ControlPlane, ...]:
    """List every control plane of one host, sorted by namespace and name.

    Args:
        host: an open host.
        namespace: only this namespace; None for all.
        now: current time (UTC).

    Raises:
        K3kError: the host refuses or does not answer.
    """
    found = await together(
        k3k.discover(host, namespace=namespace, now=now), helm.discover(host, namespace=namespace, now=now)
    )
    return tuple(sorted((*found[0], *found[1]), key=lambda row: (row.namespace, row.name, row.made_by)))
