"""Pages that wait for the processor."""

from __future__ import annotations

import asyncio

import pytest

from k3k_core.telemetry.scraper import ScrapeOptions, Scraper
from k3k_core.telemetry.scraper.turn import Turn
from tests.support.hostile_behaviours import good
from tests.support.hostile_stage import Manners, stage
from tests.support.scrape_targets import Network, control_plane
from tests.support.virtual_time import run_virtually


async def hold(turn: Turn, until: asyncio.Event) -> None:
    await turn.wait()
    try:
        await until.wait()
    finally:
        turn.end()


async def test_pages_have_their_turn_one_after_another() -> None:
    turn, first, second = Turn(), asyncio.Event(), asyncio.Event()
    tasks = [asyncio.create_task(hold(turn, event)) for event in (first, second)]
    second.set()
    await asyncio.sleep(0)
    assert not tasks[1].done()

    first.set()

    await asyncio.gather(*tasks)


async def test_a_crowd_is_told_when_it_is_one_no_more() -> None:
    told: list[bool] = []
    turn = Turn(lambda: told.append(turn.crowded))
    done = asyncio.Event()
    tasks = [asyncio.create_task(hold(turn, done)) for _ in range(20)]
    await asyncio.sleep(0)
    assert turn.crowded

    done.set()
    await asyncio.gather(*tasks)

    assert told == [False]


async def test_one_that_is_cancelled_while_it_waits_is_no_part_of_the_crowd() -> None:
    turn, done = Turn(), asyncio.Event()
    tasks = [asyncio.create_task(hold(turn, done)) for _ in range(20)]
    await asyncio.sleep(0)

    for task in tasks[1:]:
        task.cancel()
    await asyncio.wait(tasks[1:])

    assert not turn.crowded
    done.set()
    await tasks[0]


@pytest.mark.looptime
async def test_no_round_begins_in_a_crowd_and_those_left_out_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network()
    target = control_plane("plane")
    scraper = Scraper(ScrapeOptions(), lambda _: None, open_visitor=network.open)
    running = asyncio.create_task(scraper.run())
    scraper.update({target.id: target})
    await asyncio.sleep(20)
    before = len(network.visits)
    monkeypatch.setattr(Turn, "crowded", True)

    await asyncio.sleep(60)

    assert len(network.visits) == before
    assert scraper.figures.missed == 3
    running.cancel()
    await asyncio.wait([running])


def test_waiting_for_its_turn_is_not_taken_for_a_slow_server() -> None:
    async def main() -> tuple[str, ...]:
        async with stage() as theatre:
            target = await theatre.target("plane", Manners(good))
            scraper = Scraper(ScrapeOptions(timeout=10.0), lambda _: None)
            done = asyncio.Event()
            busy = asyncio.create_task(hold(scraper.turn, done))
            round_ = asyncio.create_task(scraper.scrape(target))
            await asyncio.sleep(60)
            done.set()
            await busy
            return (await round_).errors

    assert run_virtually(main()) == ()
