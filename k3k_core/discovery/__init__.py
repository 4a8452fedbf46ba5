"""How control planes are found on a host: one module per system."""

from __future__ import annotations

from datetime import datetime

from k3k_core.discovery.control_plane import ControlPlane, Verdict
from k3k_core.discovery.inventory import Inventory, read_inventory
from k3k_core.host import HostApi

__all__ = ["ControlPlane", "Inventory", "Verdict", "list_control_planes", "read_inventory"]


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
    inventory = await read_inventory(host, namespace=namespace)
    rows = [found.control_plane for found in inventory.found(host.name, now=now)]
    return tuple(sorted(rows, key=lambda row: (row.namespace, row.name, row.made_by)))
