"""Tunnels to the pods of one control plane, through its host's API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from k3k_core.discovery.addresses import url
from k3k_core.errors import K3kError
from k3k_core.fleet.candidates import plain_url, serving
from k3k_core.fleet.credentials import Access
from k3k_core.fleet.pods import PodFacts
from k3k_core.host import HostApi, Tunnel
from k3k_core.names import API_PORT, COMPONENT_ETCD, COMPONENT_SERVER, ETCD_METRICS_PORT
from k3k_core.telemetry.scraper.target import ServerTarget

_LOOPBACK = "127.0.0.1"
_PORTS = {COMPONENT_SERVER: API_PORT, COMPONENT_ETCD: ETCD_METRICS_PORT}


class Tunnels:
    """Keeps a tunnel to each pod that is wanted.

    Args:
        host: the host the pods run in.
        namespace: their namespace.
    """

    def __init__(self, host: HostApi, namespace: str) -> None:
        self._host = host
        self._namespace = namespace
        self._open: dict[tuple[str, int], Tunnel] = {}

    def lead_through(self, host: HostApi) -> bool:
        """Tell whether they go through this connection to the host, and not through an earlier one.

        Args:
            host: the connection.
        """
        return self._host is host

    async def keep(self, pods: Iterable[PodFacts]) -> None:
        """Open what is missing, close what is not wanted any more.

        Args:
            pods: pods of the control plane.
        """
        pods = tuple(pods)
        wanted = {(pod.name, port) for part, port in _PORTS.items() for pod in serving(pods, part)}
        for name, port in wanted - self._open.keys():
            tunnel = Tunnel(self._host, self._namespace, name, port)
            await tunnel.start()
            self._open[name, port] = tunnel
        for key in self._open.keys() - wanted:
            await self._open.pop(key).close()

    def servers(self, access: Access) -> tuple[ServerTarget, ...]:
        """Return the near ends of the tunnels to servers.

        Args:
            access: credentials of the control plane.
        """
        return tuple(
            ServerTarget(name, url(_LOOPBACK, tunnel.port), access.tls_server_name)
            for (name, port), tunnel in sorted(self._open.items(), key=lambda item: item[0])
            if port == API_PORT
        )

    def etcd(self) -> tuple[ServerTarget, ...]:
        """Return the near ends of the tunnels to etcd members."""
        return tuple(
            ServerTarget(name, plain_url(_LOOPBACK, tunnel.port))
            for (name, port), tunnel in sorted(self._open.items(), key=lambda item: item[0])
            if port == ETCD_METRICS_PORT
        )

    @property
    def error(self) -> K3kError | None:
        """Why a tunnel does not lead anywhere, as the host said last; None for nothing."""
        return next((tunnel.error for tunnel in self._open.values() if tunnel.error is not None), None)

    async def close(self) -> None:
        """Close all."""
        opened = tuple(self._open.values())
        self._open.clear()
        await asyncio.gather(*(tunnel.close() for tunnel in opened))
