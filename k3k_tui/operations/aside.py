"""Stepping aside: another program gets the terminal, and the dashboard and its jobs go on unseen."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from textual.app import App, SuspendNotSupported

from k3k_core.cli.terminal import escape
from k3k_core.errors import K3kError, UsageError

# Whether to wait for Enter before coming back, by the program's exit code and the seconds it ran.
Pause = Callable[[int, float], bool]


def always(_code: int, _seconds: float) -> bool:
    """Wait for Enter whatever came of the program: what it printed would be gone at once."""
    return True


def on_failure(code: int, _seconds: float) -> bool:
    """Wait for Enter when the program failed, so that what it said can be read."""
    return code != 0


def never(_code: int, _seconds: float) -> bool:
    """Come back at once."""
    return False


async def run_aside(
    app: App[Any],
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    heading: str = "",
    pause: Pause = never,
) -> int:
    """Give the terminal to a program until it ends, and return its exit code.

    Ctrl-C is the program's. Hosts are followed and jobs go on meanwhile; nothing of it is drawn.

    Args:
        app: the dashboard.
        command: the program and its arguments.
        environment: variables set on top of our own.
        heading: said before the program starts; empty for nothing.
        pause: whether Enter is waited for at the end.

    Raises:
        UsageError: there is no such program, or the terminal cannot be given away.
    """
    from k3k_core.cli.child import run_child

    require(command[0])
    loop = asyncio.get_running_loop()
    code, failure = 1, None
    with _suspended(app):
        if heading:
            _say(heading)
        began = loop.time()
        try:
            code = await run_child(command, environment or {})
        except K3kError as error:
            failure = error
        else:
            if pause(code, loop.time() - began):
                ended = f"ended with exit code {code}; " if code else ""
                _say(f"[{ended}press Enter to go back to k3k]")
                await asyncio.to_thread(_enter)
    if failure is not None:
        raise failure
    return code


def require(program: str, *, hint: str = "") -> None:
    """See that a program is installed.

    Args:
        program: its name or path.
        hint: how to get it.

    Raises:
        UsageError: it is not.
    """
    if shutil.which(program) is None:
        raise UsageError(
            f"The program {program!r} was not found on this machine.",
            hint=hint or "Install it, or add it to PATH.",
        )


@contextmanager
def _suspended(app: App[Any]) -> Iterator[None]:
    """Hand the terminal over for the time of a block, which must not raise: the app would not come back.

    While it runs, Ctrl-C reaches this process too, in which asyncio has its own idea of it.
    """
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        with app.batch_update(), app.suspend():
            yield
    except SuspendNotSupported:
        raise UsageError(
            "The dashboard cannot step aside here: it has no terminal to give away.",
            hint="Use it in a terminal; in a browser it can only show.",
        ) from None
    finally:
        signal.signal(signal.SIGINT, interrupt)


def _say(text: str) -> None:
    stream = sys.__stdout__
    if stream is not None:
        stream.write(f"{escape(text)}\n")
        stream.flush()


def _enter() -> None:
    stream = sys.__stdin__
    if stream is not None:
        stream.readline()
