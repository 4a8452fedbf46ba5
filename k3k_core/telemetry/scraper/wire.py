"""The connections under httpx: what they may receive, and with little memory.

httpcore lets its network be replaced (`AsyncNetworkBackend`). Its own one keeps 105 KiB for an idle TLS connection,
reads on without end while a server sends headers or TLS messages, and cannot say how far a request got when its time
is over. A fleet has thousands of idle connections, and hostile servers among them.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, Final

import httpcore

from k3k_core.telemetry.scraper.failure import TargetError, from_os, from_tls

_RECEIVE: Final = 16 * 1024
"""Bytes taken from a socket at once, one TLS record: a connection keeps this much for as long as it lives."""

_HEAD_PIECE: Final = 4 * 1024
"""Bytes handed over at once before the answer's headers are complete, so that endless ones are read in small steps."""

_HEAD_LIMIT: Final = 96 * 1024
"""Bytes received before the answer's headers are complete: TLS handshake, headers, and what was read ahead."""


TOO_LARGE: Final = "its answer is larger than allowed"


class Meter:
    """How far one request got, and how many bytes it may still receive.

    Attributes:
        head: whether the answer's headers are not complete yet.
        opened: whether a connection was made for it; otherwise it went over one that was kept.
        answered: whether any byte of an answer came.
        received: bytes that came, those of TLS included.
        stage: what has not happened yet, for a sentence.
    """

    __slots__ = ("_limit", "answered", "head", "opened", "received", "stage")

    def __init__(self) -> None:
        self._limit = _HEAD_LIMIT
        self.head = True
        self.opened = False
        self.answered = False
        self.received = 0
        self.stage = "it gave no connection"

    def expect_body(self, limit: int) -> None:
        """Say that the headers are complete and a body of so many bytes may follow."""
        self._limit += limit
        self.head = False
        self.stage = "its answer was not complete"

    def add(self, count: int) -> None:
        """Count received bytes.

        Raises:
            TargetError: they are too many.
        """
        self.received += count
        if self.received > self._limit:
            raise TargetError("limit", "its headers have no end" if self.head else TOO_LARGE)


METER: Final[ContextVar[Meter | None]] = ContextVar("METER", default=None)
"""The request that the current task is at."""

# Selector event loops fill a buffer and hand it over in one step, so all connections can share one.
_shared = memoryview(bytearray(_RECEIVE))


class _Link(asyncio.BufferedProtocol):
    """The bytes of one TCP connection, in both cases through a memory BIO: it is a queue of bytes in C."""

    def __init__(self) -> None:
        self.incoming = ssl.MemoryBIO()
        self.received = 0
        self.ended = False
        self.error: Exception | None = None
        self.transport: asyncio.Transport
        self._reader: asyncio.Future[None] | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002, part of the protocol
        return _shared

    def buffer_updated(self, nbytes: int) -> None:
        self.received += nbytes
        self.incoming.write(_shared[:nbytes])
        if self._reader is None:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self.ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.error = self.error or exc
        self._wake()

    async def more(self) -> None:
        """Wait until bytes come or the connection ends."""
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, link: _Link) -> None:
        self._link = link
        self._tls: ssl.SSLObject | None = None
        self._outgoing = ssl.MemoryBIO()
        self._counted = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, part of the protocol
        meter = METER.get()
        if meter is not None and meter.head:
            max_bytes = min(max_bytes, _HEAD_PIECE)
            if meter.answered:
                await asyncio.sleep(0)
        while True:
            data = self._take(max_bytes)
            self._count(meter)
            if data is None:
                await self._link.more()
                continue
            if meter is not None and data:
                meter.answered = True
            return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, part of the protocol
        if self._link.ended:
            # httpcore goes on to read then: the server may have answered before it closed.
            raise httpcore.WriteError("the connection is closed")
        if not buffer:
            return
        if self._tls is None:
            self._link.transport.write(buffer)
        else:
            self._tls.write(buffer)
            self._send()
        meter = METER.get()
        if meter is not None:
            meter.stage = "it gave no answer"

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002, part of the protocol
    ) -> httpcore.AsyncNetworkStream:
        meter = METER.get()
        if meter is not None:
            meter.stage = "it did not finish the TLS handshake"
        self._tls = ssl_context.wrap_bio(self._link.incoming, self._outgoing, server_hostname=server_hostname)
        try:
            await self._shake_hands(self._tls, meter)
        except BaseException:
            self._link.transport.abort()
            raise
        return self

    async def aclose(self) -> None:
        transport = self._link.transport
        if self._tls is not None and not self._link.ended:
            self._say_goodbye(self._tls)
        if transport.get_write_buffer_size():
            # Whoever does not read what is sent would keep the connection open for ever.
            transport.abort()
        else:
            transport.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._tls
        if info == "is_readable":
            # An idle connection that has something to say is about to be closed.
            return self._link.ended or self._link.incoming.pending > 0
        return None

    async def _shake_hands(self, tls: ssl.SSLObject, meter: Meter | None) -> None:
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send()
            except ssl.SSLError as error:
                self._send()
                raise from_tls(error) from None
            else:
                self._send()
                return
            self._count(meter)
            if self._link.ended:
                raise self._broken("it closed the connection during the TLS handshake")
            await self._link.more()

    def _take(self, count: int) -> bytes | None:
        """Return up to so many bytes, empty at the end of the stream, None when more have to come first."""
        if self._tls is None:
            data = self._link.incoming.read(count)
            if data:
                return data
            if self._link.error is not None:
                raise self._broken("it broke the connection")
            return b"" if self._link.ended else None
        try:
            return self._tls.read(count)
        except ssl.SSLWantReadError:
            self._send()
            if self._link.ended:
                raise self._broken("it closed the connection") from None
            return None
        except ssl.SSLError as error:
            raise from_tls(error) from None

    def _count(self, meter: Meter | None) -> None:
        received = self._link.received - self._counted
        self._counted = self._link.received
        if meter is not None:
            meter.add(received)

    def _send(self) -> None:
        if self._outgoing.pending and not self._link.ended:
            self._link.transport.write(self._outgoing.read())

    def _broken(self, otherwise: str) -> TargetError:
        error = self._link.error
        return from_os(error) if isinstance(error, OSError) else TargetError("connect", otherwise)

    def _say_goodbye(self, tls: ssl.SSLObject) -> None:
        try:
            tls.unwrap()
        except (ssl.SSLError, ValueError):
            # It would wait for the other side's goodbye; ours has been written.
            self._send()


class Network(httpcore.AsyncNetworkBackend):
    """Connects httpcore to servers, as `asyncio` gives connections."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, part of the protocol
        local_address: str | None = None,  # noqa: ARG002, part of the protocol
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002, part of the protocol
    ) -> httpcore.AsyncNetworkStream:
        meter = METER.get()
        if meter is not None:
            meter.opened = True
        try:
            _, link = await asyncio.get_running_loop().create_connection(_Link, host, port)
        except OSError as error:
            raise from_os(error) from None
        return _Stream(link)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
