"""The fleet as the screens see it: there from the first frame on, empty until it is opened, never an exception."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from k3k_core.errors import K3kError, NotFoundError
from k3k_tui.source import FleetSource, OpenFleet

if TYPE_CHECKING:
    from k3k_core.fleet import ChangeSet, FleetKey, FleetRow, HostState
    from k3k_core.telemetry.history import History

logger = logging.getLogger(__name__)

# Seconds before a fleet that could not be opened is tried again: at first, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0


class FleetFeed:
    """Hands on what a fleet tells.

    Args:
        opened: opens the fleet.

    Attributes:
        error: why there is no fleet, one sentence; empty while there is one or it is being opened.
        hint: what to do about that.
    """

    def __init__(self, opened: OpenFleet) -> None:
        self._opened = opened
        self._source: FleetSource | None = None
        self._listeners: list[Callable[[ChangeSet], None]] = []
        self._task: asyncio.Task[None] | None = None
        self.error = ""
        self.hint = ""

    @property
    def rows(self) -> Mapping[FleetKey, FleetRow]:
        """Every row as it is now."""
        return self._source.rows if self._source is not None else MappingProxyType({})

    @property
    def hosts(self) -> Mapping[str, HostState]:
        """The state of every host by name."""
        return self._source.hosts if self._source is not None else MappingProxyType({})

    def focus(self, keys: Collection[FleetKey]) -> None:
        """Let these control planes be read first, because somebody looks at them."""
        if self._source is not None:
            self._source.focus(keys)

    def history(self, key: FleetKey) -> History:
        """Return the course of a control plane's signals; empty when there is none."""
        from k3k_core.telemetry.history import History

        try:
            return self._source.history(key) if self._source is not None else History()
        except NotFoundError:
            return History()

    async def scrape(self, key: FleetKey) -> FleetRow | None:
        """Read a control plane now, out of turn; None when it is gone."""
        try:
            return await self._source.scrape(key) if self._source is not None else None
        except NotFoundError:
            return None

    def listen(self, hear: Callable[[ChangeSet], None]) -> Callable[[], None]:
        """Hand on every change set from now on; one without anything in it tells of another `error`.

        Args:
            hear: takes each.

        Returns:
            What ends it.
        """
        self._listeners.append(hear)
        return lambda: self._listeners.remove(hear)

    def start(self) -> None:
        """Open the fleet in the background, and hand on its changes until `close`."""
        if self._task is None:
            self._task = asyncio.create_task(self.run(), name="fleet feed")

    async def close(self) -> None:
        """End what `start` began, and wait until the fleet is closed."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def run(self) -> None:
        """Open the fleet and hand on its changes until cancelled; when it cannot be opened, try again."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._follow()
            except K3kError as error:
                self._fail(error.message, error.hint)
            except Exception:
                logger.exception("the fleet could not be followed")
                self._fail(
                    "The fleet cannot be followed: something went wrong within k3k.", "It is tried again."
                )
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _follow(self) -> None:
        async with self._opened() as source:
            self._source = source
            self.error = self.hint = ""
            async for change in source.changes():
                self._tell(change)

    def _fail(self, error: str, hint: str) -> None:
        from k3k_core.fleet.rows import ChangeSet

        self.error, self.hint = error, hint
        self._tell(ChangeSet())

    def _tell(self, change: ChangeSet) -> None:
        for hear in tuple(self._listeners):
            try:
                hear(change)
            except Exception:
                # One screen that fails must not take the fleet from the others.
                logger.exception("a listener of the fleet failed")
