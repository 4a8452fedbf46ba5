"""Programs run in containers, as the API and the kubelet speak `exec` over a WebSocket.

Subprotocols `v5.channel.k8s.io` and `v4.channel.k8s.io` (k8s.io/apimachinery, pkg/util/remotecommand;
k8s.io/kubelet, pkg/cri/streaming/remotecommand): the first byte of a message is a channel, 0 to 4; with v5 channel 255
closes another one. The older SPDY protocol is not spoken. What a program does is `node.tasks`' business.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from k3k_core.sandbox.api.statuses import status
from k3k_core.sandbox.node.process import Launch
from k3k_core.sandbox.node.tasks import Tasks
from k3k_core.sandbox.pod_logs import container_of

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDIN, _STDOUT, _STDERR, _STATUS, _CLOSE = 0, 1, 2, 3, 255
# What a program may leave unread before the one who sends it has to wait.
_UNREAD = 1 << 20
_NOT_SIMULATED = 127

FindContainer = Callable[[str, str, str], Launch | None]


@dataclass(frozen=True, slots=True)
class ExecDoor:
    """What `exec` needs of a node.

    Attributes:
        tasks: the programs it knows.
        find: returns what a running container was given, by namespace, pod and container.
    """

    tasks: Tasks
    find: FindContainer


async def run_program(
    request: web.Request, door: ExecDoor, pod: dict[str, Any], *, lose_end: bool = False
) -> web.StreamResponse:
    """Answer an `exec` until the program ends or nobody listens any more.

    Args:
        request: asks for the upgrade; its query names container and command.
        door: to the node.
        pod: the pod.
        lose_end: break the connection instead of telling how the program ended.

    Raises:
        ApiError: it asks for no WebSocket, or for something that makes no sense.
    """
    meta, query = pod["metadata"], request.query
    container = container_of(pod, query.get("container", ""))
    if not pod["spec"].get("nodeName"):
        raise status(400, "BadRequest", f"pod {meta['name']} does not have a host assigned")
    wanted = {name for name in ("stdin", "stdout", "stderr", "tty") if query.get(name) in {"true", "1"}}
    if not wanted - {"tty"}:
        raise status(400, "BadRequest", "you must specify at least 1 of stdin, stdout, stderr")
    socket = web.WebSocketResponse(protocols=PROTOCOLS, max_msg_size=1 << 25)
    if not socket.can_prepare(request):
        raise status(400, "BadRequest", "Upgrade request required")
    await socket.prepare(request)
    if socket.ws_protocol not in PROTOCOLS:
        await socket.close(code=1002, message=f"the sandbox speaks {', '.join(PROTOCOLS)} only".encode())
        return socket
    session = _Session(socket, wanted)
    launch = door.find(meta["namespace"], meta["name"], container)
    end = await session.run(door.tasks, launch, query.getall("command", []), container)
    if lose_end and request.transport is not None:
        request.transport.abort()
    if end is not None and not socket.closed:
        with contextlib.suppress(ConnectionError):
            await socket.send_bytes(bytes((_STATUS,)) + json.dumps(end).encode())
            await socket.close()
    return socket


@dataclass(slots=True)
class _Session:
    """One run of a program."""

    socket: web.WebSocketResponse
    wanted: set[str]
    _unread: bytearray = field(default_factory=bytearray)
    _ended: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(
        self, tasks: Tasks, launch: Launch | None, argv: list[str], container: str
    ) -> dict[str, Any] | None:
        """Return the Status of the end; None when nobody wants it."""
        if launch is None:
            return _failure(f'unable to upgrade connection: container not found ("{container}")')
        if not argv:
            return _failure("you must specify at least one command for the container")
        if not tasks.knows(argv) and not tasks.is_shell(argv):
            return _failure(
                "error executing command in container: failed to exec in container: failed to start exec: OCI "
                f'runtime exec failed: exec: "{argv[0]}": executable file not found in $PATH'
            )
        program = asyncio.ensure_future(self._program(tasks, launch, argv))
        listening = asyncio.ensure_future(self._listen())
        try:
            await asyncio.wait((program, listening), return_when=asyncio.FIRST_COMPLETED)
            # A program whose caller went away is not killed: it reads the end of its input.
            await asyncio.wait((program,))
            return _status(program.result()) if not self.socket.closed else None
        finally:
            for task in (program, listening):
                task.cancel()
            await asyncio.gather(program, listening, return_exceptions=True)

    async def _program(self, tasks: Tasks, launch: Launch, argv: list[str]) -> int:
        if not tasks.knows(argv):
            await self.complain("the k3k sandbox runs no real programs: it does not simulate this script")
            return _NOT_SIMULATED
        return await tasks.run(launch, argv, input=self, write=self.write, complain=self.complain)

    async def _listen(self) -> None:
        """Take what comes in until the caller goes away."""
        async for message in self.socket:
            if message.type is not WSMsgType.BINARY or not message.data:
                continue
            channel, content = message.data[0], message.data[1:]
            if channel == _CLOSE and content == bytes((_STDIN,)):
                self._end_input()
            elif channel == _STDIN and "stdin" in self.wanted:
                self._unread += content
                self._news.set()
                while len(self._unread) > _UNREAD:
                    self._room.clear()
                    await self._room.wait()
        self._end_input()

    def _end_input(self) -> None:
        self._ended = True
        self._news.set()

    async def read(self, size: int) -> bytes:
        """Return so many bytes of the input; fewer when it ends before."""
        if "stdin" not in self.wanted:
            return b""
        taken = bytearray()
        while len(taken) < size:
            piece = self._unread[: size - len(taken)]
            del self._unread[: len(piece)]
            taken += piece
            self._room.set()
            if len(taken) == size or (not piece and self._ended):
                break
            if not piece:
                self._news.clear()
                await self._news.wait()
        return bytes(taken)

    async def write(self, data: bytes) -> None:
        """Write to the standard output."""
        if "stdout" in self.wanted:
            await self.socket.send_bytes(bytes((_STDOUT,)) + data)

    async def complain(self, line: str) -> None:
        """Write a line to the standard error, which a terminal shows with the output."""
        channel = _STDOUT if "tty" in self.wanted else _STDERR
        if self.wanted & {"tty", "stderr"}:
            await self.socket.send_bytes(bytes((channel,)) + f"{line}\n".encode())


def _failure(message: str) -> dict[str, Any]:
    text = f"Internal error occurred: {message}"
    causes = {"causes": [{"message": message}]}
    return {
        "metadata": {},
        "status": "Failure",
        "message": text,
        "reason": "InternalError",
        "details": causes,
        "code": 500,
    }


def _status(code: int) -> dict[str, Any]:
    if not code:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
