"""Giving the terminal away, in a real one: nothing is drawn meanwhile, Ctrl-C is the program's."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from pathlib import Path

_OWN_SCREEN = b"\x1b[?1049h"


class Terminal:
    """A program in a terminal, and what it has written so far."""

    def __init__(self, *command: str) -> None:
        self._command = command
        self.written = b""
        self._more = asyncio.Event()

    async def __aenter__(self) -> Terminal:
        self._master, slave = pty.openpty()
        os.set_blocking(self._master, False)
        environment = {**os.environ, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"}
        environment.pop("NO_COLOR", None)
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.aside_program", *self._command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environment,
            cwd=Path(__file__).parents[2],
        )
        os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        os.close(self._master)

    def _read(self) -> None:
        try:
            self.written += os.read(self._master, 65536)
            self._more.set()
        except BlockingIOError:
            return
        except OSError:
            # The other end is closed.
            asyncio.get_running_loop().remove_reader(self._master)

    def type(self, text: bytes) -> None:
        """Press keys."""
        os.write(self._master, text)

    async def until(self, text: bytes) -> None:
        """Wait until something was written."""
        try:
            async with asyncio.timeout(30):
                while text not in self.written:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"{text!r} never came; the last were {self.written[-400:]!r}") from None


async def test_a_program_has_the_terminal_to_itself_and_its_own_ctrl_c() -> None:
    greeting = 'trap "exit 130" INT; echo "$GREETING outside"; while true; do sleep 0.1; done'
    async with Terminal("sh", "-c", greeting) as terminal:
        await terminal.until(b"hello outside")
        terminal.type(b"\x03")
        await terminal.until(b"press Enter to go back to k3k]")
        _, _, outside = terminal.written.partition(b"heading")
        assert b"ended with exit code 130" in outside
        assert b"turn" not in outside
        terminal.type(b"\n")
        await terminal.until(b"ended with 130")
        assert _OWN_SCREEN in terminal.written.partition(b"press Enter")[2]
        assert await terminal.process.wait() == 0
