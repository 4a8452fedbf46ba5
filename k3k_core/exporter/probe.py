"""`/probe`: ask one control plane now, in the manner of the blackbox exporter.

As there, a target that does not answer, or is not there, is a successful answer that says so: `k3k_probe_success 0`.
Only a request that makes no sense is refused.
"""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from k3k_core.errors import K3kError
from k3k_core.exporter.asking import find, timeout_of
from k3k_core.exporter.collector import FleetCollector
from k3k_core.exporter.exposition import CONTENT_TYPES, assemble, choose_format, sample_lines
from k3k_core.exporter.fleet_view import FleetView
from k3k_core.exporter.own_readings import read_probe
from k3k_core.exporter.slots import Slots
from k3k_core.fleet import FleetRow
from k3k_core.telemetry.scraper.target import TargetId

MAX_PROBES = 16


class Prober:
    """Answers `/probe`.

    Args:
        fleet: whose control planes are asked.
        collector: shows what they answer.
    """

    def __init__(self, fleet: FleetView, collector: FleetCollector) -> None:
        self._fleet = fleet
        self._collector = collector
        self._slots = Slots(MAX_PROBES)
        self._under_way: dict[TargetId, asyncio.Task[FleetRow]] = {}

    async def handle(self, request: web.Request) -> web.Response:
        """Answer `/probe?target=NAMESPACE/NAME[&host=HOST]`."""
        namespace, slash, name = request.query.get("target", "").partition("/")
        if not (slash and namespace and name) or "/" in name:
            raise web.HTTPBadRequest(text="Name a control plane: /probe?target=NAMESPACE/NAME\n")
        key = find(self._fleet.rows, namespace, name, request.query.get("host", ""))
        timeout = timeout_of(request)
        form = choose_format(request.headers.get("Accept", ""))
        began = time.monotonic()
        success = False
        if key is not None:
            with self._slots.taken():
                success = await self._ask(key, timeout)
        readings = read_probe(success=success, duration=time.monotonic() - began)
        lines = self._collector.lines_of(key) if key is not None else ()
        page = assemble(lines, sample_lines(readings), form=form)
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPES[form]})

    async def _ask(self, key: TargetId, timeout: float) -> bool:
        began = time.time()
        try:
            async with asyncio.timeout(timeout):
                row = await asyncio.shield(self._round(key))
        except (TimeoutError, K3kError):
            return False
        signals = row.signals
        return signals is not None and signals.at >= began - timeout and signals.servers_ready > 0

    def _round(self, key: TargetId) -> asyncio.Task[FleetRow]:
        """Return the round that is under way; clients that ask for the same control plane share one."""
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.ensure_future(self._make_round(key))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._ended(key, done))
        return task

    async def _make_round(self, key: TargetId) -> FleetRow:
        row = await self._fleet.scrape(key)
        # At once, before a later row can come; and not when it was deleted meanwhile: nobody would take it away again.
        if key in self._fleet.rows:
            self._collector.update(row)
        return row

    def _ended(self, key: TargetId, done: asyncio.Task[FleetRow]) -> None:
        self._under_way.pop(key, None)
        if not done.cancelled():
            # Whoever waited for it may have left; its failure is nobody's surprise then.
            done.exception()

    async def close(self) -> None:
        """End what is under way."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
