"""The reflector: a projected copy that stays, says how old it is, and passes on differences."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from k3k_core.errors import ForbiddenError, HostError, UnreachableError
from k3k_core.host import Backoff, Batch, Key, Reflector, Selection, WatchEvent
from k3k_core.resources import CONFIG_MAP
from tests.support.fake_host import Pause, ScriptedHost, listing, thing

pytestmark = pytest.mark.looptime

START = datetime(2026, 1, 1, tzinfo=UTC)
GONE = HostError("too old", status=410)
DOWN = UnreachableError("Host scripted cannot be reached.")
A, B, C = Key("n", "a"), Key("n", "b"), Key("n", "c")


def _size(item: dict[str, Any]) -> int:
    return int(item.get("size", 0))


def _reflector(host: ScriptedHost) -> Reflector[int]:
    def now() -> datetime:
        return datetime.fromtimestamp(START.timestamp() + asyncio.get_running_loop().time(), UTC)

    return Reflector(
        host,
        Selection(CONFIG_MAP, "n"),
        _size,
        backoff=Backoff(first=1.0, limit=60.0, jitter=0),
        now=now,
    )


@asynccontextmanager
async def _running(reflector: Reflector[int]) -> AsyncIterator[AsyncIterator[Batch[int]]]:
    task = asyncio.create_task(reflector.run())
    batches = reflector.batches()
    try:
        yield batches
    finally:
        task.cancel()
        await asyncio.wait([task])


def _event(kind: Any, name: str, version: int, size: int = 0) -> WatchEvent:
    return WatchEvent(kind, thing(name, version, size=size))


def _changes(batch: Batch[int]) -> list[tuple[str, Key, int]]:
    return [(change.type, change.key, change.value) for change in batch.changes]


async def test_it_starts_empty_and_says_so() -> None:
    reflector = _reflector(ScriptedHost())

    assert (dict(reflector.objects), reflector.state.phase) == ({}, "starting")


async def test_listed_objects_are_projected() -> None:
    host = ScriptedHost(deque([listing(5, [thing("a", 1, size=7), thing("b", 2, size=8)])]))
    reflector = _reflector(host)

    async with _running(reflector):
        await asyncio.sleep(1)

    assert dict(reflector.objects) == {A: 7, B: 8}
    assert reflector.state.phase == "current"


async def test_events_change_the_copy() -> None:
    events = (
        _event("ADDED", "b", 6, 2),
        _event("MODIFIED", "a", 7, 9),
        _event("DELETED", "b", 8),
        Pause(1000),
    )
    host = ScriptedHost(deque([listing(5, [thing("a", 1)])]), deque([events]))
    reflector = _reflector(host)

    async with _running(reflector):
        await asyncio.sleep(1)

    assert dict(reflector.objects) == {A: 9}


async def test_a_late_subscriber_gets_everything_as_additions() -> None:
    reflector = _reflector(ScriptedHost(deque([listing(5, [thing("a", 1, size=7)])])))

    async with _running(reflector):
        await asyncio.sleep(1)
        batch = await anext(aiter(reflector.batches()))

    assert _changes(batch) == [("ADDED", A, 7)]
    assert batch.state.phase == "current"


async def test_changes_gather_into_one_batch_while_the_subscriber_is_busy() -> None:
    events = (
        Pause(2),
        _event("MODIFIED", "a", 6, 2),
        _event("MODIFIED", "a", 7, 3),
        _event("ADDED", "b", 8, 1),
        _event("DELETED", "b", 9),
        _event("ADDED", "c", 10, 4),
        _event("MODIFIED", "c", 11, 5),
        Pause(1000),
    )
    host = ScriptedHost(deque([listing(5, [thing("a", 1)])]), deque([events]))

    async with _running(_reflector(host)) as batches:
        await asyncio.sleep(1)
        await anext(batches)
        await asyncio.sleep(5)
        batch = await anext(batches)

    assert _changes(batch) == [("MODIFIED", A, 3), ("ADDED", C, 5)]


async def test_an_object_that_was_replaced_is_modified() -> None:
    events = (Pause(2), _event("DELETED", "a", 6), _event("ADDED", "a", 7, 5), Pause(1000))
    host = ScriptedHost(deque([listing(5, [thing("a", 1)])]), deque([events]))

    async with _running(_reflector(host)) as batches:
        await asyncio.sleep(1)
        await anext(batches)
        await asyncio.sleep(5)
        batch = await anext(batches)

    assert _changes(batch) == [("MODIFIED", A, 5)]


async def test_a_change_outside_the_projection_is_not_passed_on() -> None:
    events = (Pause(2), _event("MODIFIED", "a", 6, 7), _event("MODIFIED", "b", 7, 9), Pause(1000))
    host = ScriptedHost(deque([listing(5, [thing("a", 1, size=7), thing("b", 2)])]), deque([events]))

    async with _running(_reflector(host)) as batches:
        await asyncio.sleep(1)
        await anext(batches)
        await asyncio.sleep(5)
        batch = await anext(batches)

    assert _changes(batch) == [("MODIFIED", B, 9)]


async def test_after_lost_history_only_differences_are_passed_on() -> None:
    first = [thing("a", 1, size=1), thing("b", 2, size=2)]
    second = [thing("b", 8, size=3), thing("c", 9, size=4)]
    host = ScriptedHost(deque([listing(5, first), listing(50, second)]), deque([(Pause(2), GONE)]))
    reflector = _reflector(host)

    async with _running(reflector) as batches:
        await asyncio.sleep(1)
        await anext(batches)
        await asyncio.sleep(10)
        batch = await anext(batches)

    assert _changes(batch) == [("MODIFIED", B, 3), ("ADDED", C, 4), ("DELETED", A, 1)]
    assert reflector.state.phase == "current"


async def test_while_the_host_is_down_the_copy_stays_and_says_since_when() -> None:
    host = ScriptedHost(deque([listing(5, [thing("a", 1, size=7)])]), deque([(Pause(100), DOWN), (DOWN,)]))
    reflector = _reflector(host)

    async with _running(reflector):
        await asyncio.sleep(101.5)
        state = reflector.state

    assert dict(reflector.objects) == {A: 7}
    assert (state.phase, state.reason) == ("stale", "Host scripted cannot be reached.")
    assert (state.since - START).total_seconds() == 100


async def test_an_open_watch_makes_it_current_again_without_a_new_list() -> None:
    opened = WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": "5"}})
    host = ScriptedHost(deque([listing(5)]), deque([(Pause(10), DOWN), (DOWN,), (opened, Pause(1000))]))
    reflector = _reflector(host)

    async with _running(reflector):
        await asyncio.sleep(60)

    assert (reflector.state.phase, reflector.state.reason, host.listed) == ("current", "", 1)


async def test_a_subscriber_hears_of_trouble_without_changes() -> None:
    host = ScriptedHost(deque([listing(5)]), deque([(Pause(10), DOWN)]))

    async with _running(_reflector(host)) as batches:
        await asyncio.sleep(1)
        await anext(batches)
        batch = await anext(batches)

    assert (batch.changes, batch.state.phase) == ((), "stale")


async def test_a_refused_identity_is_a_state_and_is_tried_again_at_leisure() -> None:
    host = ScriptedHost(deque([ForbiddenError("You may not list configmaps.")] * 100))
    reflector = _reflector(host)

    async with _running(reflector):
        await asyncio.sleep(119)

    assert reflector.state.phase == "forbidden"
    assert reflector.state.reason == "You may not list configmaps."
    # At 0 and 60 seconds.
    assert host.listed == 2


async def test_attempts_at_a_dead_host_become_rarer() -> None:
    host = ScriptedHost(deque([DOWN] * 100))

    async with _running(_reflector(host)):
        await asyncio.sleep(62)

    # At 0, 1, 3, 7, 15 and 31 seconds.
    assert host.listed == 6


async def test_cancelling_it_closes_its_watch() -> None:
    host = ScriptedHost(deque([listing(5)]))

    async with _running(_reflector(host)):
        await asyncio.sleep(1)
        assert host.open_watches == 1

    assert host.open_watches == 0
