"""Scraping in worker processes."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from k3k_core.errors import UnreachableError
from k3k_core.telemetry.scraper import ControlPlaneTarget, Scraped, ScrapeOptions, ScraperPool, TargetId
from tests.support.hostile_behaviours import good
from tests.support.hostile_stage import TOKEN, Exchange, Manners, Stage, stage

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc to look at processes"),
]

OPTIONS = ScrapeOptions(interval=0.5, timeout=60.0)

Fleet = dict[TargetId, ControlPlaneTarget]


class Published:
    """What a pool published, and a way to wait for it."""

    def __init__(self) -> None:
        self.all: list[Scraped] = []
        self._news = asyncio.Event()

    def publish(self, scraped: Scraped) -> None:
        self.all.append(scraped)
        self._news.set()

    async def from_each(self, fleet: Fleet, *, rounds: int = 1) -> None:
        """Wait until every control plane has been scraped so often, counted from now."""
        start = len(self.all)
        while any(sum(scraped.id == one for scraped in self.all[start:]) < rounds for one in fleet):
            self._news.clear()
            await self._news.wait()


@asynccontextmanager
async def pool(published: Published, workers: int = 2) -> AsyncIterator[ScraperPool]:
    scrapers = ScraperPool(OPTIONS, published.publish, workers=workers)
    running = asyncio.create_task(scrapers.run())
    try:
        yield scrapers
    finally:
        running.cancel()
        await asyncio.wait([running])


async def planes(theatre: Stage, count: int) -> Fleet:
    targets = [await theatre.target(f"plane-{number}", Manners(good)) for number in range(count)]
    return {target.id: target for target in targets}


def is_running(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


async def until_gone(process: int) -> None:
    """Wait until a process has ended, whether or not anybody has asked for its exit status."""
    gone = asyncio.Event()
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def what_is_known_of(process: int) -> bytes:
    """Return the command line and the environment of a process."""
    return b"".join(Path(f"/proc/{process}/{file}").read_bytes() for file in ("cmdline", "environ"))


async def test_all_workers_together_scrape_every_control_plane() -> None:
    published = Published()
    async with stage() as theatre, pool(published) as scrapers:
        fleet = await planes(theatre, 10)
        scrapers.update(fleet)
        await published.from_each(fleet, rounds=2)

        assert len(scrapers.process_ids) == 2
        assert scrapers.figures.targets == 10
        assert all(scraped.errors == () for scraped in published.all)
        assert published.all[0].signals.servers[0].ready


async def test_one_that_is_removed_is_not_scraped_any_more() -> None:
    published = Published()
    async with stage() as theatre, pool(published) as scrapers:
        fleet = await planes(theatre, 4)
        scrapers.update(fleet)
        await published.from_each(fleet)
        gone, *rest = fleet
        scrapers.update({stays: fleet[stays] for stays in rest})
        published.all.clear()
        await published.from_each({stays: fleet[stays] for stays in rest}, rounds=3)

        assert gone not in {scraped.id for scraped in published.all}


async def test_a_worker_that_dies_is_replaced_and_its_control_planes_are_scraped_on() -> None:
    published = Published()
    async with stage() as theatre, pool(published) as scrapers:
        fleet = await planes(theatre, 6)
        scrapers.update(fleet)
        await published.from_each(fleet)
        before = scrapers.figures
        victim = scrapers.process_ids[0]

        os.kill(victim, signal.SIGKILL)
        await published.from_each(fleet, rounds=2)

        assert scrapers.figures.restarts == 1
        assert victim not in scrapers.process_ids
        assert scrapers.figures.rounds["ok"] > before.rounds["ok"]
        assert scrapers.figures.targets == 6


async def test_no_worker_is_left_when_the_pool_stops() -> None:
    published = Published()
    async with stage() as theatre:
        async with pool(published) as scrapers:
            fleet = await planes(theatre, 4)
            scrapers.update(fleet)
            await published.from_each(fleet)
            processes = scrapers.process_ids

        assert not any(map(is_running, processes))


async def test_a_round_out_of_turn_is_made_by_a_worker() -> None:
    published = Published()
    async with stage() as theatre, pool(published) as scrapers:
        target = await theatre.target("plane", Manners(good))

        scraped = await scrapers.scrape(target)

        assert scraped.id == target.id
        assert scraped.errors == ()


async def test_every_round_is_delivered_once_and_in_order() -> None:
    published = Published()
    async with stage() as theatre, pool(published, workers=1) as scrapers:
        fleet = await planes(theatre, 1)
        (target,) = fleet.values()
        scrapers.update(fleet)
        for _ in range(4):
            await published.from_each(fleet)
            published.publish(await scrapers.scrape(target))

        order = [scraped.order for scraped in published.all]
        assert order == sorted(set(order))


async def test_a_round_out_of_turn_whose_worker_dies_is_an_error() -> None:
    asked = asyncio.Event()

    async def hang(exchange: Exchange) -> None:
        asked.set()
        await exchange.silence()

    async with stage() as theatre, pool(Published(), workers=1) as scrapers:
        target = await theatre.target("plane", Manners(hang, readyz=hang))
        round_ = asyncio.create_task(scrapers.scrape(target))
        await asked.wait()

        os.kill(scrapers.process_ids[0], signal.SIGKILL)

        with pytest.raises(UnreachableError, match="process"):
            await round_


async def test_a_worker_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    published = Published()
    executable = sys.executable
    async with stage() as theatre:
        fleet = await planes(theatre, 2)
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        async with pool(published, workers=1) as scrapers:
            scrapers.update(fleet)
            while not scrapers.figures.restarts:  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0.01)
            monkeypatch.setattr(sys, "executable", executable)

            await published.from_each(fleet)


async def test_no_secret_is_on_a_command_line_or_in_an_environment() -> None:
    published = Published()
    async with stage() as theatre, pool(published) as scrapers:
        fleet = await planes(theatre, 2)
        scrapers.update(fleet)
        await published.from_each(fleet)

        assert not any(TOKEN.encode() in what_is_known_of(process) for process in scrapers.process_ids)


async def test_a_terminal_s_signals_do_not_reach_the_workers() -> None:
    published = Published()
    async with stage() as theatre, pool(published, workers=1) as scrapers:
        fleet = await planes(theatre, 1)
        scrapers.update(fleet)
        await published.from_each(fleet)

        assert os.getsid(scrapers.process_ids[0]) != os.getsid(0)


PARENT = """
import asyncio, sys
from k3k_core.telemetry.scraper import ScrapeOptions, ScraperPool

async def main():
    pool = ScraperPool(ScrapeOptions(), lambda _: None, workers=2)
    running = asyncio.create_task(pool.run())
    while len(pool.process_ids) < 2 or pool.figures.targets:
        await asyncio.sleep(0.01)
    print(*pool.process_ids, flush=True)
    await running

asyncio.run(main())
"""


async def test_no_worker_outlives_a_parent_that_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=PIPE)
    assert parent.stdout is not None
    workers = [int(word) for word in (await parent.stdout.readline()).split()]
    assert len(workers) == 2

    parent.kill()
    await parent.wait()

    for worker in workers:
        await until_gone(worker)


def test_what_a_worker_sends_holds_no_token() -> None:
    async def main() -> Scraped:
        async with stage() as theatre:
            target = await theatre.target("plane", Manners(good))
            async with pool(Published(), workers=1) as scrapers:
                return await scrapers.scrape(target)

    scraped = asyncio.run(main())

    assert TOKEN.encode() not in pickle.dumps(scraped)
