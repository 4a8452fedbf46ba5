"""`/healthz` and `/readyz`."""

from __future__ import annotations

from aiohttp import web

from k3k_core.exporter.fleet_view import FleetView

_ROUND_SECONDS = 5.0


class Health:
    """Tells whether the exporter is alive, and whether its page is complete.

    Args:
        fleet: whose hosts have to be listed.
    """

    def __init__(self, fleet: FleetView) -> None:
        self._fleet = fleet
        self._round_done = False

    async def watch(self) -> None:
        """Wait for the end of the first round over all control planes."""
        while not self._round_done:
            self._round_done = await self._fleet.settled(_ROUND_SECONDS)

    def missing(self) -> list[str]:
        """Return what is missing from the page, a sentence each."""
        missing = [
            f"host {state.name}: {state.error or 'its control planes are not listed yet'}"
            for state in self._fleet.hosts.values()
            if not state.listed
        ]
        if not self._round_done:
            missing.append("the first round over the control planes is not done yet")
        return missing

    async def alive(self, _request: web.Request) -> web.Response:
        """Answer `/healthz`."""
        return web.Response(text="ok\n")

    async def ready(self, _request: web.Request) -> web.Response:
        """Answer `/readyz`."""
        missing = self.missing()
        if not missing:
            return web.Response(text="ok\n")
        return web.Response(status=503, text="not ready\n" + "".join(f"- {line}\n" for line in missing))
