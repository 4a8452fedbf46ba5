"""Ending a verb that runs until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """Turn the first signal to stop into an event; a second one ends the process as usual."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop_once() -> None:
        for number in signals:
            loop.remove_signal_handler(number)
        stopped.set()

    for number in signals:
        loop.add_signal_handler(number, stop_once)
    try:
        yield stopped
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def until_stopped(work: Awaitable[None]) -> None:
    """Run until the work ends or a signal to stop comes, which ends it as well.

    Args:
        work: what to do.

    Raises:
        Exception: whatever the work raises.
    """
    with stop_signals() as stopped:
        doing, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stopped.wait())
        try:
            await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                doing.result()
        finally:
            doing.cancel()
            stopping.cancel()
            await asyncio.gather(doing, stopping, return_exceptions=True)
