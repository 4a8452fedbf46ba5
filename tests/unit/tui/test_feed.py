"""The fleet as the screens see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from k3k_core.errors import UsageError
from k3k_core.fleet import ChangeSet, FleetKey
from k3k_tui.feed import FleetFeed
from k3k_tui.source import FleetSource
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import fleet_row

pytestmark = pytest.mark.looptime


class Openings:
    """Opens a fleet, after some failures."""

    def __init__(self, fleet: FakeFleet, *failures: Exception) -> None:
        self.fleet = fleet
        self.tried = 0
        self.closed = 0
        self._failures: Iterator[Exception] = iter(failures)

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[FleetSource]:
        self.tried += 1
        failure = next(self._failures, None)
        if failure is not None:
            raise failure
        try:
            yield cast("FleetSource", self.fleet)
        finally:
            self.closed += 1


def a_fleet(*names: str) -> FakeFleet:
    fleet = FakeFleet()
    fleet.rows = {row.id: row for row in map(fleet_row, names)}
    return fleet


async def test_before_it_is_open_there_is_nothing_and_no_error() -> None:
    feed = FleetFeed(Openings(a_fleet("shop")))
    assert (dict(feed.rows), dict(feed.hosts), feed.error) == ({}, {}, "")
    key = FleetKey("prod", "team-a", "shop")
    feed.focus((key,))
    assert await feed.scrape(key) is None
    assert feed.history(key).end is None


async def test_what_there_is_and_what_happens_is_handed_on() -> None:
    openings = Openings(a_fleet("shop"))
    feed = FleetFeed(openings)
    heard: list[ChangeSet] = []
    end = feed.listen(heard.append)
    feed.start()
    feed.start()
    await asyncio.sleep(1)
    openings.fleet.put(fleet_row("ci"))
    await asyncio.sleep(1)
    end()
    openings.fleet.put(fleet_row("later"))
    await asyncio.sleep(1)
    await feed.close()
    assert [[row.id.name for row in change.changed] for change in heard] == [["shop"], ["ci"]]
    assert {key.name for key in feed.rows} == {"shop", "ci", "later"}
    assert (openings.tried, openings.closed) == (1, 1)


async def test_a_fleet_that_cannot_be_opened_is_told_and_tried_again() -> None:
    openings = Openings(
        a_fleet("shop"), UsageError("No kubeconfig.", hint="Give one."), UsageError("Still none.")
    )
    feed = FleetFeed(openings)
    heard: list[tuple[str, str]] = []
    feed.listen(lambda _: heard.append((feed.error, feed.hint)))
    feed.start()
    await asyncio.sleep(120)
    await feed.close()
    assert heard == [("No kubeconfig.", "Give one."), ("Still none.", ""), ("", "")]
    assert len(feed.rows) == 1


async def test_pauses_between_two_tries_grow_up_to_a_minute() -> None:
    openings = Openings(a_fleet(), *[UsageError("None.")] * 100)
    feed = FleetFeed(openings)
    feed.start()
    await asyncio.sleep(600)
    await feed.close()
    assert 10 <= openings.tried <= 20


class Breaking(FakeFleet):
    """Tells what there is, then fails as nobody expected."""

    async def changes(self) -> AsyncIterator[ChangeSet]:
        """Yield one set and fail."""
        yield ChangeSet(changed=tuple(self.rows.values()))
        raise RuntimeError("token=abc")


async def test_something_unexpected_within_the_fleet_leaves_its_rows_and_tells_no_details() -> None:
    openings = Openings(Breaking(rows=a_fleet("shop").rows))
    feed = FleetFeed(openings)
    errors: list[str] = []
    feed.listen(lambda _: errors.append(feed.error))
    feed.start()
    await asyncio.sleep(1)
    assert errors == ["", "The fleet cannot be followed: something went wrong within k3k."]
    assert len(feed.rows) == 1
    await asyncio.sleep(60)
    await feed.close()
    assert openings.tried > 1


async def test_a_listener_that_fails_takes_the_fleet_from_nobody_else() -> None:
    feed = FleetFeed(Openings(a_fleet("shop")))
    heard: list[ChangeSet] = []

    def fail(_: ChangeSet) -> None:
        raise RuntimeError

    feed.listen(fail)
    feed.listen(heard.append)
    feed.start()
    await asyncio.sleep(1)
    await feed.close()
    assert len(heard) == 1
    assert feed.error == ""


async def test_a_control_plane_that_has_gone_has_no_past_and_is_not_read() -> None:
    feed = FleetFeed(Openings(a_fleet("shop")))
    feed.start()
    await asyncio.sleep(1)
    gone = FleetKey("prod", "team-a", "gone")
    assert await feed.scrape(gone) is None
    assert feed.history(gone).end is None
    await feed.close()
