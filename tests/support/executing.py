"""The far end of `exec` as a kubelet speaks it: what a program does is up to a test."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

V4, V5 = "v4.channel.k8s.io", "v5.channel.k8s.io"
SUCCESS = {"metadata": {}, "status": "Success"}


def exited(code: int) -> dict[str, Any]:
    """Return the Status of a program that failed, as the kubelet words it."""
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


@dataclass
class Run:
    """One run of a program, seen from inside.

    Attributes:
        argv: the program and its arguments.
        socket: to the one who runs it.
        input: what came in so far.
    """

    argv: list[str]
    socket: web.WebSocketResponse
    input: bytearray = field(default_factory=bytearray)

    async def read(self, size: int) -> bytes:
        """Return so many bytes of the input; fewer when it ended."""
        while len(self.input) < size:
            message: WSMessage = await self.socket.receive()
            if message.type is not WSMsgType.BINARY or message.data[:1] == b"\xff":
                break
            self.input += message.data[1:]
        taken = bytes(self.input[:size])
        del self.input[:size]
        return taken

    async def write(self, data: bytes, channel: int = 1) -> None:
        """Write to the standard output, or to another channel."""
        await self.socket.send_bytes(bytes((channel,)) + data)

    async def end(self, status: dict[str, Any] | None = None) -> None:
        """Tell how the program ended."""
        await self.write(json.dumps(status or SUCCESS).encode(), channel=3)


Body = Callable[[Run], Awaitable[None]]


def running(body: Body, *, protocols: tuple[str, ...] = (V5, V4)) -> Callable[[web.Request], Awaitable[Any]]:
    """Return a handler that answers `exec` with what a function does, then closes.

    Args:
        body: the program.
        protocols: subprotocols that are understood.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=protocols)
        await socket.prepare(request)
        with contextlib.suppress(ConnectionError):
            await body(Run(request.query.getall("command"), socket))
        await socket.close()
        return socket

    return handle
