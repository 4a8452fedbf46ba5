"""Reading control planes' figures now, out of turn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_tui.operations.bulk import count
from k3k_tui.services import services
from k3k_tui.widgets.toast import tell

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey, FleetRow

# Control planes read at the same time.
_AT_ONCE = 8


async def start(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:  # noqa: ARG001
    """Read control planes and say what came of it.

    Args:
        app: the dashboard.
        targets: the control planes.
        words: none are taken.
    """
    fleet, gate = services(app).fleet, asyncio.Semaphore(_AT_ONCE)

    async def one(key: FleetKey) -> FleetRow | None:
        async with gate:
            return await fleet.scrape(key)

    rows = await asyncio.gather(*(one(key) for key in targets))
    known = [row for row in rows if row is not None]
    failed = [row for row in known if row.signals is None or not row.reach.way]
    if len(targets) == 1 and known:
        row = known[0]
        problem = row.reach.reason
        text = f"{targets[0]}: {row.judgement.verdict}. {problem}".rstrip()
        tell(app, text, title="Read", severity="warning" if problem else "information")
    else:
        tell(app, f"{count(len(known))} read, {len(failed)} without an answer.", title="Read")
