"""Reading the pages of many control planes at a fixed rate, in this process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial

from k3k_core.telemetry.scanner import LayoutTable
from k3k_core.telemetry.scraper.entry import Entry
from k3k_core.telemetry.scraper.figures import ScrapeFigures, Tally
from k3k_core.telemetry.scraper.lanes import Lanes
from k3k_core.telemetry.scraper.options import ScrapeOptions
from k3k_core.telemetry.scraper.raw import RawPage, fetch_page
from k3k_core.telemetry.scraper.schedule import Due, Schedule
from k3k_core.telemetry.scraper.standing import Backoff
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, Scraped, ServerTarget, TargetId
from k3k_core.telemetry.scraper.turn import Turn
from k3k_core.telemetry.scraper.visit import HttpVisitor, Visitor
from k3k_core.telemetry.signals.model import Signals

_log = logging.getLogger(__name__)

Publish = Callable[[Scraped], None]
"""Takes what a round gave; called from the event loop."""

OpenVisitor = Callable[[ControlPlaneTarget], Visitor]


class Scraper:
    """Scrapes control planes, each at a fixed rate.

    A round that cannot begin before the next one is due is left out. A server that gives nothing is asked less and
    less often. Control planes whose last round failed share few slots of their own, so that others do not wait for
    them.

    Args:
        options: pace and limits.
        publish: takes the result of each round.
        open_visitor: makes the rounds over one control plane; by HTTP by default.

    Attributes:
        turn: held by the round whose page is scanned.
    """

    def __init__(
        self,
        options: ScrapeOptions,
        publish: Publish,
        *,
        open_visitor: OpenVisitor | None = None,
    ) -> None:
        self._options = options
        self._publish = publish
        self.turn = Turn(self._admit)
        self._open = open_visitor or partial(
            HttpVisitor, options=options, layouts=LayoutTable(), turn=self.turn
        )
        self._backoff = Backoff(options.interval, options.backoff_limit)
        self._entries: dict[TargetId, Entry] = {}
        self._schedule = Schedule(options.interval)
        self._lanes = Lanes(
            {
                "steady": options.concurrency,
                "new": options.newcomers,
                "suspect": options.suspects,
                "overdue": options.concurrency,
            }
        )
        self._tally = Tally()
        self._focus: frozenset[TargetId] = frozenset()
        self._arrived: list[TargetId] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._running = False

    @property
    def figures(self) -> ScrapeFigures:
        """What has been done so far, and what is going on."""
        return self._tally.figures(
            targets=len(self._entries),
            active=self._lanes.active,
            waiting=self._lanes.waiting,
            backing_off=sum(entry.backing_off for entry in self._entries.values()),
        )

    def update(self, targets: Mapping[TargetId, ControlPlaneTarget]) -> None:
        """Scrape these control planes from now on, and no others.

        Those that stay are not disturbed. One whose addresses or credentials changed begins anew at its next
        round, which comes at once, and keeps what its signals are computed from.

        Args:
            targets: all control planes, by identity.
        """
        for gone in self._entries.keys() - targets.keys():
            self._drop(gone)
        for known, target in targets.items():
            entry = self._entries.get(known)
            if entry is None:
                self._entries[known] = Entry(target, self._backoff)
                self._arrived.append(known)
            elif entry.target != target and entry.change(target):
                self._part(entry)
                self._arrived.append(known)
        self._wake.set()

    def focus(self, ids: Collection[TargetId]) -> None:
        """Let these control planes go first when slots are short, and do not back off from them."""
        wanted = frozenset(ids)
        for id_ in wanted - self._focus:
            entry = self._entries.get(id_)
            if entry is not None and entry.failing:
                self._schedule.hasten(id_, self._now())
        self._focus = wanted
        self._lanes.focus(wanted)
        self._wake.set()

    async def run(self) -> None:
        """Scrape until cancelled; all connections are closed then."""
        self._running = True
        try:
            while True:
                self._wake.clear()
                self._begin_what_is_due()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(self._schedule.next_at()):
                        await self._wake.wait()
        finally:
            self._running = False
            for entry in self._entries.values():
                self._part(entry)
            while self._closing:
                await asyncio.wait(self._closing)

    async def scrape(self, target: ControlPlaneTarget) -> Scraped:
        """Make one round now, out of turn; its result is returned and not published.

        Args:
            target: any control plane; one that is being scraped goes on from what is known of it.
        """
        entry = self._entries.get(target.id)
        if entry is not None and entry.target == target:
            return await self._round(entry, self._now(), forced=True)
        entry = Entry(target, self._backoff)
        try:
            return await self._round(entry, self._now(), forced=True)
        finally:
            self._part(entry)
            while self._closing:
                await asyncio.wait(self._closing)

    def fetch_page(
        self, target: ControlPlaneTarget, server: ServerTarget
    ) -> AbstractAsyncContextManager[RawPage]:
        """Offer a server's page as it comes; see `raw.fetch_page`."""
        return fetch_page(target, server, self._options)

    def _begin_what_is_due(self) -> None:
        now = self._now()
        arrived = [new for new in dict.fromkeys(self._arrived) if new in self._entries]
        self._arrived.clear()
        self._schedule.add(arrived, now)
        for due in self._schedule.due(now):
            self._enqueue(due)
        self._admit()

    def _enqueue(self, due: Due) -> None:
        entry = self._entries[due.id]
        self._tally.missed += due.missed
        if not entry.wants_round(due.at, focused=due.id in self._focus):
            return
        if self._lanes.holds(due.id) or self._lanes.wait(due.id, entry.lane, due.at):
            self._tally.missed += 1

    def _admit(self) -> None:
        if not self._running:
            return
        loop = asyncio.get_running_loop()
        # More pages than this process can scan in time: rounds are left out rather than begun and not finished.
        waiting = () if self.turn.crowded else self._lanes.admit()
        for ready, at in waiting:
            entry = self._entries[ready]
            if entry.lane != "suspect":
                entry.patience = loop.call_later(self._options.patience, self._outstayed, ready)
            entry.task = loop.create_task(
                self._round(entry, at, forced=ready in self._focus), name=f"scrape {ready}"
            )
            entry.task.add_done_callback(partial(self._ended, entry))

    def _outstayed(self, id: TargetId) -> None:  # noqa: A002
        if self._lanes.outstay(id):
            self._admit()

    def _ended(self, entry: Entry, task: asyncio.Task[Scraped]) -> None:
        if entry.task is not task:
            return
        entry.task = None
        self._free(entry)
        if not task.cancelled():
            error = task.exception()
            if error is None:
                self._publish(task.result())
            else:
                _log.error("the round over %s failed", entry.target.id, exc_info=error)
                self._tally.count(["internal"], duration=0.0, lag=0.0, received=0)
                self._publish(
                    Scraped(
                        entry.target.id,
                        Signals(at=time.time(), window=0.0),
                        duration=0.0,
                        lag=0.0,
                        bytes_received=0,
                        errors=("an internal error; the log has it",),
                        order=self._now(),
                    )
                )
        self._admit()

    async def _round(self, entry: Entry, at: float, *, forced: bool) -> Scraped:
        async with entry.lock:
            began = self._now()
            if entry.visitor is None:
                entry.visitor = self._open(entry.target)
            made = await entry.visitor.visit(entry.target, entry.asks(began, forced=forced))
            ended = self._now()
            failures = entry.record(made, ended)
            self._tally.count(
                [failure.kind for failure in failures],
                duration=ended - began,
                lag=began - at,
                received=made.received,
            )
            return Scraped(
                id=entry.target.id,
                signals=entry.tracker.observe(made.observation),
                duration=self._now() - began,
                lag=began - at,
                bytes_received=made.received,
                errors=entry.errors(made),
                order=ended,
            )

    def _drop(self, id: TargetId) -> None:  # noqa: A002
        self._schedule.remove(id)
        self._part(self._entries.pop(id))

    def _part(self, entry: Entry) -> None:
        """Stop a control plane's round and close its connections."""
        self._free(entry)
        task, entry.task = entry.task, None
        visitor, entry.visitor = entry.visitor, None
        if task is None and visitor is None:
            return
        closing = asyncio.get_running_loop().create_task(_close(task, visitor))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _free(self, entry: Entry) -> None:
        self._lanes.leave(entry.target.id)
        if entry.patience is not None:
            entry.patience.cancel()
            entry.patience = None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


async def _close(task: asyncio.Task[Scraped] | None, visitor: Visitor | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
    if visitor is not None:
        await visitor.aclose()
