"""What the dashboard asks of a fleet; `k3k_core.fleet.Fleet` offers it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from k3k_core.fleet import ChangeSet, FleetKey, FleetRow, HostState
    from k3k_core.telemetry.history import History


class FleetSource(Protocol):
    """A fleet that is being watched."""

    @property
    def rows(self) -> Mapping[FleetKey, FleetRow]:
        """Every row as it is now; it never changes, ask again instead."""
        ...

    @property
    def hosts(self) -> Mapping[str, HostState]:
        """The state of every host by name."""
        ...

    def changes(self) -> AsyncIterator[ChangeSet]:
        """Yield what there is as changes, then what happens, gathered."""
        ...

    def focus(self, keys: Collection[FleetKey]) -> None:
        """Let these control planes be read first, because somebody looks at them."""
        ...

    def history(self, key: FleetKey) -> History:
        """Return the course of a control plane's signals.

        Raises:
            NotFoundError: it is not in the fleet.
        """
        ...

    async def scrape(self, key: FleetKey) -> FleetRow:
        """Read a control plane now, out of turn.

        Raises:
            NotFoundError: it is not in the fleet.
        """
        ...


OpenFleet: TypeAlias = Callable[[], AbstractAsyncContextManager[FleetSource]]
