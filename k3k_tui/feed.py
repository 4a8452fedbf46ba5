"""The fleet as the screens see it: there from the first frame on, empty until it is opened, never an exception."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from k3k_tui.source import FleetSource, OpenFleet

if TYPE_CHECKING:
    from k3k_core.fleet import ChangeSet, FleetKey, FleetRow, HostState
    from k3k_core.telemetry.history import History

Hear = "Callable[[ChangeSet], None]"


class FleetFeed:
    """Hands on what a fleet tells.

    Args:
        opened: opens the fleet.
    """

    def __init__(self, opened: OpenFleet) -> None:
        self._opened = opened
        self._source: FleetSource | None = None
        self._listeners: list[Callable[[ChangeSet], None]] = []
        self.error = ""

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
        from k3k_core.errors import NotFoundError
        from k3k_core.telemetry.history import History

        try:
            return self._source.history(key) if self._source is not None else History()
        except NotFoundError:
            return History()

    async def scrape(self, key: FleetKey) -> FleetRow | None:
        """Read a control plane now, out of turn; None when it is gone."""
        from k3k_core.errors import NotFoundError

        try:
            return await self._source.scrape(key) if self._source is not None else None
        except NotFoundError:
            return None

    def listen(self, hear: Callable[[ChangeSet], None]) -> Callable[[], None]:
        """Hand on every change set from now on.

        Args:
            hear: takes each.

        Returns:
            What ends it.
        """
        self._listeners.append(hear)
        return lambda: self._listeners.remove(hear)

    async def run(self) -> None:
        """Open the fleet and hand on its changes until cancelled."""
        async with self._opened() as source:
            self._source = source
            async for change in source.changes():
                for hear in tuple(self._listeners):
                    hear(change)
