"""A local port whose connections lead to a pod, through the host's API: reaching what has no address from here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from k3k_core.errors import K3kError
from k3k_core.host.api import HostApi, PodConnection

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
# One client uses a few connections; more is somebody else's doing.
MAX_CONNECTIONS = 32
_PIECE = 64 * 1024


class Tunnel:
    """A listener on loopback; each connection to it becomes one to the pod.

    What goes through keeps its own TLS: the listener sees ciphertext, and so does anybody else on this machine.

    Args:
        host: the host the pod runs in.
        namespace: its namespace.
        pod: its name; a pod made anew under the same name is reached as well.
        port: number of its port.
        report: told why a connection did not come about.
    """

    def __init__(
        self,
        host: HostApi,
        namespace: str,
        pod: str,
        port: int,
        report: Callable[[K3kError], None] | None = None,
    ) -> None:
        self._report = report
        self._host = host
        self._namespace = namespace
        self._pod = pod
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.error: K3kError | None = None
        """Why the newest connection did not come about; None when it did."""

    @property
    def port(self) -> int:
        """The local port, once started."""
        if self._server is None:
            raise RuntimeError("the tunnel is not open")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)

    async def close(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._carry(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with self._host.port_forward(self._namespace, self._pod, self._port) as far:
                self.error = None
                await _join(reader, writer, far)
        except K3kError as error:
            self.error = error
            if self._report is not None:
                self._report(error)
            logger.debug("tunnel to %s/%s: %s", self._namespace, self._pod, error)
        except (OSError, EOFError):
            logger.debug("tunnel to %s/%s: the near side broke off", self._namespace, self._pod)
        finally:
            writer.transport.abort()


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: PodConnection) -> None:
    """Carry bytes both ways until one side ends; the protocol knows no half-closed connections."""

    async def outward() -> None:
        while data := await reader.read(_PIECE):
            await far.write(data)

    async def inward() -> None:
        while data := await far.read():
            writer.write(data)
            await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    ways = {asyncio.create_task(outward()), asyncio.create_task(inward())}
    try:
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in ways:
            task.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


@asynccontextmanager
async def open_tunnel(
    host: HostApi,
    namespace: str,
    pod: str,
    port: int,
    report: Callable[[K3kError], None] | None = None,
) -> AsyncIterator[Tunnel]:
    """Open a tunnel for the time of a block.

    Args:
        host: the host the pod runs in.
        namespace: its namespace.
        pod: its name.
        port: number of its port.
        report: told why a connection did not come about.
    """
    tunnel = Tunnel(host, namespace, pod, port, report)
    await tunnel.start()
    try:
        yield tunnel
    finally:
        await tunnel.close()
