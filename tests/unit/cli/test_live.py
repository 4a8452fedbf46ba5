"""The live screen, on a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

SHOW = """
import asyncio, sys
from k3k_core.cli.live import show_until_quit
async def draw():
    return "a fleet\\nof two"
try:
    asyncio.run(show_until_quit(draw, interval=600))
except KeyboardInterrupt:
    sys.exit(130)
"""


@contextmanager
def on_terminal(code: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run code in an interpreter whose three streams are a terminal; yields the process and our end of it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_until(terminal: int, wanted: bytes) -> bytes:
    """Read from a terminal until some bytes have come."""
    seen = b""
    while wanted not in seen:
        assert select.select([terminal], [], [], 30)[0], f"only {seen!r} came"
        seen += os.read(terminal, 4096)
    return seen


def test_the_screen_is_drawn_on_the_second_screen_and_left_with_q() -> None:
    with on_terminal(SHOW) as (process, terminal):
        seen = read_until(terminal, b"of two")
        assert seen.index(b"\x1b[?1049h") < seen.index(b"a fleet")
        os.write(terminal, b"q")
        read_until(terminal, b"\x1b[?1049l")
        assert process.wait(30) == 0


@pytest.mark.parametrize("key", [b"x", b"\x1b[A"])
def test_other_keys_change_nothing(key: bytes) -> None:
    with on_terminal(SHOW) as (process, terminal):
        read_until(terminal, b"of two")
        os.write(terminal, key)
        os.write(terminal, b"q")
        read_until(terminal, b"\x1b[?1049l")
        assert process.wait(30) == 0


def test_the_screen_is_restored_after_ctrl_c() -> None:
    with on_terminal(SHOW) as (process, terminal):
        read_until(terminal, b"of two")
        process.send_signal(signal.SIGINT)
        read_until(terminal, b"\x1b[?25h\x1b[?1049l")
        assert process.wait(30) == 130
