"""An event loop whose clock stands still while anything happens, on sockets too.

The clock goes on only when nothing is left to do and no socket has had anything to say for a moment of real time.
So a test with real servers takes no longer than their work, and a slow machine changes nothing.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

_MOMENT: Final = 0.005
"""Real seconds without a sound on any socket after which nothing is under way between them."""


class _Clock(selectors.DefaultSelector):
    """Waits for sockets, or lets time pass."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(_MOMENT)
        if not ready:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Sleeps and time-outs take no real time."""

    def __init__(self) -> None:
        self._clock = _Clock()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def run_virtually(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end in virtual time that begins at 0."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
