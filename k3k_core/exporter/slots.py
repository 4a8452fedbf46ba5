"""A limit on work that clients can ask for, and one sentence for those who find no place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web


class Slots:
    """Places for requests that make others work.

    Args:
        count: how many may be served at once; there is no queue.
    """

    def __init__(self, count: int) -> None:
        self._free = count

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place until the block ends.

        Raises:
            web.HTTPServiceUnavailable: there is none.
        """
        if not self._free:
            raise web.HTTPServiceUnavailable(
                text="Too many requests of this kind are being served; try again in a second.\n",
                headers={"Retry-After": "1"},
            )
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1
