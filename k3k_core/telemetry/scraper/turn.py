"""One page is scanned at a time: when the processor is short, pages wait here, and no time-out runs out for that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

_CROWD: Final = 16
"""Pages that have come and wait to be scanned, beyond which no further rounds shall begin."""


class Turn:
    """Held while a page is scanned, never while a server is waited for.

    Pages scanned in turn are ready sooner, and take less memory, than pages scanned all at once.

    Args:
        relieved: called when it is crowded no more.
    """

    def __init__(self, relieved: Callable[[], None] = lambda: None) -> None:
        self._lock = asyncio.Lock()
        self._pages = 0
        self._relieved = relieved

    @property
    def crowded(self) -> bool:
        """Whether more pages have come than can be scanned soon."""
        return self._pages >= _CROWD

    async def wait(self) -> None:
        """Wait until it is one's turn; `end` must follow."""
        self._pages += 1
        try:
            await self._lock.acquire()
        except BaseException:
            self._leave()
            raise

    def end(self) -> None:
        """Let the next one have its turn."""
        self._lock.release()
        self._leave()

    def _leave(self) -> None:
        crowded = self.crowded
        self._pages -= 1
        if crowded and not self.crowded:
            self._relieved()
