"""Port-forwards to pods, as the kubelet speaks them over a WebSocket.

Subprotocol `v4.channel.k8s.io` (k8s.io/kubelet, pkg/cri/streaming/portforward): for the nth port of the request,
channel 2n carries data and channel 2n + 1 errors, each beginning with the port's number in two bytes,
little-endian. The older SPDY protocol is not spoken.
"""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import WSMsgType, web

from k3k_core.sandbox.api.statuses import status

PROTOCOL = "v4.channel.k8s.io"
_PIECE = 64 * 1024
_MAX_PORTS = 16


async def forward(request: web.Request, address: str, pod: str) -> web.StreamResponse:
    """Answer a port-forward until either side ends it.

    Args:
        request: asks for the upgrade; its `ports` name what to connect to.
        address: the pod's address; empty while it has none.
        pod: its name.

    Raises:
        ApiError: it asks for no WebSocket or no port, or the pod does not run.
    """
    ports = _ports(request)
    if not address:
        raise status(400, "BadRequest", f"pod {pod} does not have a host assigned")
    socket = web.WebSocketResponse(protocols=(PROTOCOL,), max_msg_size=1 << 20)
    if not socket.can_prepare(request):
        raise status(400, "BadRequest", "Upgrade request required")
    await socket.prepare(request)
    if socket.ws_protocol != PROTOCOL:
        await socket.close(code=1002, message=f"the sandbox speaks {PROTOCOL} only".encode())
        return socket
    for number, port in enumerate(ports):
        announced = port.to_bytes(2, "little")
        await socket.send_bytes(bytes((2 * number,)) + announced)
        await socket.send_bytes(bytes((2 * number + 1,)) + announced)
    await _serve(socket, address, ports)
    return socket


def _ports(request: web.Request) -> list[int]:
    asked = [text for value in request.query.getall("ports", []) for text in value.split(",")]
    ports = [int(text) for text in asked if text.isdecimal() and 0 < int(text) < 65536]
    if not ports or len(ports) != len(asked) or len(ports) > _MAX_PORTS:
        raise status(400, "BadRequest", 'query parameter "ports" is required: numbers from 1 to 65535')
    return ports


async def _serve(socket: web.WebSocketResponse, address: str, ports: list[int]) -> None:
    writers: dict[int, asyncio.StreamWriter] = {}
    async with asyncio.TaskGroup() as readers:
        for number, port in enumerate(ports):
            try:
                reader, writers[2 * number] = await asyncio.open_connection(address, port)
            except OSError:
                await _fail(socket, 2 * number + 1, port)
                continue
            readers.create_task(_back(socket, 2 * number, reader))
        if writers:
            await _out(socket, writers)
        for writer in writers.values():
            writer.transport.abort()
    if not socket.closed:
        await socket.close()


async def _fail(socket: web.WebSocketResponse, channel: int, port: int) -> None:
    words = f"an error occurred forwarding {port}: dial tcp4 127.0.0.1:{port}: connect: connection refused"
    with contextlib.suppress(ConnectionError):
        await socket.send_bytes(bytes((channel,)) + words.encode())


async def _back(socket: web.WebSocketResponse, channel: int, reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_PIECE):
            await socket.send_bytes(bytes((channel,)) + data)
    await socket.close()


async def _out(socket: web.WebSocketResponse, writers: dict[int, asyncio.StreamWriter]) -> None:
    async for message in socket:
        if message.type is not WSMsgType.BINARY or not message.data:
            continue
        writer = writers.get(message.data[0])
        if writer is None:
            continue
        writer.write(message.data[1:])
        with contextlib.suppress(ConnectionError):
            await writer.drain()
