"""A look at a fleet: followed and scraped for a moment, then left."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from k3k_core.fleet.fleet import Fleet
from k3k_core.fleet.options import FleetOptions
from k3k_core.fleet.rows import FleetKey, FleetRow


async def look(options: FleetOptions, *, timeout: float, window: float = 0.0) -> Mapping[FleetKey, FleetRow]:
    """Return the rows of a fleet once they are complete, or as they are when the time is over.

    Args:
        options: which fleet, and how it is scraped.
        timeout: the longest wait, seconds.
        window: shortest time between the two scrapes that signals are computed from, seconds.
    """
    async with Fleet(options) as fleet:
        await fleet.settled(timeout, window=window)
        return MappingProxyType(dict(fleet.rows))
