"""Scraping in several processes: more than one core's worth of pages."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from k3k_core.telemetry.scraper.child import Child
from k3k_core.telemetry.scraper.figures import ScrapeFigures, summed
from k3k_core.telemetry.scraper.messages import Change, Focus
from k3k_core.telemetry.scraper.options import ScrapeOptions
from k3k_core.telemetry.scraper.raw import RawPage, fetch_page
from k3k_core.telemetry.scraper.schedule import hash_of
from k3k_core.telemetry.scraper.scraper import Publish
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, Scraped, ServerTarget, TargetId


class ScraperPool:
    """Scrapes control planes in worker processes; otherwise as `Scraper` does.

    Each control plane belongs to one worker, always the same one. A worker that dies is replaced, and its control
    planes are scraped on, their signals beginning anew. Credentials go to workers over a socket pair, never on a
    command line or in an environment.

    Args:
        options: pace and limits; the concurrency is shared among the workers.
        publish: takes the result of each round, in batches shortly after they end.
        workers: how many processes.
    """

    def __init__(self, options: ScrapeOptions, publish: Publish, *, workers: int) -> None:
        share = max(2, -(-options.concurrency // workers))
        self._options = options
        self._targets: dict[TargetId, ControlPlaneTarget] = {}
        self._numbers = itertools.count()
        self._children = [
            Child(index, replace(options, concurrency=share), publish) for index in range(workers)
        ]

    @property
    def figures(self) -> ScrapeFigures:
        """What all workers have done so far, those that died included, and what is going on."""
        return replace(summed(child.figures for child in self._children), targets=len(self._targets))

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The worker processes that run now."""
        return tuple(child.process_id for child in self._children if child.process_id is not None)

    def update(self, targets: Mapping[TargetId, ControlPlaneTarget]) -> None:
        """Scrape these control planes from now on, and no others; see `Scraper.update`."""
        changed = {known: target for known, target in targets.items() if self._targets.get(known) != target}
        gone = self._targets.keys() - targets.keys()
        self._targets = dict(targets)
        for child in self._children:
            child.change(
                Change(
                    {known: target for known, target in changed.items() if self._owner(known) is child},
                    frozenset(known for known in gone if self._owner(known) is child),
                )
            )

    def focus(self, ids: Collection[TargetId]) -> None:
        """Let these control planes go first; see `Scraper.focus`."""
        for child in self._children:
            child.focus(Focus(frozenset(known for known in ids if self._owner(known) is child)))

    async def run(self) -> None:
        """Scrape until cancelled; no worker is left then."""
        async with asyncio.TaskGroup() as group:
            for child in self._children:
                group.create_task(child.run())

    async def scrape(self, target: ControlPlaneTarget) -> Scraped:
        """Make one round now, out of turn; see `Scraper.scrape`. The pool must be running.

        Raises:
            UnreachableError: the worker process died over it.
        """
        return await self._owner(target.id).scrape(next(self._numbers), target)

    def fetch_page(
        self, target: ControlPlaneTarget, server: ServerTarget
    ) -> AbstractAsyncContextManager[RawPage]:
        """Offer a server's page as it comes, read by this process; see `raw.fetch_page`."""
        return fetch_page(target, server, self._options)

    def _owner(self, id: TargetId) -> Child:  # noqa: A002
        # The schedule spreads by the upper bits of this number, so each worker's control planes are spread too.
        return self._children[hash_of(id) % len(self._children)]
