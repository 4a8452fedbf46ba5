"""`k3k` in a process of its own, forked from one that has imported everything already."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(slots=True)
class WarmProcess:
    """One running command.

    Attributes:
        pid: its process id, that of the process itself.
        returncode: its exit code, negative for a signal; None while it runs.
    """

    pid: int
    returncode: int | None
    _told: socket.socket
    _streams: tuple[socket.socket, socket.socket, socket.socket]

    async def communicate(self, stdin: bytes = b"") -> tuple[bytes, bytes]:
        """Send all of standard input, read both outputs to their ends and wait for the process."""
        entry, out, err = self._streams
        _sent, out_text, err_text = await asyncio.gather(_send(entry, stdin), _read(out), _read(err))
        await self.wait()
        return out_text, err_text

    async def wait(self) -> int:
        """Wait until it has ended, and return its exit code."""
        if self.returncode is None:
            status = int.from_bytes(await _exactly(self._told, 8), "big")
            self._told.close()
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


async def start_warm(arguments: Sequence[str], environ: Mapping[str, str]) -> WarmProcess:
    """Run `k3k` with captured streams.

    Args:
        arguments: without the program.
        environ: the whole environment.
    """
    pairs = [socket.socketpair() for _ in range(4)]
    request = {"arguments": list(arguments), "environ": dict(environ), "folder": str(Path.cwd())}
    theirs = [pair[1].fileno() for pair in pairs]
    socket.send_fds(_server(), [json.dumps(request).encode()], theirs)
    for _ours, other in pairs:
        other.close()
    mine = [ours for ours, _other in pairs]
    for each in mine:
        each.setblocking(False)
    entry, out, err, told = mine
    return WarmProcess(int.from_bytes(await _exactly(told, 8), "big"), None, told, (entry, out, err))


@lru_cache
def _server() -> socket.socket:
    """Start the process that forks, once for each process that runs tests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.warm_server", str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


async def _send(stream: socket.socket, data: bytes) -> None:
    with suppress(OSError):
        await asyncio.get_running_loop().sock_sendall(stream, data)
    stream.close()


async def _read(stream: socket.socket) -> bytes:
    pieces = []
    while piece := await asyncio.get_running_loop().sock_recv(stream, 65536):
        pieces.append(piece)
    stream.close()
    return b"".join(pieces)


async def _exactly(stream: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = await asyncio.get_running_loop().sock_recv(stream, size - len(found))
        if not piece:
            raise RuntimeError("the process that forks k3k is gone")
        found += piece
    return found
