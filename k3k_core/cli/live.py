"""A screen that is redrawn until somebody has seen enough."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import re
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator

from k3k_core.cli.output import display_width

_COLOR = re.compile("\x1b\\[[0-9;]*m")
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
    painted: list[str] = []
    with _screen(), _keys(quitting):
        while not quitting.is_set():
            painted = _paint(await draw(), painted)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await quitting.wait()


def fit(lines: list[str], height: int, width: int) -> list[str]:
    """Return lines that fit on a screen, saying how many were left out.

    Args:
        lines: what there is to show, at most with colours in them.
        height: rows of the screen.
        width: columns of the screen; a longer line takes several rows.
    """
    rows = [max(math.ceil(display_width(_COLOR.sub("", line)) / max(width, 1)), 1) for line in lines]
    if sum(rows) <= height:
        return lines
    shown = sum(1 for used in itertools.accumulate(rows) if used < height)
    return [*lines[:shown], f"... {len(lines) - shown} more lines"][: max(height, 0)]


def _paint(text: str, painted: list[str]) -> list[str]:
    """Send lines unless they are on the screen already: over a slow line nothing is worth sending twice."""
    screen = shutil.get_terminal_size()
    lines = fit(text.split("\n"), screen.lines - 1, screen.columns)
    if lines != painted:
        sys.stdout.write(_HOME + "".join(f"{line}{_CLEAR_LINE}\n" for line in lines) + _CLEAR_BELOW)
        sys.stdout.flush()
    return lines


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
