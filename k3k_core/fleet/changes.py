"""Telling subscribers what changed: gathered while they work, and not more often than they like."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field

from k3k_core.fleet.rows import ChangeSet, FleetKey


@dataclass(eq=False, slots=True)
class _Subscriber:
    changed: set[FleetKey] = field(default_factory=set)
    removed: set[FleetKey] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class ChangeFeed:
    """Passes on which rows and hosts changed; what they are is looked up when it is told.

    Args:
        resolve: makes a set of names what the subscriber gets.
        interval: shortest time between two sets for one subscriber, seconds.
    """

    def __init__(
        self,
        resolve: Callable[[Iterable[FleetKey], Iterable[FleetKey], Iterable[str]], ChangeSet],
        interval: float,
    ) -> None:
        self._resolve = resolve
        self._interval = interval
        self._subscribers: set[_Subscriber] = set()

    def put(
        self, *, changed: Iterable[FleetKey] = (), removed: Iterable[FleetKey] = (), hosts: Iterable[str] = ()
    ) -> None:
        """Note a change.

        Args:
            changed: rows that came or changed.
            removed: rows that went.
            hosts: hosts whose state changed.
        """
        changed, removed, hosts = set(changed), set(removed), set(hosts)
        if not (changed or removed or hosts):
            return
        for subscriber in self._subscribers:
            subscriber.changed = (subscriber.changed | changed) - removed
            subscriber.removed = (subscriber.removed - changed) | removed
            subscriber.hosts |= hosts
            subscriber.wake.set()

    async def subscribe(
        self, rows: Iterable[FleetKey], hosts: Iterable[str]
    ) -> AsyncGenerator[ChangeSet, None]:
        """Yield what there is as changes, then what happens, for ever.

        Args:
            rows: rows there are.
            hosts: hosts there are.
        """
        subscriber = _Subscriber(changed=set(rows), hosts=set(hosts))
        subscriber.wake.set()
        self._subscribers.add(subscriber)
        try:
            while True:
                await subscriber.wake.wait()
                subscriber.wake.clear()
                told = self._resolve(subscriber.changed, subscriber.removed, subscriber.hosts)
                subscriber.changed, subscriber.removed, subscriber.hosts = set(), set(), set()
                yield told
                await asyncio.sleep(self._interval)
        finally:
            self._subscribers.discard(subscriber)
