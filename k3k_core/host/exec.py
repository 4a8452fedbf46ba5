"""One program run in a container, over a WebSocket of the host's API.

Protocol (k8s.io/apimachinery, pkg/util/remotecommand; k8s.io/kubelet, pkg/cri/streaming/remotecommand): the first
byte of a message is its channel: 0 standard input, 1 standard output, 2 standard error, 3 a Status object about the
end of the program, 4 the size of a terminal. Subprotocol `v5.channel.k8s.io` (KEP-4006, Kubernetes 1.30) adds
channel 255, which closes the channel its one byte names; with `v4` the end of the input cannot be told.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from k3k_core.errors import HostError, K3kError, NotFoundError, NotReadyError, UnreachableError
from k3k_core.host.api import ExecResult
from k3k_core.host.connection import Connection
from k3k_core.host.failures import unreachable, where
from k3k_core.host.redaction import redact
from k3k_core.host.refusals import Refusal, refusal_of
from k3k_core.host.requests import Request

V4, V5 = "v4.channel.k8s.io", "v5.channel.k8s.io"
PROTOCOLS = (V5, V4)

Sink = Callable[[bytes], Awaitable[None]]

_STDIN, _STDOUT, _STDERR, _STATUS, _CLOSE = 0, 1, 2, 3, 255
# What kubectl sends at once.
_PIECE = 32 * 1024
_STDERR_KEPT = 4096
_STATUS_LIMIT = 64 * 1024
_STDOUT_LIMIT = 64 * 2**20
_SHOWN = 300
# Seconds between two signs of life: load balancers cut connections that are silent for a minute.
_SIGN_OF_LIFE = 20.0
# Seconds a host may take to close after it said how the program ended: by then everything has arrived.
_GRACE = 2.0
# What each layer of a host puts before the words of the one below.
# What the kubelet and containerd call what is not there, not yet or not any more; it reaches us as an internal error of
# the API server.
_GONE = re.compile(
    r"container not found|pod does not exist|container not created|task \w+ not found|process already finished"
    r"|in a stopped (?:container|state)"
)
_NOISE = re.compile(r'Internal error occurred: |failed to exec in container: |failed to start exec "\w+": ')
_UNKNOWN = "Whether the program ran is not known: check what it was to do, then repeat the command."


async def run(
    connection: Connection,
    request: Request,
    socket: aiohttp.ClientWebSocketResponse,
    *,
    stdin: AsyncIterable[bytes] | None,
    stdout: Sink | None,
    timeout: float,
) -> ExecResult:
    """Feed a program that was started, and return how it ended.

    Args:
        connection: the host it goes through.
        request: what was asked for, for messages.
        socket: the WebSocket; its owner closes it.
        stdin: what the program reads; None for nothing.
        stdout: takes what it writes; None collects it.
        timeout: seconds until it must have ended.

    Raises:
        K3kError: the program could not be started, took too long, or the connection broke.
    """
    session = _Session(connection, request, socket, stdout)
    if socket.protocol not in PROTOCOLS:
        raise session.broken_off("it does not speak the protocol for running programs")
    try:
        async with asyncio.timeout(timeout):
            return await session.run(stdin)
    except TimeoutError:
        raise NotReadyError(
            f"{where(connection)}: the program in {request.subject} did not end within {timeout:g} s.",
            hint="The program may still run. Look at the pod with `kubectl describe pod`, then repeat the command.",
        ) from None


@dataclass(slots=True)
class _Session:
    """One run of a program."""

    connection: Connection
    request: Request
    socket: aiohttp.ClientWebSocketResponse
    sink: Sink | None
    _stdout: bytearray = field(default_factory=bytearray, repr=False)
    _stderr: bytearray = field(default_factory=bytearray, repr=False)
    _status: bytearray = field(default_factory=bytearray, repr=False)
    _refusal: Refusal | None = None
    _code: int | None = None

    async def run(self, stdin: AsyncIterable[bytes] | None) -> ExecResult:
        """Return how the program ended; input and output flow at the same time."""
        reading = asyncio.ensure_future(self._read())
        alive = asyncio.ensure_future(self._show_signs_of_life())
        feeding = asyncio.ensure_future(self._feed(stdin)) if stdin is not None else None
        tasks = [task for task in (reading, alive, feeding) if task is not None]
        try:
            if feeding is not None:
                await asyncio.wait((reading, feeding), return_when=asyncio.FIRST_COMPLETED)
                if feeding.done():
                    # What the caller's source raised is the reason why nothing can come of this run.
                    feeding.result()
            await reading
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._result()

    async def _feed(self, stdin: AsyncIterable[bytes]) -> None:
        async for data in stdin:
            for start in range(0, len(data), _PIECE):
                if not await self._send(bytes((_STDIN,)) + data[start : start + _PIECE]):
                    return
        if self.socket.protocol == V5:
            await self._send(bytes((_CLOSE, _STDIN)))

    async def _send(self, message: bytes) -> bool:
        """Send a message; False when nobody takes it any more, of which the reading side tells the reason."""
        try:
            await self.socket.send_bytes(message)
        except (aiohttp.ClientError, OSError):
            return False
        return True

    async def _show_signs_of_life(self) -> None:
        with suppress(aiohttp.ClientError, OSError):
            while True:
                await asyncio.sleep(_SIGN_OF_LIFE)
                await self.socket.ping()

    async def _read(self) -> None:
        """Take messages until the host closes; once the program's end is known it need not."""
        while self._code is None and self._refusal is None:
            if not await self._take(await self.socket.receive()):
                return
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                while await self._take(await self.socket.receive()):
                    pass

    async def _take(self, message: aiohttp.WSMessage) -> bool:
        """Take one message; False when it was the last."""
        if message.type is aiohttp.WSMsgType.ERROR:
            if self._code is not None:
                return False
            raise self._broken(message.data)
        if message.type is not aiohttp.WSMsgType.BINARY:
            return False
        if not message.data:
            return True
        channel, content = message.data[0], message.data[1:]
        if channel == _STDOUT and content:
            await self._write(content)
        elif channel == _STDERR:
            self._stderr += content
            del self._stderr[:-_STDERR_KEPT]
        elif channel == _STATUS:
            self._note_end(content)
        return True

    async def _write(self, content: bytes) -> None:
        if self.sink is not None:
            await self.sink(content)
            return
        if len(self._stdout) + len(content) > _STDOUT_LIMIT:
            raise self.broken_off(f"the program wrote more than {_STDOUT_LIMIT >> 20} MiB")
        self._stdout += content

    def _note_end(self, content: bytes) -> None:
        """Read the Status; it may come in pieces."""
        self._status += content
        if len(self._status) > _STATUS_LIMIT:
            raise self.broken_off("it told the end of the program in a way that makes no sense")
        try:
            document = json.loads(self._status)
        except (ValueError, RecursionError):
            return
        if not isinstance(document, dict):
            return
        if document.get("status") == "Success":
            self._code = 0
            return
        self._refusal = refusal_of({"kind": "Status", **document})
        self._code = _exit_code(self._refusal)

    def _result(self) -> ExecResult:
        if self._code is None and self._refusal is not None:
            raise self._refused(self._refusal)
        if self._code is None:
            raise self.broken_off("the connection ended before the program")
        return ExecResult(self._code, bytes(self._stdout), self._stderr.decode(errors="replace"))

    def _refused(self, refusal: Refusal) -> K3kError:
        what = (
            redact(_NOISE.sub("", refusal.message)).rstrip(".")[:_SHOWN]
            or refusal.reason
            or "no reason given"
        )
        message = f"{where(self.connection)} could not {self.request.doing}: {what}."
        if _GONE.search(what):
            return NotFoundError(message, hint="It may be starting or ending: try again in a moment.")
        return HostError(
            message, hint="Check the pod with `kubectl describe pod`.", status=500, reason=refusal.reason
        )

    def broken_off(self, why: str) -> UnreachableError:
        """Return the error for a run nobody knows the end of."""
        return UnreachableError(
            f"{where(self.connection)} could not {self.request.doing}: {why}.", hint=_UNKNOWN
        )

    def _broken(self, error: object) -> UnreachableError:
        if isinstance(error, aiohttp.WebSocketError):
            return self.broken_off("it sent something that is no message of this protocol")
        if isinstance(error, BaseException):
            return unreachable(self.connection, self.request, error)
        return self.broken_off("the connection broke")


def _exit_code(refusal: Refusal) -> int | None:
    """Return the exit code in a Status; None when it is not about the end of a program."""
    if refusal.reason != "NonZeroExitCode":
        return None
    code = next((cause.message for cause in refusal.causes if cause.reason == "ExitCode"), "")
    return int(code) if code.isdecimal() else None
