"""The scraper of a fleet, and the attempts to find a way to each control plane."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from k3k_core.errors import NotFoundError, UnreachableError
from k3k_core.fleet.member import Member
from k3k_core.fleet.options import FleetOptions
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, Scraped, ServerTarget, TargetId

if TYPE_CHECKING:
    from k3k_core.telemetry.scraper import RawPage, ScrapeFigures

logger = logging.getLogger(__name__)

# Control planes to which ways are looked for at once.
_ATTEMPTS = 32


class AnyScraper(Protocol):
    """What a fleet needs of `Scraper` and of `ScraperPool`."""

    @property
    def figures(self) -> ScrapeFigures: ...

    def update(self, targets: Mapping[TargetId, ControlPlaneTarget]) -> None: ...

    def focus(self, ids: Collection[TargetId]) -> None: ...

    async def run(self) -> None: ...

    async def scrape(self, target: ControlPlaneTarget) -> Scraped: ...

    def fetch_page(
        self, target: ControlPlaneTarget, server: ServerTarget
    ) -> AbstractAsyncContextManager[RawPage]: ...


class Scraping:
    """Keeps the scraper's targets in line with the members.

    Args:
        options: of the fleet.
        publish: takes what a round gave.
        approached: called when an attempt to reach a member has ended.
        make: makes the scraper.
    """

    def __init__(
        self,
        options: FleetOptions,
        *,
        publish: Callable[[Scraped], None],
        approached: Callable[[Member], None],
        make: Callable[[FleetOptions, Callable[[Scraped], None]], AnyScraper] | None = None,
    ) -> None:
        self.scraper = (make or make_scraper)(options, publish)
        self._approached = approached
        self._slots = asyncio.Semaphore(_ATTEMPTS)
        self._group = asyncio.TaskGroup()
        self._running = False

    async def run(self) -> None:
        """Scrape until cancelled."""
        async with self._group:
            self._running = True
            try:
                await self.scraper.run()
            finally:
                self._running = False

    def consider(self, member: Member) -> None:
        """Look for a way to a member if it is time to.

        Args:
            member: a control plane.
        """
        approach = member.approach
        if not self._running or approach is None or member.attempt is not None:
            return
        now = asyncio.get_running_loop().time()
        if approach.wants_attempt(member.subject, failing=member.failing, at=now):
            member.attempt = self._group.create_task(self._attempt(member))

    def drop(self, member: Member) -> None:
        """Let go of a member that has left the fleet.

        Args:
            member: a control plane.
        """
        if member.attempt is not None:
            member.attempt.cancel()
        if self._running and member.approach is not None:
            self._group.create_task(member.approach.close())

    def aim(self, members: Iterable[Member]) -> None:
        """Tell the scraper what to scrape.

        Args:
            members: all of the fleet.
        """
        self.scraper.update({member.key: member.target for member in members if member.target is not None})

    @asynccontextmanager
    async def fetch_page(self, member: Member, server: str | None) -> AsyncIterator[RawPage]:
        """Offer the page of one of a member's servers as it comes.

        Args:
            member: a control plane.
            server: name of the server; None for any.

        Raises:
            NotFoundError: it has no such server.
            UnreachableError: it cannot be had.
        """
        target = member.target
        if target is None or not target.servers:
            reach = member.row.reach
            raise UnreachableError(
                f"Control plane {member.key}: {reach.reason or 'it is not reached yet.'}", hint=reach.hint
            )
        chosen = next((item for item in target.servers if server in {None, item.server}), None)
        if chosen is None:
            known = ", ".join(item.server for item in target.servers)
            raise NotFoundError(
                f"Control plane {member.key}: there is no server {server}.", hint=f"Known servers: {known}."
            )
        async with self.scraper.fetch_page(target, chosen) as page:
            yield page

    async def _attempt(self, member: Member) -> None:
        approach = member.approach
        if approach is None:
            return
        try:
            async with self._slots:
                now = asyncio.get_running_loop().time()
                await approach.attempt(member.subject, failing=member.failing, at=now)
        except Exception:
            # One control plane's oddity must not cost the others their signals; the next attempt may go better.
            logger.debug("no way to %s was found", member.key, exc_info=True)
            approach.give_up(asyncio.get_running_loop().time())
        finally:
            member.attempt = None
        self._approached(member)


def make_scraper(options: FleetOptions, publish: Callable[[Scraped], None]) -> AnyScraper:
    """Return a scraper in this process, or one with processes of its own.

    Args:
        options: of the fleet.
        publish: takes what a round gave.
    """
    from k3k_core.telemetry import scraper

    if options.scrape is None:
        raise ValueError("this fleet is not to be scraped")
    if options.workers:
        return scraper.ScraperPool(options.scrape, publish, workers=options.workers)
    return scraper.Scraper(options.scrape, publish)
