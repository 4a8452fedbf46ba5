"""The live state of every control plane on every configured host: what the TUI, the CLI and the exporter read."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

from k3k_core.errors import NotFoundError, UnreachableError
from k3k_core.fleet.changes import ChangeFeed
from k3k_core.fleet.experience import Experience
from k3k_core.fleet.hosts import HostFollower, Open
from k3k_core.fleet.member import Member
from k3k_core.fleet.options import FleetOptions
from k3k_core.fleet.reach import Approach
from k3k_core.fleet.rows import ChangeSet, FleetKey, FleetRow, HostState
from k3k_core.fleet.scraping import AnyScraper, Scraping
from k3k_core.fleet.subject import Subject
from k3k_core.host import open_host
from k3k_core.telemetry.history import History
from k3k_core.telemetry.judge import Judge
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, Scraped

if TYPE_CHECKING:
    from k3k_core.telemetry.scraper import RawPage, ScrapeFigures

Publish: TypeAlias = Callable[[Scraped], None]

logger = logging.getLogger(__name__)

# Seconds in which changes of a host's objects are gathered before its rows are made anew.
_GATHER = 0.1
# The same for each control plane there is: a large fleet is not looked at all the time.
_GATHER_EACH = 0.001
# Control planes that are looked at before others have their turn.
_STEP = 25
# Seconds between two looks at what only time changes: grace periods, times to live, hold times of rules.
_TICK = 5.0


class Fleet:
    """Watches a fleet as long as the context lasts; failures of hosts and control planes are told as state.

    Args:
        options: what belongs to it.
        opened: opens a host.
        scraper: makes the scraper.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        options: FleetOptions,
        *,
        opened: Open = open_host,
        scraper: Callable[[FleetOptions, Publish], AnyScraper] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._options = options
        self._clock = clock
        self._members: dict[FleetKey, Member] = {}
        self._rows: Mapping[FleetKey, FleetRow] | None = None
        self._feed = ChangeFeed(self._change_set, options.pace)
        self._dirty: dict[HostFollower, None] = {}
        self._listeners: list[Callable[[Scraped], None]] = []
        self._refreshing = False
        self._aim_anew = False
        self._wake = asyncio.Event()
        self._moved = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []
        self._followers = tuple(
            HostFollower(
                host, namespace=options.namespace, changed=self._host_changed, opened=opened, clock=clock
            )
            for host in options.hosts
        )
        self._experience = {follower: Experience() for follower in self._followers}
        self._told = {follower: follower.state for follower in self._followers}
        self._scraping = (
            Scraping(options, publish=self._publish, approached=self._approached, make=scraper)
            if options.scrape is not None
            else None
        )

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        work = [follower.run() for follower in self._followers]
        work += [self._refresh_for_ever()]
        work += [self._scraping.run()] if self._scraping is not None else []
        self._tasks += [self._group.create_task(each) for each in work]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        if error is None or isinstance(error, asyncio.CancelledError):
            await self._group.__aexit__(kind, error, traceback)
        else:
            # What was raised within the context is raised as itself, not in a group.
            await self._group.__aexit__(None, None, None)
        approaches = [member.approach for member in self._members.values() if member.approach is not None]
        await asyncio.gather(*(approach.close() for approach in approaches))

    @property
    def rows(self) -> Mapping[FleetKey, FleetRow]:
        """Every row as it is now, sorted by host, namespace and name; it never changes, ask again instead."""
        if self._rows is None:
            self._rows = MappingProxyType({key: self._members[key].row for key in sorted(self._members)})
        return self._rows

    @property
    def hosts(self) -> Mapping[str, HostState]:
        """The state of every host, in the order given; it never changes, ask again instead."""
        return MappingProxyType({state.name: state for state in self._told.values()})

    @property
    def figures(self) -> ScrapeFigures | None:
        """What the scraper has done; None without one."""
        return self._scraping.scraper.figures if self._scraping is not None else None

    async def changes(self) -> AsyncGenerator[ChangeSet, None]:
        """Yield what there is as changes, then what happens, gathered, until the consumer stops."""
        async for told in self._feed.subscribe(self._members, self.hosts):
            yield told

    async def settled(self, timeout: float, *, window: float = 0.0) -> bool:
        """Wait until all that can be known at first is known.

        That is: every host has been listed or has failed, and of every control plane there are signals of two
        scrapes, or it is known why there are none.

        Args:
            timeout: the longest wait, seconds.
            window: shortest time between the two scrapes, seconds.

        Returns:
            Whether it came to that in time.
        """
        try:
            async with asyncio.timeout(timeout):
                while not self._is_settled(window):
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    def listen(self, hear: Callable[[Scraped], None]) -> None:
        """Hand on every round as it comes: change sets leave out what another round has overtaken.

        Args:
            hear: takes each round over a control plane of the fleet, also those out of turn, in their order.
        """
        self._listeners.append(hear)

    def focus(self, keys: Collection[FleetKey]) -> None:
        """Let these control planes go first, because somebody looks at them.

        Args:
            keys: which ones.
        """
        if self._scraping is not None:
            self._scraping.scraper.focus(keys)

    def history(self, key: FleetKey) -> History:
        """Return the course of a control plane's signals; empty when it is not kept.

        Args:
            key: which one.

        Raises:
            NotFoundError: it is not in the fleet.
        """
        return self._member(key).history or History()

    def target(self, key: FleetKey) -> ControlPlaneTarget | None:
        """Return how a control plane is scraped at the moment; None while it is not.

        Args:
            key: which one.

        Raises:
            NotFoundError: it is not in the fleet.
        """
        return self._member(key).target

    async def scrape(self, key: FleetKey) -> FleetRow:
        """Make one round over a control plane now, out of turn.

        Args:
            key: which one.

        Returns:
            Its row afterwards; as it was when it is not reached.

        Raises:
            NotFoundError: it is not in the fleet.
        """
        member = self._member(key)
        if self._scraping is not None and member.target is not None:
            self._publish(await self._scraping.scraper.scrape(member.target))
        return member.row

    @asynccontextmanager
    async def fetch_page(self, key: FleetKey, server: str | None = None) -> AsyncIterator[RawPage]:
        """Offer the page of one of a control plane's servers as it comes.

        Args:
            key: which control plane.
            server: name of the server; None for any.

        Raises:
            NotFoundError: it is not in the fleet, or has no such server.
            UnreachableError: its page cannot be had.
        """
        member = self._member(key)
        if self._scraping is None:
            raise UnreachableError(f"Control plane {key}: this fleet is not scraped.")
        async with self._scraping.fetch_page(member, server) as page:
            yield page

    def _member(self, key: FleetKey) -> Member:
        member = self._members.get(key)
        if member is None:
            raise NotFoundError(
                f"control plane {key} does not exist on host {key.host}",
                hint="`k3k list` shows what there is.",
            )
        return member

    def _is_settled(self, window: float) -> bool:
        if (
            self._dirty
            or self._refreshing
            or self._aim_anew
            or not all(state.settled for state in self._told.values())
        ):
            return False
        return all(member.settled(window) for member in self._members.values())

    def _host_changed(self, follower: HostFollower) -> None:
        self._dirty[follower] = None
        self._wake.set()

    def _publish(self, scraped: Scraped) -> None:
        member = self._members.get(scraped.id)
        if member is not None:
            with _kept_apart(member):
                for hear in self._listeners:
                    hear(scraped)
                self._note(member, member.take(scraped, self._clock()))
                self._consider(member)

    def _approached(self, member: Member) -> None:
        if self._members.get(member.key) is member:
            with _kept_apart(member):
                self._aim(member)
                self._note(member, member.update(self._clock()))

    def _note(self, member: Member, changed: bool) -> None:
        if changed:
            self._rows = None
            self._feed.put(changed=[member.key])
        self._moved.set()

    def _aim(self, member: Member) -> None:
        if member.aim():
            self._aim_anew = True
            self._wake.set()

    def _consider(self, member: Member) -> None:
        if self._scraping is not None:
            self._scraping.consider(member)

    async def _refresh_for_ever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_TICK):
                    await self._wake.wait()
            except TimeoutError:
                self._dirty.update(dict.fromkeys(self._followers))
            await asyncio.sleep(_GATHER + _GATHER_EACH * len(self._members))
            self._wake.clear()
            self._refreshing = True
            for follower in tuple(self._dirty):
                self._dirty.pop(follower, None)
                try:
                    await self._refresh(follower)
                except Exception as error:
                    # A host may hold anything; whatever it is must not end the fleet.
                    logger.debug("rows of host %s", follower.name, exc_info=True)
                    follower.doubt(error)
                    self._tell_host(follower, self._told[follower].control_planes)
            self._refreshing = False
            if self._aim_anew and self._scraping is not None:
                self._scraping.aim(self._members.values())
            self._aim_anew = False
            self._moved.set()

    async def _refresh(self, follower: HostFollower) -> None:
        """Make the rows of one host anew, in small steps."""
        now = self._clock()
        here: set[FleetKey] = set()
        changed: list[FleetKey] = []
        for subject in self._subjects(follower):
            here.add(subject.key)
            if self._learn(follower, subject, now):
                changed.append(subject.key)
            if len(here) % _STEP == 0:
                await asyncio.sleep(0)
        gone = [key for key, member in self._members.items() if member.host is follower and key not in here]
        for key in gone:
            self._drop(self._members.pop(key))
        if changed or gone:
            self._rows = None
        self._feed.put(changed=changed, removed=gone)
        self._tell_host(follower, len(here))

    def _tell_host(self, follower: HostFollower, control_planes: int) -> None:
        state = replace(follower.state, control_planes=control_planes)
        if state != self._told[follower]:
            self._told[follower] = state
            self._feed.put(hosts=[state.name])

    def _subjects(self, follower: HostFollower) -> Iterator[Subject]:
        if not follower.state.listed:
            return
        pods, versions = follower.pods(), follower.credential_versions()
        for found in follower.found():
            subject = Subject.of(found, pods, versions)
            if self._options.holds(subject.key):
                yield subject

    def _learn(self, follower: HostFollower, subject: Subject, now: float) -> bool:
        """Take what the host's objects say of one control plane; return whether its row changed."""
        member = self._members.get(subject.key)
        if member is None:
            member = self._members[subject.key] = self._new_member(subject.key, follower, subject, now)
            changed = True
        else:
            changed = member.learn(subject, now)
        self._aim(member)
        self._consider(member)
        return changed

    def _new_member(self, key: FleetKey, follower: HostFollower, subject: Subject, now: float) -> Member:
        scraped = self._scraping is not None
        return Member(
            key,
            follower,
            subject,
            judge=Judge(self._options.rules),
            approach=Approach(key, follower, self._experience[follower]) if scraped else None,
            history=History() if scraped and self._options.history else None,
            at=now,
        )

    def _drop(self, member: Member) -> None:
        if self._scraping is not None:
            self._scraping.drop(member)
            self._aim_anew = True

    def _change_set(
        self, changed: Iterable[FleetKey], removed: Iterable[FleetKey], hosts: Iterable[str]
    ) -> ChangeSet:
        rows, states = self.rows, self.hosts
        return ChangeSet(
            tuple(rows[key] for key in sorted(changed) if key in rows),
            tuple(key for key in sorted(removed) if key not in rows),
            tuple(state for name, state in states.items() if name in set(hosts)),
        )


@contextmanager
def _kept_apart(member: Member) -> Iterator[None]:
    """Keep what goes wrong with one control plane from the others; its row stays as it was."""
    try:
        yield
    except Exception:
        logger.debug("row of %s", member.key, exc_info=True)
