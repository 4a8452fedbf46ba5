"""`k3k demo` on a terminal: the dashboard at once, the fleet as it comes, and nothing left behind."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.programs import K3K

COLUMNS, LINES = 120, 36
_CONTROLS = re.compile(r"\x1b\[[\d;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


@dataclass
class OnTerminal:
    """A program on a terminal of its own.

    Attributes:
        process: the program.
        leader: the other end of its terminal.
        received: what it has written.
    """

    process: asyncio.subprocess.Process
    leader: int
    received: bytes = b""

    @property
    def text(self) -> str:
        """What it has written, without controls."""
        return _CONTROLS.sub("", self.received.decode(errors="replace"))

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self.leader, keys.encode())

    async def until(self, part: str) -> None:
        """Wait until it has written something."""
        async with asyncio.timeout(60):
            while part not in self.text:
                assert await self.read(), self.text[-2000:]

    async def read(self) -> bool:
        """Take what the program has written; False when it has ended."""
        try:
            data = await asyncio.get_running_loop().run_in_executor(None, os.read, self.leader, 65536)
        except OSError:
            return False
        self.received += data
        return bool(data)

    async def ended(self) -> int:
        """Wait for the end of the program and return its exit code."""
        async with asyncio.timeout(60):
            while await self.read():
                pass
            return await self.process.wait()


@asynccontextmanager
async def demo(folder: Path, *options: str) -> AsyncIterator[OnTerminal]:
    """Run `k3k demo` on a terminal.

    Args:
        folder: for its temporary files.
        options: of the command.
    """
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    clean = {
        key: value for key, value in os.environ.items() if not key.startswith(("K3K_", "SSH_", "NO_COLOR"))
    }
    process = await asyncio.create_subprocess_exec(
        K3K,
        "demo",
        *options,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=clean | {"TERM": "xterm-256color", "TMPDIR": str(folder), "HOME": str(folder)},
        start_new_session=True,
    )
    os.close(follower)
    try:
        yield OnTerminal(process, leader)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(leader)


def credentials(folder: Path) -> list[Path]:
    """The folders of demonstrations, each with what opens its host."""
    return list(folder.glob("k3k-demo-*"))


async def gone(folder: Path) -> None:
    """Wait until the host of the demonstration has ended and taken its credentials along."""
    async with asyncio.timeout(30):
        while credentials(folder):  # noqa: ASYNC110 (another process's doing)
            await asyncio.sleep(0.05)


async def test_the_fleet_appears_in_the_dashboard_and_q_leaves_nothing_behind(tmp_path: Path) -> None:
    async with demo(tmp_path, "--clusters", "2", "--healthy") as shown:
        await shown.until("storefront")
        shown.press("J")
        await shown.until("2 control planes, all of them well.")
        shown.press("q")
        assert await shown.ended() == 0
    await gone(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
async def test_a_dashboard_that_dies_takes_its_sandbox_along(tmp_path: Path, number: signal.Signals) -> None:
    async with demo(tmp_path, "--clusters", "1") as shown:
        await shown.until("storefront")
        assert credentials(tmp_path)
        shown.process.send_signal(number)
        await shown.ended()
    await gone(tmp_path)
