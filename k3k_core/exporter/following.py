"""From the changes of a fleet to the collector."""

from __future__ import annotations

import asyncio

from k3k_core.exporter.collector import FleetCollector
from k3k_core.exporter.fleet_view import FleetView

# Rows that are rendered before other work gets its turn: a few milliseconds.
_ROWS_AT_ONCE = 10


async def follow(fleet: FleetView, collector: FleetCollector) -> None:
    """Keep a collector as a fleet is, for ever.

    Args:
        fleet: what is followed.
        collector: what is kept.
    """
    async for changes in fleet.changes():
        # Whatever was counted until now is of these rows, or of a control plane that has gone again.
        collector.expect(row.id for row in changes.changed)
        for key in changes.removed:
            collector.remove(key)
        for count, row in enumerate(changes.changed, start=1):
            # It may have gone while others were rendered.
            if row.id in fleet.rows:
                collector.update(row)
            if count % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
