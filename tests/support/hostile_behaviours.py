"""What hostile servers do with a connection or a request."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import zlib
from collections.abc import Iterator
from functools import cache

from tests.support.hostile_stage import Behaviour, Exchange

GZIP = "Content-Encoding: gzip"

# A family that signals are computed from: a scanner keeps its series.
WANTED = "apiserver_request_total"

PAGE = (
    f"# TYPE {WANTED} counter\n"
    + "".join(f'{WANTED}{{verb="GET",resource="r{number}",code="200"}} {number}\n' for number in range(200))
    + "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1.7e+09\n"
).encode()


def page(
    body: bytes, *headers: str, status: str = "200 OK", kind: str = "text/plain; version=0.0.4"
) -> Behaviour:
    """Answer with a body as it is."""

    async def behave(exchange: Exchange) -> None:
        await exchange.answer(body, *headers, status=status, kind=kind)

    return behave


good = page(gzip.compress(PAGE), GZIP)
"""Answer with a good page."""


def raw(*parts: bytes, close: bool = True) -> Behaviour:
    """Send bytes, whatever they are, then close the connection or say nothing more."""

    async def behave(exchange: Exchange) -> None:
        await exchange.send(*parts)
        if close:
            exchange.writer.close()
        else:
            await exchange.silence()

    return behave


def endless(part: bytes, *headers: str, kind: str = "text/plain; version=0.0.4") -> Behaviour:
    """Send headers, then the same bytes for ever."""

    async def behave(exchange: Exchange) -> None:
        await exchange.begin(*headers, kind=kind)
        while True:
            await exchange.send(part)

    return behave


def endless_bytes(first: bytes, part: bytes) -> Behaviour:
    """Send something, then the same bytes for ever."""

    async def behave(exchange: Exchange) -> None:
        await exchange.send(first)
        while True:
            await exchange.send(part)

    return behave


def dripping(first: bytes, body: bytes) -> Behaviour:
    """Send something at once, and then a byte each second."""

    async def behave(exchange: Exchange) -> None:
        await exchange.send(first)
        for byte in body:
            await asyncio.sleep(1)
            await exchange.send(bytes([byte]))

    return behave


async def silent(exchange: Exchange) -> None:
    """Say nothing."""
    await exchange.silence()


async def closing(exchange: Exchange) -> None:
    """Close the connection."""
    exchange.writer.close()


async def hanging_up(exchange: Exchange) -> None:
    """Read what comes first, then close the connection."""
    await exchange.reader.read(65536)
    exchange.writer.close()


async def resetting(exchange: Exchange) -> None:
    """Reset the connection."""
    connection: socket.socket = exchange.writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.writer.transport.abort()


async def resetting_midway(exchange: Exchange) -> None:
    """Send half of a page, then reset the connection."""
    body = gzip.compress(PAGE)
    await exchange.send(
        f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{GZIP}\r\nContent-Length: {len(body)}\r\n\r\n".encode(),
        body[: len(body) // 2],
    )
    await asyncio.sleep(0.01)
    await resetting(exchange)


def redirecting(where: str = "") -> Behaviour:
    """Send the scraper to another server, or to where nobody can go."""

    async def behave(exchange: Exchange) -> None:
        location = where or f"{exchange.elsewhere}{exchange.path}"
        await exchange.answer(b"", f"Location: {location}", status="302 Found")

    return behave


async def hanging_handshake(exchange: Exchange) -> None:
    """Read the TLS hello and send the beginning of an answer only."""
    await exchange.reader.read(65536)
    await exchange.send(b"\x16\x03\x03\x00\x7a\x02\x00")
    await exchange.silence()


def then_close(behaviour: Behaviour) -> Behaviour:
    """Behave in some way, then close the connection."""

    async def behave(exchange: Exchange) -> None:
        await behaviour(exchange)
        exchange.writer.close()

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behave in one way at the first request, in another one at the second, and so on, around."""
    requests = 0

    async def behave(exchange: Exchange) -> None:
        nonlocal requests
        behaviour = behaviours[requests % len(behaviours)]
        requests += 1
        await behaviour(exchange)

    return behave


@cache
def bomb(line: bytes, size: int) -> bytes:
    """Return gzip data of so many bytes that consist of one line."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = line * (1024 * 1024 // len(line))
    parts = [compressor.compress(block) for _ in range(size // len(block) + 1)]
    return b"".join([*parts, compressor.flush()])


def chunked(*chunks: bytes) -> bytes:
    """Return a whole answer in chunks."""
    return b"".join(
        [
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n",
            *(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks),
            b"0\r\n\r\n",
        ]
    )


def series(count: int, name: str = WANTED) -> Iterator[str]:
    """Yield the lines of a family with so many series."""
    yield f"# TYPE {name} counter\n"
    for number in range(count):
        yield f'{name}{{verb="GET",resource="{number}"}} 1\n'


@cache
def gzipped(body: bytes) -> bytes:
    """Return gzip data, quickly made."""
    return gzip.compress(body, 1)


@cache
def many_series(count: int) -> bytes:
    """Return a gzipped page with so many series."""
    return gzipped("".join(series(count)).encode())


def many_labels(count: int) -> bytes:
    """Return a page with one series that has so many labels."""
    labels = ",".join(f'l{number}="x"' for number in range(count))
    return f"{WANTED}{{{labels}}} 1\n".encode()


def moving(*values: str) -> Behaviour:
    """Serve pages one after another, each with the next value for a counter that should only go up."""
    pages = [
        page(f'# TYPE {WANTED} counter\n{WANTED}{{verb="GET",code="200"}} {value}\n'.encode())
        for value in values
    ]
    return in_turn(*pages)
