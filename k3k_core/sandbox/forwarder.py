"""TCP forwarding from a Service's address to the pods behind it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence

Backend = tuple[str, int]
_CHUNK = 64 * 1024


class Forwarder:
    """Passes connections on to one of several backends, in turn.

    Without a backend a connection is reset, as by a Service without endpoints.

    Args:
        listener: listening socket; closed with the forwarder.
        backends: returns the (address, port) pairs that are ready now.
    """

    def __init__(self, listener: socket.socket, backends: Callable[[], Sequence[Backend]]) -> None:
        self._listener = listener
        self._backends = backends
        self._turn = 0
        self._task = asyncio.get_running_loop().create_task(self._start(), name="sandbox forwarder")
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._accept, sock=self._listener)

    async def close(self) -> None:
        """Stop listening and end all connections."""
        await self._task
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            await self._serve(reader, writer)
        finally:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        backends = self._backends()
        for attempt in range(len(backends)):
            address, port = backends[(self._turn + attempt) % len(backends)]
            try:
                far_reader, far_writer = await asyncio.open_connection(address, port)
            except OSError:
                continue
            self._turn += 1
            try:
                await _both_ways((reader, far_writer), (far_reader, writer))
            finally:
                far_writer.transport.abort()
            return


async def _both_ways(*pairs: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    """Copy until one side has ended and everything it sent was delivered."""
    copies = [asyncio.ensure_future(_copy(reader, writer)) for reader, writer in pairs]
    try:
        await asyncio.gather(*copies)
    except OSError:
        pass
    finally:
        for copy in copies:
            copy.cancel()
        await asyncio.gather(*copies, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()
