"""A live, projected copy of the objects of one type on one host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from k3k_core.errors import ForbiddenError, K3kError
from k3k_core.host.api import ListWatcher, WatchEvent
from k3k_core.host.backoff import Backoff
from k3k_core.host.following import Selection, Snapshot, Trouble, follow

T = TypeVar("T")

WATCH_TIMEOUT = 290.0
_BACKOFF = Backoff(first=0.5, limit=30.0)


class Key(NamedTuple):
    """What tells objects of one type apart; `namespace` is "" for cluster-scoped ones."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One object that came, changed or went.

    Attributes:
        type: what happened since the subscriber's last batch.
        key: which object.
        value: its projection; the last known one when it went.
    """

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    key: Key
    value: T


@dataclass(frozen=True, slots=True)
class ReflectorState:
    """How far the copy can be trusted.

    Attributes:
        phase: "starting" before the first list; "current"; "stale" when the host cannot be followed at the
            moment; "forbidden" when it refuses this identity.
        since: when this phase began.
        reason: why it is not current, one sentence.
        hint: what to do about it.
    """

    phase: Literal["starting", "current", "stale", "forbidden"]
    since: datetime
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """What happened since a subscriber's last batch, each object at most once, and the state now."""

    changes: tuple[Change[T], ...]
    state: ReflectorState


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    version: str
    value: T


class _Subscriber(Generic[T]):
    """Changes one subscriber has not seen yet."""

    def __init__(self) -> None:
        self.pending: dict[Key, Change[T]] = {}
        self.wake = asyncio.Event()

    def add(self, change: Change[T]) -> None:
        before = self.pending.pop(change.key, None)
        merged = _merged(before, change)
        if merged is not None:
            self.pending[change.key] = merged
        self.wake.set()

    def take(self) -> tuple[Change[T], ...]:
        taken = tuple(self.pending.values())
        self.pending.clear()
        self.wake.clear()
        return taken


class Reflector(Generic[T]):
    """Keeps a projection of each selected object current while `run` runs.

    What is known stays known: while the host cannot be reached the copy keeps its last content and `state`
    says since when and why it is stale; after a loss of history only differences are passed on.

    Args:
        host: the host.
        selection: which objects.
        project: makes a small value of an object; the object itself is not kept. Values are compared with ==.
        backoff: delays after trouble.
        now: the wall clock, for `state.since`.
    """

    def __init__(
        self,
        host: ListWatcher,
        selection: Selection,
        project: Callable[[dict[str, Any]], T],
        *,
        backoff: Backoff = _BACKOFF,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._host = host
        self._selection = selection
        self._project = project
        self._backoff = backoff
        self._now = now
        self._held: dict[Key, _Held[T]] = {}
        self._subscribers: set[_Subscriber[T]] = set()
        self.state = ReflectorState("starting", now())

    @property
    def objects(self) -> Mapping[Key, T]:
        """The projections as they are now; a copy."""
        return MappingProxyType({key: held.value for key, held in self._held.items()})

    async def run(self) -> None:
        """Follow the host until cancelled; host failures become `state`, they do not end it."""
        happenings = follow(self._host, self._selection, backoff=self._backoff, watch_timeout=WATCH_TIMEOUT)
        async with aclosing(happenings):
            async for happening in happenings:
                if isinstance(happening, Trouble):
                    self._troubled(happening.error)
                    continue
                if isinstance(happening, Snapshot):
                    self._replace(happening.items)
                else:
                    self._take(happening)
                self._enter("current")

    async def batches(self) -> AsyncGenerator[Batch[T], None]:
        """Yield what is known as additions, then what happens, gathered while the consumer works."""
        subscriber = _Subscriber[T]()
        for key, held in self._held.items():
            subscriber.add(Change("ADDED", key, held.value))
        subscriber.wake.set()
        self._subscribers.add(subscriber)
        try:
            while True:
                await subscriber.wake.wait()
                yield Batch(subscriber.take(), self.state)
        finally:
            self._subscribers.discard(subscriber)

    def _replace(self, items: list[dict[str, Any]]) -> None:
        gone = self._held.keys() - {_key(item) for item in items}
        for item in items:
            self._put(item)
        for key in gone:
            self._drop(key)

    def _take(self, event: WatchEvent) -> None:
        if event.type == "DELETED":
            self._drop(_key(event.object))
        elif event.type != "BOOKMARK":
            self._put(event.object)

    def _put(self, item: dict[str, Any]) -> None:
        key = _key(item)
        version = str((item.get("metadata") or {}).get("resourceVersion", ""))
        before = self._held.get(key)
        if before is not None and version and before.version == version:
            return
        value = self._project(item)
        self._held[key] = _Held(version, value)
        if before is None:
            self._publish(Change("ADDED", key, value))
        elif before.value != value:
            self._publish(Change("MODIFIED", key, value))

    def _drop(self, key: Key) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._publish(Change("DELETED", key, held.value))

    def _publish(self, change: Change[T]) -> None:
        for subscriber in self._subscribers:
            subscriber.add(change)

    def _troubled(self, error: K3kError) -> None:
        phase: Literal["stale", "forbidden"] = "forbidden" if isinstance(error, ForbiddenError) else "stale"
        self._enter(phase, error.message, error.hint)

    def _enter(
        self, phase: Literal["current", "stale", "forbidden"], reason: str = "", hint: str = ""
    ) -> None:
        if self.state.phase == phase:
            if self.state.reason == reason:
                return
            self.state = replace(self.state, reason=reason, hint=hint)
        else:
            self.state = ReflectorState(phase, self._now(), reason, hint)
        for subscriber in self._subscribers:
            subscriber.wake.set()


def _key(item: Mapping[str, Any]) -> Key:
    metadata = item.get("metadata") or {}
    return Key(metadata.get("namespace") or "", metadata.get("name") or "")


def _merged(before: Change[T] | None, change: Change[T]) -> Change[T] | None:
    """Return two changes to one object as one, None when they cancel out."""
    if before is None:
        return change
    if before.type == "ADDED":
        return None if change.type == "DELETED" else replace(change, type="ADDED")
    if before.type == "DELETED" and change.type == "ADDED":
        return replace(change, type="MODIFIED")
    return change
