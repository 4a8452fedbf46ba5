"""Another program run in the foreground in place of this one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress

from k3k_core.errors import UsageError

# What a shell answers for a program that a signal ended.
_SIGNALLED = 128


async def run_child(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program on this terminal and return its exit code.

    Ctrl-C reaches the program itself, which decides what it means; a SIGTERM is handed on.

    Args:
        command: the program and its arguments.
        environment: variables set on top of our own.

    Raises:
        UsageError: there is no such program.
    """
    loop = asyncio.get_running_loop()
    # Before the program starts: a Ctrl-C in between would end us and leave it alone.
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    try:
        process = await _start(command, environment)
        loop.add_signal_handler(signal.SIGTERM, _hand_on, process.pid)
        try:
            code = await process.wait()
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    return code if code >= 0 else _SIGNALLED - code


async def _start(command: Sequence[str], environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(*command, env={**os.environ, **environment})
    except FileNotFoundError:
        raise UsageError(f"The program {command[0]!r} was not found.") from None
    except OSError as error:
        raise UsageError(f"The program {command[0]!r} cannot be run: {error.strerror}.") from None


def _hand_on(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
