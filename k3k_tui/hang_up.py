"""A terminal that goes away takes the dashboard with it, also where no signal says so.

Textual 8.2.8 reads on from a terminal that was hung up: its input thread gets nothing at once, again and again, and
keeps a process without a terminal busy for ever.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
import termios
from collections.abc import Callable
from typing import NoReturn

EXIT_CODE = 128 + signal.SIGHUP
# Seconds between two looks, and those an end in good order may take.
_LOOK, _GRACE = 1.0, 3.0


def is_hung_up(descriptor: int = 0) -> bool:
    """Tell whether a descriptor is a terminal that nobody sits at any more.

    Args:
        descriptor: standard input unless told.
    """
    try:
        termios.tcgetattr(descriptor)
    except termios.error as error:
        return bool(error.args[0] == errno.EIO)
    except ValueError:
        return False
    return False


async def end_when_hung_up(end: Callable[[int], object]) -> None:
    """Watch the terminal; once it is gone end in good order, or without it.

    Args:
        end: asks the dashboard to end with an exit code.
    """
    while True:
        if is_hung_up():
            break
        await asyncio.sleep(_LOOK)
    end(EXIT_CODE)
    await asyncio.sleep(_GRACE)
    leave()


def leave() -> NoReturn:
    """End the process without waiting for threads that read from the terminal."""
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 (nobody reads any more)
    os._exit(EXIT_CODE)
