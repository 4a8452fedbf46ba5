"""TCP forwarding from a Service's address to the pods behind it."""

from __future__ import annotations

import asyncio
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
        self._writers: set[asyncio.StreamWriter] = set()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._accept, sock=self._listener)

    async def close(self) -> None:
        """Stop listening and reset all connections."""
        await self._task
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._serve(reader, writer)
        finally:
            self._writers.discard(writer)
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
            self._writers.add(far_writer)
            try:
                await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
            finally:
                self._writers.discard(far_writer)
                far_writer.transport.abort()
            return


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on everything that is read, then the end; a broken connection breaks the other one."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except (OSError, RuntimeError):
        writer.transport.abort()
