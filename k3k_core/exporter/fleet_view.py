"""What the exporter asks of a fleet; `k3k_core.fleet.Fleet` is one, and tests have another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from k3k_core.fleet import ChangeSet, FleetRow, HostState
from k3k_core.telemetry.scraper.figures import ScrapeFigures
from k3k_core.telemetry.scraper.target import Scraped, TargetId


class RawPage(Protocol):
    """A control plane's own page on its way through."""

    @property
    def gzip(self) -> bool:
        """Whether the chunks are compressed."""

    @property
    def chunks(self) -> AsyncIterator[bytes]:
        """The page as it comes."""


class FleetView(Protocol):
    """A fleet that is kept current."""

    @property
    def rows(self) -> Mapping[TargetId, FleetRow]:
        """Every row as it is now."""

    @property
    def hosts(self) -> Mapping[str, HostState]:
        """The state of every host."""

    @property
    def figures(self) -> ScrapeFigures | None:
        """What its scraper did; None without one."""

    def listen(self, hear: Callable[[Scraped], None], /) -> None:
        """Hand on every round as it comes, each once: changes leave out what another round has overtaken."""

    def changes(self) -> AsyncIterator[ChangeSet]:
        """Yield what there is as changes, then what happens."""

    async def settled(self, timeout: float) -> bool:
        """Wait until there is something to show of everything."""

    async def scrape(self, key: TargetId) -> FleetRow:
        """Ask a control plane now, out of turn."""

    def fetch_page(self, key: TargetId, server: str | None) -> AbstractAsyncContextManager[RawPage]:
        """Open the page of a server."""
