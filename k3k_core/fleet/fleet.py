"""The live state of every control plane on every configured host: what the TUI, the CLI and the exporter read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import Self

from k3k_core.fleet.changes import ChangeFeed
from k3k_core.fleet.hosts import HostFollower, Open
from k3k_core.fleet.member import HostJudge, Member
from k3k_core.fleet.options import FleetOptions
from k3k_core.fleet.rows import ChangeSet, FleetKey, FleetRow, HostState
from k3k_core.host import open_host
from k3k_core.telemetry.scraper.target import TargetId

# Seconds in which changes of a host's objects are gathered before its rows are made anew.
_GATHER = 0.1
# Seconds between two looks at what only time changes: grace periods, times to live, hold times of rules.
_TICK = 5.0


class Fleet:
    """Watches a fleet as long as the context lasts; failures of hosts and control planes are told as state.

    Args:
        options: what belongs to it.
        opened: opens a host.
        clock: seconds since 1970.
    """

    def __init__(
        self, options: FleetOptions, *, opened: Open = open_host, clock: Callable[[], float] = time.time
    ) -> None:
        self._options = options
        self._clock = clock
        self._members: dict[FleetKey, Member] = {}
        self._rows: Mapping[FleetKey, FleetRow] | None = None
        self._feed = ChangeFeed(self._change_set, options.pace)
        self._dirty: dict[HostFollower, None] = {}
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
        self._told = {follower: follower.state for follower in self._followers}

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        for follower in self._followers:
            self._tasks.append(self._group.create_task(follower.run()))
        self._tasks.append(self._group.create_task(self._refresh_for_ever()))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(kind, error, traceback)

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

    async def changes(self) -> AsyncGenerator[ChangeSet, None]:
        """Yield what there is as changes, then what happens, gathered, until the consumer stops."""
        async for told in self._feed.subscribe(self._members, self.hosts):
            yield told

    async def settled(self, timeout: float) -> bool:
        """Wait until every host has been listed or has failed.

        Args:
            timeout: the longest wait, seconds.

        Returns:
            Whether it came to that in time.
        """
        try:
            async with asyncio.timeout(timeout):
                while not self._is_settled():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    def _is_settled(self) -> bool:
        return not self._dirty and all(state.settled for state in self._told.values())

    def _host_changed(self, follower: HostFollower) -> None:
        self._dirty[follower] = None
        self._wake.set()

    async def _refresh_for_ever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_TICK):
                    await self._wake.wait()
            except TimeoutError:
                self._dirty.update(dict.fromkeys(self._followers))
            await asyncio.sleep(_GATHER)
            self._wake.clear()
            dirty = tuple(self._dirty)
            self._dirty.clear()
            for follower in dirty:
                self._refresh(follower)
            self._moved.set()

    def _refresh(self, follower: HostFollower) -> None:
        """Make the rows of one host anew."""
        listed = follower.state.listed
        found = {
            key: item
            for item in (follower.found() if listed else ())
            if self._holds(
                key := TargetId(follower.name, item.control_plane.namespace, item.control_plane.name)
            )
        }
        now = self._clock()
        changed = []
        for key, item in found.items():
            member = self._members.get(key)
            if member is None:
                self._members[key] = Member(key, follower, item, HostJudge(), now)
                changed.append(key)
                continue
            member.found = item
            if member.update(now):
                changed.append(key)
        gone = [key for key, member in self._members.items() if member.host is follower and key not in found]
        for key in gone:
            del self._members[key]
        state = replace(follower.state, control_planes=len(found))
        different = state != self._told[follower]
        self._told[follower] = state
        if changed or gone:
            self._rows = None
        self._feed.put(changed=changed, removed=gone, hosts=[state.name] if different else [])

    def _holds(self, key: FleetKey) -> bool:
        shard = self._options.shard
        return shard is None or shard.holds(key)

    def _change_set(
        self, changed: Iterable[FleetKey], removed: Iterable[FleetKey], hosts: Iterable[str]
    ) -> ChangeSet:
        rows, states = self.rows, self.hosts
        return ChangeSet(
            tuple(rows[key] for key in sorted(changed) if key in rows),
            tuple(key for key in sorted(removed) if key not in rows),
            tuple(state for name, state in states.items() if name in set(hosts)),
        )
