"""A scraper that scrapes when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from k3k_core.fleet.options import FleetOptions
from k3k_core.telemetry.scraper import RawPage, ScrapeFigures
from k3k_core.telemetry.scraper.figures import Tally
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, Scraped, ServerTarget, TargetId
from k3k_core.telemetry.signals.model import ServerHealth, Signals


class FakeScraper:
    """Stands in for `Scraper`.

    Attributes:
        targets: what it was told to scrape.
        focused: what goes first.
        running: whether it has been started and not stopped.
    """

    def __init__(self) -> None:
        self.targets: dict[TargetId, ControlPlaneTarget] = {}
        self.focused: Collection[TargetId] = ()
        self.running = False
        self._publish: Callable[[Scraped], None] = lambda _: None

    def make(self, _: FleetOptions, publish: Callable[[Scraped], None]) -> FakeScraper:
        """Be the scraper of a fleet."""
        self._publish = publish
        return self

    @property
    def figures(self) -> ScrapeFigures:
        return Tally().figures(targets=len(self.targets), active=0, waiting=0, backing_off=0)

    def update(self, targets: Mapping[TargetId, ControlPlaneTarget]) -> None:
        self.targets = dict(targets)

    def focus(self, ids: Collection[TargetId]) -> None:
        self.focused = ids

    async def run(self) -> None:
        self.running = True
        try:
            await asyncio.Future()
        finally:
            self.running = False

    async def scrape(self, target: ControlPlaneTarget) -> Scraped:
        return scraped(target.id, window=1.0)

    @asynccontextmanager
    async def fetch_page(self, target: ControlPlaneTarget, server: ServerTarget) -> AsyncIterator[RawPage]:
        async def chunks() -> AsyncIterator[bytes]:
            yield f"# page of {target.id} {server.server}\n".encode()

        yield RawPage(gzip=False, content_type="text/plain", chunks=chunks())

    def give(self, result: Scraped) -> None:
        """Publish what a round gave."""
        self._publish(result)


def scraped(
    key: TargetId, *, at: float = 1000.0, window: float = 15.0, order: float = 0.0, **health: Any
) -> Scraped:
    """What a round over one server gave.

    Args:
        key: which control plane.
        at: when.
        window: since the page before.
        order: larger for a later round.
        health: of the server, when it did not answer that it is ready.
    """
    ready: dict[str, Any] = {"ready": True, "round_trip": 0.01}
    server = ServerHealth("ci-k3k-server-0", **(ready if not health else {"ready": False, **health}))
    signals = Signals(at=at, window=window, servers=(server,))
    return Scraped(key, signals, duration=0.1, lag=0.0, bytes_received=1000, order=order)
