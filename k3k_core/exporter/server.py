"""The exporter's HTTP server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector

from k3k_core.exporter.collector import STALE_AFTER, FleetCollector
from k3k_core.exporter.exposition import CONTENT_TYPES, Pages, accepts_gzip, choose_format
from k3k_core.exporter.fleet_view import FleetView
from k3k_core.exporter.following import follow
from k3k_core.exporter.health import Health
from k3k_core.exporter.landing import landing_page
from k3k_core.exporter.own_readings import read_own
from k3k_core.exporter.probe import Prober
from k3k_core.exporter.raw import RawPages, TokenFile
from k3k_core.exporter.service_discovery import address_for, target_groups
from k3k_core.exporter.web.door import Door, DoorLimits
from k3k_core.exporter.web.gate import Gate
from k3k_core.exporter.web.listener import Listener
from k3k_core.exporter.web.live import LiveWebConfig
from k3k_core.exporter.web.tls import may_enter

_KEEPALIVE_SECONDS = 90.0
_GRACE_SECONDS = 10.0
_REFRESH_SECONDS = 1.0
# Large pages are written piece by piece, so that a slow client holds no copy of one.
_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How an exporter serves.

    Attributes:
        web: the web configuration in force.
        token: what clients of `/raw` must bear; None turns it off.
        stale_after: seconds after which what is not renewed is shown no more.
        limits: on connections.
        grace: seconds in which requests that are being answered may finish in the end.
    """

    web: LiveWebConfig = field(default_factory=lambda: LiveWebConfig(None))
    token: TokenFile | None = None
    stale_after: float = STALE_AFTER
    limits: DoorLimits = field(default_factory=DoorLimits)
    grace: float = _GRACE_SECONDS


class Exporter:
    """Answers requests about a fleet.

    Args:
        fleet: what is exported.
        options: how.
    """

    def __init__(self, fleet: FleetView, options: ServerOptions) -> None:
        self._fleet = fleet
        self._options = options
        self.collector = FleetCollector(stale_after=options.stale_after)
        fleet.listen(self.collector.count)
        process = CollectorRegistry()
        ProcessCollector(registry=process)
        self._pages = Pages(self.collector, lambda: read_own(fleet.hosts.values(), fleet.figures), process)
        self.health = Health(fleet)
        self.prober = Prober(fleet, self.collector)
        self._raw = RawPages(fleet, options.token)
        self.gate = Gate(options.web, self._checks_itself)

    def application(self) -> web.Application:
        """Return the application that answers."""
        app = web.Application(middlewares=[self.gate.middleware()], client_max_size=1024)
        app.on_response_prepare.append(self.gate.finish)
        app.router.add_get("/", self._landing)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/probe", self.prober.handle)
        app.router.add_get("/sd", self._service_discovery)
        app.router.add_get("/raw/{namespace}/{name}", self._raw.handle)
        app.router.add_get("/raw/{namespace}/{name}/{server}", self._raw.handle)
        app.router.add_get("/healthz", self.health.alive)
        app.router.add_get("/readyz", self.health.ready)
        return app

    def admits(self, transport: asyncio.Transport) -> bool:
        """Return whether a new connection's certificate is one that is let in.

        Args:
            transport: of the connection, its TLS handshake done.
        """
        certificate = transport.get_extra_info("peercert")
        return may_enter(self._options.web.config.tls, certificate)

    def _checks_itself(self, request: web.Request) -> bool:
        # A request has one Authorization header: for `/raw` it bears the token.
        return self._options.token is not None and request.path.startswith("/raw/")

    async def _landing(self, _request: web.Request) -> web.Response:
        return web.Response(text=landing_page(len(self._fleet.rows)), content_type="text/html")

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        form = choose_format(request.headers.get("Accept", ""))
        headers = {"Content-Type": CONTENT_TYPES[form], "Vary": "Accept, Accept-Encoding"}
        if accepts_gzip(request.headers.get("Accept-Encoding", "")):
            headers["Content-Encoding"] = "gzip"
            page = await self._pages.make_packed(form)
        else:
            page = self._pages.make(form)
        if len(page) <= _PIECE or request.method == "HEAD":
            return web.Response(body=page, headers=headers)
        response = web.StreamResponse(headers=headers)
        response.content_length = len(page)
        await response.prepare(request)
        view = memoryview(page)
        for start in range(0, len(page), _PIECE):
            await response.write(view[start : start + _PIECE])
        await response.write_eof()
        return response

    async def _service_discovery(self, request: web.Request) -> web.Response:
        here = request.transport.get_extra_info("sockname") if request.transport is not None else None
        fallback = f"{here[0]}:{here[1]}" if here else "localhost"
        groups = target_groups(
            self._fleet.rows.values(),
            address=address_for(request.headers.get("Host", ""), fallback),
            scheme=self._options.web.scheme,
        )
        return web.json_response(groups)


@asynccontextmanager
async def serving(
    fleet: FleetView, sockets: list[socket.socket], options: ServerOptions
) -> AsyncIterator[Exporter]:
    """Serve until the block ends; then nobody new is let in, and who is being answered may finish.

    Args:
        fleet: what is exported; entered, and left after this.
        sockets: where to listen; closed in the end.
        options: how.
    """
    exporter = Exporter(fleet, options)
    runner = web.AppRunner(
        exporter.application(),
        access_log=None,
        shutdown_timeout=options.grace,
        keepalive_timeout=_KEEPALIVE_SECONDS,
    )
    await runner.setup()
    server = runner.server
    if server is None:
        raise RuntimeError("the runner has just been set up")
    door = Door(server, options.limits, exporter.admits)
    exporter.gate.door = door
    listener = Listener(sockets, door)
    async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
        stack.push_async_callback(exporter.prober.close)
        stack.push_async_callback(runner.cleanup)
        stack.callback(listener.close)
        await listener.accept(options.web.context)
        for work in (
            follow(fleet, exporter.collector),
            exporter.health.watch(),
            _renew(options.web, listener),
        ):
            stack.callback(group.create_task(work).cancel)
        yield exporter


async def _renew(live: LiveWebConfig, listener: Listener) -> None:
    """Take a changed TLS configuration for connections to come."""
    context = live.context
    while True:
        await asyncio.sleep(_REFRESH_SECONDS)
        live.refresh()
        if live.context is not context:
            context = live.context
            await listener.accept(context)
