"""An exporter that serves a fleet in memory, and a client of it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from k3k_core.exporter.server import Exporter, ServerOptions, serving
from k3k_core.exporter.web.listener import Address, bind
from tests.support.fake_fleet import FakeFleet


@dataclass
class Served:
    """A running exporter.

    Attributes:
        url: where it listens.
        port: its port.
        exporter: what answers.
        fleet: what it exports.
        client: connected to it.
    """

    url: str
    port: int
    exporter: Exporter
    fleet: FakeFleet
    client: httpx.AsyncClient

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask for a path; underscores in names of headers stand for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(path, headers=named)


@asynccontextmanager
async def serve(
    fleet: FakeFleet,
    options: ServerOptions | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    **client: Any,
) -> AsyncIterator[Served]:
    """Serve a fleet on a free port of loopback.

    Args:
        fleet: what is exported.
        options: other than the usual ones.
        tls: what the client verifies the exporter with; plain HTTP without.
        client: more for the client.
    """
    sockets = bind(Address("127.0.0.1", 0))
    port = sockets[0].getsockname()[1]
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    async with (
        serving(fleet, sockets, options or ServerOptions()) as exporter,
        httpx.AsyncClient(
            base_url=url, trust_env=False, verify=tls if tls is not None else True, timeout=30, **client
        ) as http,
    ):
        yield Served(url, port, exporter, fleet, http)
