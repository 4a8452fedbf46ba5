"""Change sets: gathered, each thing once, as it is when it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing

import pytest

from k3k_core.fleet.changes import ChangeFeed
from k3k_core.fleet.rows import ChangeSet
from k3k_core.telemetry.scraper.target import TargetId

pytestmark = pytest.mark.looptime

A, B, C = (TargetId("h", "n", name) for name in "abc")


def names(changed: Iterable[TargetId], removed: Iterable[TargetId], _: Iterable[str]) -> ChangeSet:
    """Tell names, changed ones in the place of removed ones too, so that both can be looked at."""
    return ChangeSet((), (*sorted(changed), *(TargetId("gone", *_parts(key)) for key in sorted(removed))))


def _parts(key: TargetId) -> tuple[str, str]:
    return key.namespace, key.name


GONE_A, GONE_B = TargetId("gone", "n", "a"), TargetId("gone", "n", "b")


@pytest.fixture
async def feed() -> ChangeFeed:
    """A feed with a second between two sets."""
    return ChangeFeed(names, 1.0)


async def told(sets: AsyncIterator[ChangeSet]) -> tuple[TargetId, ...]:
    """The names of the next set."""
    return (await anext(sets)).removed


async def test_a_subscriber_first_gets_what_there_is(feed: ChangeFeed) -> None:
    async with aclosing(feed.subscribe([B, A], [])) as sets:
        assert await told(sets) == (A, B)


async def test_changes_are_gathered_while_the_subscriber_works(feed: ChangeFeed) -> None:
    async with aclosing(feed.subscribe([], [])) as sets:
        await anext(sets)
        feed.put(changed=[A])
        feed.put(changed=[A, B])
        feed.put(changed=[C], removed=[B])
        assert await told(sets) == (A, C, GONE_B)


async def test_what_went_and_came_back_has_changed(feed: ChangeFeed) -> None:
    async with aclosing(feed.subscribe([A], [])) as sets:
        await anext(sets)
        feed.put(removed=[A])
        feed.put(changed=[A])
        assert await told(sets) == (A,)


async def test_sets_do_not_come_more_often_than_wanted(feed: ChangeFeed) -> None:
    clock = asyncio.get_running_loop().time
    async with aclosing(feed.subscribe([], [])) as sets:
        await anext(sets)
        began = clock()
        feed.put(changed=[A])
        await anext(sets)
        assert clock() - began == pytest.approx(1.0)


async def test_a_set_waits_for_a_change(feed: ChangeFeed) -> None:
    async with aclosing(feed.subscribe([], [])) as sets:
        await anext(sets)
        asyncio.get_running_loop().call_later(50, lambda: feed.put(removed=[A]))
        assert await told(sets) == (GONE_A,)
        assert asyncio.get_running_loop().time() == pytest.approx(50, abs=0.1)


async def test_subscribers_do_not_take_from_each_other(feed: ChangeFeed) -> None:
    async with aclosing(feed.subscribe([], [])) as first, aclosing(feed.subscribe([], [])) as second:
        await anext(first)
        await anext(second)
        feed.put(changed=[A])
        assert (await told(first), await told(second)) == ((A,), (A,))
