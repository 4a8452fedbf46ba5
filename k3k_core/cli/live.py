"""A screen that is redrawn until somebody has seen enough."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator

_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME = "\x1b[H"
_CLEAR_LINE = "\x1b[K"
_CLEAR_BELOW = "\x1b[J"


async def show_until_quit(draw: Callable[[], Awaitable[str]], *, interval: float = 1.0) -> None:
    """Show what `draw` returns on a terminal and refresh it until `q` is pressed or the task is cancelled.

    Args:
        draw: returns the lines to show, already escaped; called once for each refresh.
        interval: seconds between two refreshes.
    """
    quitting = asyncio.Event()
    with _screen(), _keys(quitting):
        while not quitting.is_set():
            _paint(await draw())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await quitting.wait()


def fit(lines: list[str], height: int) -> list[str]:
    """Return lines that fit on a screen, saying how many were left out.

    Args:
        lines: what there is to show.
        height: lines of the screen.
    """
    if len(lines) <= height:
        return lines
    shown = max(height - 1, 0)
    return [*lines[:shown], f"... {len(lines) - shown} more lines"][:height]


def _paint(text: str) -> None:
    lines = fit(text.split("\n"), shutil.get_terminal_size().lines - 1)
    sys.stdout.write(_HOME + "".join(f"{line}{_CLEAR_LINE}\n" for line in lines) + _CLEAR_BELOW)
    sys.stdout.flush()


@contextlib.contextmanager
def _screen() -> Iterator[None]:
    """Use the terminal's second screen, so that the first is as it was afterwards."""
    sys.stdout.write(_ENTER)
    sys.stdout.flush()
    try:
        yield
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()


@contextlib.contextmanager
def _keys(quitting: asyncio.Event) -> Iterator[None]:
    """Set the event when `q` is pressed; without a terminal to read from only Ctrl-C ends the show."""
    import os
    import termios
    import tty

    if not sys.stdin.isatty():
        yield
        return
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    loop = asyncio.get_running_loop()

    def read() -> None:
        typed = os.read(number, 64)
        if not typed or b"q" in typed.lower():
            quitting.set()

    tty.setcbreak(number)
    loop.add_reader(number, read)
    try:
        yield
    finally:
        loop.remove_reader(number)
        termios.tcsetattr(number, termios.TCSADRAIN, before)
