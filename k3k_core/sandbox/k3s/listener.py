"""An HTTP listener on a pod's address that can be closed and opened again while its process goes on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from k3k_core.sandbox import loopback

if TYPE_CHECKING:
    import ssl

    from aiohttp import StreamReader, web
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http_parser import RawRequestMessage

    Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_MAX_BODY = 64 * 1024 * 1024
# Tasks that close connections, kept from being collected.
_CLOSING: set[asyncio.Task[None]] = set()


class Listener:
    """Answers HTTP on one address and port.

    Args:
        address: the pod's.
        port: TCP port.
        handle: answers a request.
        name: for debugging.
        tls: None for plain HTTP.

    Raises:
        OSError: the address or the port is not to be had.
    """

    def __init__(
        self, address: str, port: int, handle: Handle, *, name: str, tls: ssl.SSLContext | None = None
    ) -> None:
        self._address = address
        self._port = port
        self._handle = handle
        self._name = name
        self._tls = tls
        self._connections: web.Server | None = None
        self._server: asyncio.Server | None = None
        self._starting: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None
        self.open()

    def open(self) -> None:
        """Listen; nothing happens when it does already.

        Raises:
            OSError: the address or the port is not to be had.
        """
        from aiohttp import web

        if self._connections is not None:
            return
        listening = self._socket = loopback.listen(self._address, self._port)
        handler = self._connections = web.Server(
            self._handle, request_factory=_request, access_log=None, auto_decompress=False
        )
        loop = asyncio.get_running_loop()

        async def serve() -> None:
            self._server = await loop.create_server(handler, sock=listening, ssl=self._tls)

        self._starting = loop.create_task(serve(), name=self._name)

    def close(self) -> None:
        """Stop listening and end all connections; new ones are refused when this returns."""
        if self._starting is not None:
            self._starting.cancel()
        if self._server is not None:
            self._server.close()
        elif self._socket is not None:
            self._socket.close()
        if self._connections is not None:
            loop = asyncio.get_running_loop()
            closing = loop.create_task(self._connections.shutdown(timeout=0.1))
            _CLOSING.add(closing)
            closing.add_done_callback(_CLOSING.discard)
        self._connections = self._server = self._starting = self._socket = None


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """Make a request that takes bodies as large as the API does."""
    from aiohttp import web

    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_MAX_BODY)
