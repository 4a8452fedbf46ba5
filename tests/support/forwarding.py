"""The far end of a port-forward as a kubelet speaks it, in front of an address on loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

PROTOCOL = "v4.channel.k8s.io"


def forward_to(address: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return a handler that carries each port-forward to an address.

    Args:
        address: "host:port"; nothing may listen there.
    """
    host, _, port = address.rpartition(":")

    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=(PROTOCOL,))
        await socket.prepare(request)
        announced = int(request.query["ports"]).to_bytes(2, "little")
        await socket.send_bytes(b"\x00" + announced)
        await socket.send_bytes(b"\x01" + announced)
        try:
            reader, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await socket.send_bytes(b"\x01failed to connect to localhost:6443 inside the pod: refused")
            await socket.close()
            return socket
        await _carry(socket, reader, writer)
        return socket

    return handle


async def _carry(
    socket: web.WebSocketResponse, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    async def back() -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                await socket.send_bytes(b"\x00" + data)
        await socket.close()

    task = asyncio.create_task(back())
    try:
        async for message in socket:
            if message.type is WSMsgType.BINARY and message.data[:1] == b"\x00":
                writer.write(message.data[1:])
    finally:
        task.cancel()
        writer.close()
        await asyncio.gather(task, return_exceptions=True)
