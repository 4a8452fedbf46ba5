"""A fleet in memory for the exporter and the dashboard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from k3k_core.errors import NotFoundError
from k3k_core.fleet import ChangeSet, FleetRow, HostState
from k3k_core.telemetry.history import History
from k3k_core.telemetry.scraper.figures import ScrapeFigures
from k3k_core.telemetry.scraper.target import Scraped, TargetId
from tests.support.fleet_rows import round_of

Rows = dict[TargetId, FleetRow]


@dataclass(frozen=True)
class FakePage:
    """A page on its way through."""

    gzip: bool
    chunks: AsyncIterator[bytes]


@dataclass
class FakeFleet:
    """A fleet whose rows are put by a test.

    Attributes:
        rows: every row.
        hosts: every host; one that has been listed unless told.
        figures: what its scraper did.
        scraped: control planes asked out of turn, in order.
        on_scrape: makes the new row of a control plane that is asked; awaited when it is a coroutine function.
        page: chunks of every control plane's page; an exception among them is raised.
        page_gzip: whether the page is compressed.
        fetched: (control plane, server) of each page that was opened.
        round_done: whether the first round is done.
        focused: control planes that somebody looks at.
        histories: courses of signals; a control plane without one has an empty course.
    """

    rows: Rows = field(default_factory=dict)
    hosts: dict[str, HostState] = field(
        default_factory=lambda: {"prod": HostState("prod", True, 0.0, listed=True)}
    )
    figures: ScrapeFigures = field(default_factory=ScrapeFigures)
    scraped: list[TargetId] = field(default_factory=list)
    on_scrape: Callable[[FleetRow], Any] | None = None
    page: list[bytes | Exception | asyncio.Event] = field(default_factory=list)
    page_gzip: bool = False
    fetched: list[tuple[TargetId, str | None]] = field(default_factory=list)
    round_done: asyncio.Event = field(default_factory=asyncio.Event)
    focused: tuple[TargetId, ...] = ()
    histories: dict[TargetId, History] = field(default_factory=dict)
    _changes: asyncio.Queue[ChangeSet] = field(default_factory=asyncio.Queue)
    _listeners: list[Callable[[Scraped], None]] = field(default_factory=list)

    def put(self, *rows: FleetRow) -> None:
        """Let rows come or change, those with other signals than before after a round."""
        for row in rows:
            before = self.rows.get(row.id)
            if row.signals is not None and (before is None or before.signals != row.signals):
                self.tell(round_of(row))
        self.rows |= {row.id: row for row in rows}
        self._changes.put_nowait(ChangeSet(changed=rows))

    def tell(self, scraped: Scraped) -> None:
        """Let a round come of which no row tells: another has overtaken it."""
        for hear in self._listeners:
            hear(scraped)

    def listen(self, hear: Callable[[Scraped], None]) -> None:
        """Hand on every round."""
        self._listeners.append(hear)

    def tell_hosts(self) -> None:
        """Let the states of the hosts be known anew."""
        self._changes.put_nowait(ChangeSet(hosts=tuple(self.hosts.values())))

    def remove(self, *keys: TargetId) -> None:
        """Let control planes go."""
        for key in keys:
            del self.rows[key]
        self._changes.put_nowait(ChangeSet(removed=keys))

    def focus(self, keys: Collection[TargetId]) -> None:
        """Note what somebody looks at."""
        self.focused = tuple(keys)

    def history(self, key: TargetId) -> History:
        """Return the course of a control plane's signals."""
        if key not in self.rows:
            raise NotFoundError(f"There is no control plane {key}.")
        return self.histories.get(key) or History()

    async def changes(self) -> AsyncIterator[ChangeSet]:
        """Yield what there is, then what happens; for one subscriber."""
        yield ChangeSet(changed=tuple(self.rows.values()), hosts=tuple(self.hosts.values()))
        while True:
            yield await self._changes.get()

    async def settled(self, timeout: float) -> bool:
        """Wait for the first round."""
        try:
            async with asyncio.timeout(timeout):
                await self.round_done.wait()
        except TimeoutError:
            return False
        return True

    async def scrape(self, key: TargetId) -> FleetRow:
        """Ask a control plane."""
        if key not in self.rows:
            raise NotFoundError(f"There is no control plane {key}.")
        self.scraped.append(key)
        row = self.rows[key]
        if self.on_scrape is not None:
            made = self.on_scrape(row)
            row = await made if asyncio.iscoroutine(made) else made
        if key in self.rows:
            self.put(row)
        return row

    @asynccontextmanager
    async def fetch_page(self, key: TargetId, server: str | None) -> AsyncIterator[FakePage]:
        """Open a page."""
        self.fetched.append((key, server))
        yield FakePage(self.page_gzip, self._chunks())

    async def _chunks(self) -> AsyncIterator[bytes]:
        for chunk in self.page:
            if isinstance(chunk, Exception):
                raise chunk
            if isinstance(chunk, asyncio.Event):
                await chunk.wait()
            else:
                yield chunk


def lost(row: FleetRow, since: float) -> FleetRow:
    """The same row while its host cannot be followed."""
    return replace(row, stale_since=since)
