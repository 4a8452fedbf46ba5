"""One round: what is asked of the servers of a control plane, and what they answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from k3k_core.concurrency import all_of
from k3k_core.errors import PageError
from k3k_core.telemetry.families import ETCD_WANTED, WANTED, wanted_for
from k3k_core.telemetry.observation import Observation, Probe, ServerObservation
from k3k_core.telemetry.page import Page
from k3k_core.telemetry.scanner import LayoutTable, Scanner
from k3k_core.telemetry.scraper.client import Answer, ControlPlaneClient
from k3k_core.telemetry.scraper.failure import Kind, TargetError
from k3k_core.telemetry.scraper.options import ScrapeOptions
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, ServerTarget
from k3k_core.telemetry.scraper.turn import Turn

_BATCH: Final = 512 * 1024
"""Bytes of a page that are collected before they are scanned."""

_PATIENCE: Final = 0.005
"""Seconds that a page may be scanned without letting others have the event loop."""

_NO_CONNECTION: Final[frozenset[Kind]] = frozenset({"connect", "tls"})


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of one server.

    Attributes:
        server: which one.
        etcd: whether it is a member of an etcd, which has a page only.
        probe: whether to ask if it is ready.
        page: whether to ask for its page.
        probe_error: what to say of the probe when it is not asked.
        page_error: what to say of the page when it is not asked.
    """

    server: ServerTarget
    etcd: bool = False
    probe: bool = True
    page: bool = True
    probe_error: str = ""
    page_error: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """How one server replied.

    Attributes:
        ask: what was asked.
        observation: what it answered.
        probe: what was wrong with its answer to the probe, None when nothing was or it was not asked.
        page: what was wrong with its page, None when nothing was or it was not asked.
    """

    ask: Ask
    observation: ServerObservation
    probe: TargetError | None = None
    page: TargetError | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """What one round brought home.

    Attributes:
        observation: for the tracker.
        replies: of the servers asked, in order.
        received: bytes that came over the network.
    """

    observation: Observation
    replies: tuple[Reply, ...]
    received: int


class Visitor(Protocol):
    """Makes the rounds over one control plane."""

    async def visit(self, target: ControlPlaneTarget, asks: Sequence[Ask]) -> Round:
        """Ask its servers."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...


class HttpVisitor:
    """Makes the rounds over one control plane by HTTP.

    Args:
        target: the control plane.
        options: time-out and limits.
        layouts: what pages share.
        turn: held while a page is scanned, never while its server is waited for.
        wall: seconds since 1970.
    """

    def __init__(
        self,
        target: ControlPlaneTarget,
        options: ScrapeOptions,
        layouts: LayoutTable,
        turn: Turn,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._options = options
        self._layouts = layouts
        self._turn = turn
        self._wall = wall
        self._client = ControlPlaneClient(target, keepalive=4 * options.interval)
        # Known after a server's first page: families that it has under a newer name are not scanned twice.
        self._wanted: dict[str, frozenset[str]] = {}
        # The tracker keeps each server's last page anyway; a page that resembles it is scanned faster.
        self._pages: dict[str, Page] = {}

    async def visit(self, target: ControlPlaneTarget, asks: Sequence[Ask]) -> Round:
        """Ask the servers, all at once.

        Args:
            target: the control plane, with the addresses and credentials that this visitor was made for.
            asks: what to ask of each; never empty.
        """
        began = self._wall()
        before = self._client.received
        until = asyncio.get_running_loop().time() + self._options.timeout
        replies = tuple(await all_of(self._reply(ask, until) for ask in asks))
        observation = Observation(
            at=began,
            servers=tuple(reply.observation for reply in replies if not reply.ask.etcd),
            etcd=tuple(reply.observation for reply in replies if reply.ask.etcd),
            datastore=target.datastore,
            authorities=target.authorities,
        )
        return Round(observation, replies, self._client.received - before)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _reply(self, ask: Ask, until: float) -> Reply:
        probe, probe_error = await self._probe(ask, until)
        page_at = self._wall()
        page, page_error = None, probe_error
        if probe_error is None or probe_error.kind not in _NO_CONNECTION:
            page, page_error, page_at = await self._page(ask, until)
        observation = ServerObservation(
            server=ask.server.server,
            probe=probe,
            probe_error=probe_error.sentence if probe_error else ask.probe_error,
            page=page,
            page_error=page_error.sentence if page_error else ask.page_error,
            page_at=page_at,
        )
        return Reply(ask, observation, probe_error, page_error if ask.page else None)

    async def _probe(self, ask: Ask, until: float) -> tuple[Probe | None, TargetError | None]:
        if not ask.probe:
            return None, None
        # A server whose checks hang may still have a page, so half of the time is left for that.
        deadline = until - self._options.timeout / 2
        try:
            return await self._client.probe(ask.server, deadline=deadline), None
        except TargetError as error:
            return None, error

    async def _page(self, ask: Ask, until: float) -> tuple[Page | None, TargetError | None, float]:
        page_at = self._wall()
        if not ask.page:
            return None, None, page_at
        try:
            async with self._client.get(ask.server, "/metrics", deadline=until) as answer:
                answer.check_page()
                page_at = self._wall()
                page = await self._scan(answer, ask)
        except TargetError as error:
            return None, error, page_at
        except PageError as error:
            return None, TargetError("page", error.message), page_at
        if not ask.etcd:
            page = self._without_superseded(ask, page)
        self._pages[ask.server.server] = page
        return page, None, page_at

    def _without_superseded(self, ask: Ask, page: Page) -> Page:
        """Leave out of a server's first page, too, what its next ones are not asked for: half of it."""
        wanted = self._wanted[ask.server.server] = wanted_for(page)
        superseded = page.families.keys() & (WANTED - wanted)
        if not superseded:
            return page
        return Page(
            {name: page.families[name] for name in page.families if name not in superseded}, page.size
        )

    def _wanted_of(self, ask: Ask) -> frozenset[str]:
        return ETCD_WANTED if ask.etcd else self._wanted.get(ask.server.server, WANTED)

    async def _scan(self, answer: Answer, ask: Ask) -> Page:
        limits = self._options.limits
        scanner = Scanner(
            self._wanted_of(ask),
            gzip=answer.gzipped,
            limits=limits,
            layouts=self._layouts,
            openmetrics=answer.openmetrics,
            previous=self._pages.get(ask.server.server),
        )
        async for parts in _batches(answer.body(limits.page_bytes)):
            async with answer.untimed():
                await self._turn.wait()
            try:
                rested = time.perf_counter()
                for part in parts:
                    for _ in scanner.steps(part):
                        if time.perf_counter() - rested > _PATIENCE:
                            await asyncio.sleep(0)
                            rested = time.perf_counter()
            finally:
                self._turn.end()
        return scanner.close()


async def _batches(body: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """Yield a body in batches; nearly every gzipped page is a single one."""
    batch: list[bytes] = []
    size = 0
    async for part in body:
        batch.append(part)
        size += len(part)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    yield batch
