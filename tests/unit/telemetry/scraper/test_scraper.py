"""Scraping many control planes, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import pytest

from k3k_core.telemetry.scraper import ControlPlaneTarget, Scraped, ScrapeOptions, Scraper, TargetId
from k3k_core.telemetry.scraper.failure import TargetError
from tests.support.scrape_targets import Network, control_plane, with_token

pytestmark = pytest.mark.looptime

OPTIONS = ScrapeOptions(interval=15.0, timeout=10.0, concurrency=4)
REFUSED = TargetError("connect", "it refuses connections")


def fleet(*targets: ControlPlaneTarget) -> dict[TargetId, ControlPlaneTarget]:
    return {target.id: target for target in targets}


def gaps(starts: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(starts)]


@asynccontextmanager
async def scraping(
    network: Network, options: ScrapeOptions = OPTIONS
) -> AsyncIterator[tuple[Scraper, list[Scraped]]]:
    published: list[Scraped] = []
    scraper = Scraper(options, published.append, open_visitor=network.open)
    task = asyncio.create_task(scraper.run())
    try:
        yield scraper, published
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_every_control_plane_is_scraped_once_an_interval() -> None:
    network = Network()
    async with scraping(network) as (scraper, published):
        scraper.update(fleet(*(control_plane(f"plane-{n}") for n in range(30))))
        await asyncio.sleep(150)

        assert scraper.figures.rounds == {"ok": len(published)}
    for number in range(30):
        first, *later = network.starts(f"plane-{number}")
        assert first < 1.5 + 1e-6
        assert gaps(later) == pytest.approx([15.0] * (len(later) - 1))
        assert len(later) >= 7


async def test_a_result_says_how_late_and_how_long_its_round_was() -> None:
    network = Network(takes={"a": 2.0, "b": 2.0})
    async with scraping(network, replace(OPTIONS, concurrency=1)) as (scraper, published):
        scraper.update(fleet(control_plane("a"), control_plane("b")))
        await asyncio.sleep(10)

    assert [scraped.duration for scraped in published] == pytest.approx([2.0, 2.0])
    assert all(scraped.lag >= 0 for scraped in published)


async def test_rounds_under_way_are_limited() -> None:
    names = [f"plane-{n}" for n in range(40)]
    network = Network(takes=dict.fromkeys(names, 9.0))
    async with scraping(network, replace(OPTIONS, concurrency=4, timeout=100.0)) as (scraper, _):
        scraper.update(fleet(*map(control_plane, names)))
        await asyncio.sleep(60)

    # Patience (a tenth of the time-out) does not end before these rounds do, so new ones have 2 slots, steady ones 4.
    assert network.most <= 6


async def test_a_round_that_lasts_into_the_next_one_is_not_doubled() -> None:
    network = Network(takes={"slow": 20.0})
    async with scraping(network) as (scraper, _):
        scraper.update(fleet(control_plane("slow")))
        await asyncio.sleep(100)
        missed = scraper.figures.missed

    assert network.most == 1
    assert missed == 3


async def test_those_that_stay_are_not_disturbed_by_others_that_come_and_go() -> None:
    network = Network()
    stays = control_plane("stays")
    async with scraping(network) as (scraper, _):
        for number in range(20):
            scraper.update(fleet(stays, control_plane(f"passing-{number}")))
            await asyncio.sleep(7)

        assert "stays" not in network.closed

    _, *starts = network.starts("stays")
    assert gaps(starts) == pytest.approx([15.0] * (len(starts) - 1))


async def test_one_that_is_removed_is_not_scraped_any_more_and_its_connections_are_closed() -> None:
    network = Network()
    async with scraping(network) as (scraper, _):
        scraper.update(fleet(control_plane("gone")))
        await asyncio.sleep(20)
        before = len(network.visits)
        scraper.update({})
        await asyncio.sleep(60)

        assert len(network.visits) == before
        assert network.closed == ["gone"]
        assert scraper.figures.targets == 0


async def test_removing_one_ends_its_round() -> None:
    network = Network(takes={"gone": 9.0})
    async with scraping(network) as (scraper, published):
        scraper.update(fleet(control_plane("gone")))
        await asyncio.sleep(2)
        assert network.under_way == 1
        scraper.update({})
        await asyncio.sleep(1)

        assert network.under_way == 0
        assert scraper.figures.active == 0
    assert published == []


async def test_one_whose_token_changed_is_asked_at_once_over_new_connections() -> None:
    network = Network()
    old = control_plane("rotated")
    async with scraping(network) as (scraper, _):
        scraper.update(fleet(old))
        await asyncio.sleep(20)
        at = asyncio.get_running_loop().time()
        scraper.update(fleet(with_token(old, "another")))
        await asyncio.sleep(1)

    assert network.closed[0] == "rotated"
    assert at <= network.starts("rotated")[-1] <= at + 0.1


async def test_one_of_which_only_the_description_changed_keeps_its_connections() -> None:
    network = Network()
    old = control_plane("described")
    async with scraping(network) as (scraper, _):
        scraper.update(fleet(old))
        await asyncio.sleep(20)
        scraper.update(fleet(replace(old, datastore="etcd", authorities=(("server", 9.9),))))
        await asyncio.sleep(20)
        assert network.closed == []


async def test_a_dead_one_is_asked_less_and_less_often_and_again_at_the_usual_pace_when_it_lives() -> None:
    network = Network(failures={"dead-0": REFUSED})
    async with scraping(network) as (scraper, published):
        scraper.update(fleet(control_plane("dead", "dead-0")))
        await asyncio.sleep(600)
        dead = network.starts("dead")
        network.failures.clear()
        await asyncio.sleep(300)
        alive = [at for at in network.starts("dead") if at > 780]
        assert scraper.figures.backing_off == 0

    pauses = gaps(dead[1:])
    assert pauses[0] == pytest.approx(30.0)
    # Two minutes, a fifth more or less by chance, and then the next regular time.
    assert 89.9 <= pauses[-1] <= 150.1
    assert len(dead) < 12
    assert gaps(alive) == pytest.approx([15.0] * (len(alive) - 1))
    assert published[-1].errors == ()


async def test_those_left_alone_are_counted() -> None:
    network = Network(failures={"dead-0": REFUSED})
    async with scraping(network) as (scraper, _):
        scraper.update(fleet(control_plane("dead", "dead-0"), control_plane("alive")))
        await asyncio.sleep(1)
        assert scraper.figures.backing_off == 0
        await asyncio.sleep(30)
        assert scraper.figures.backing_off == 1


async def test_a_dead_server_does_not_hold_up_the_others_of_its_control_plane() -> None:
    network = Network(failures={"dead": REFUSED})
    async with scraping(network) as (scraper, published):
        scraper.update(fleet(control_plane("mixed", "alive", "dead")))
        await asyncio.sleep(300)

    asked = [{ask.server.server for ask in visit.asks if ask.probe} for visit in network.visits]
    assert all("alive" in servers for servers in asked)
    assert sum("dead" in servers for servers in asked) < len(asked) / 2
    assert [server.ready for server in published[-1].signals.servers] == [True, False]
    assert published[-1].errors == ("dead: it refuses connections",)


async def test_one_on_screen_is_asked_in_every_round_even_if_it_is_dead() -> None:
    network = Network(failures={"dead-0": REFUSED})
    target = control_plane("dead", "dead-0")
    async with scraping(network) as (scraper, _):
        scraper.update(fleet(target))
        await asyncio.sleep(600)
        before = len(network.visits)
        scraper.focus([target.id])
        await asyncio.sleep(1)
        assert len(network.visits) == before + 1
        await asyncio.sleep(150)

    assert len(network.visits) >= before + 10


async def test_one_on_screen_goes_first_when_slots_are_short() -> None:
    names = [f"plane-{n}" for n in range(12)]
    network = Network(takes=dict.fromkeys(names, 3.0))
    targets = fleet(*map(control_plane, names))
    async with scraping(network, replace(OPTIONS, concurrency=1, timeout=100.0)) as (scraper, published):
        scraper.update(targets)
        scraper.focus([control_plane("plane-7").id])
        await asyncio.sleep(200)

    focused = [scraped.lag for scraped in published if scraped.id.name == "plane-7"]
    others = [scraped.lag for scraped in published if scraped.id.name != "plane-7"]
    assert max(focused) <= 3.0
    assert max(others) > 10.0


async def test_a_round_out_of_turn_is_returned_and_not_published() -> None:
    network = Network()
    async with scraping(network) as (scraper, published):
        scraped = await scraper.scrape(control_plane("asked-for"))

        assert scraped.id.name == "asked-for"
        assert published == []
    assert network.closed == ["asked-for"]


async def test_a_round_out_of_turn_waits_for_the_one_under_way() -> None:
    network = Network(takes={"plane": 2.0})
    target = control_plane("plane")
    async with scraping(network) as (scraper, _):
        scraper.update(fleet(target))
        await asyncio.sleep(1)
        await scraper.scrape(target)

    assert network.most == 1
    assert len(network.visits) == 2


async def test_an_error_of_ours_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def wrong(name: str) -> None:
        if name == "odd":
            raise RuntimeError("a mistake")

    network = Network(wrong=wrong)
    async with scraping(network) as (scraper, published):
        scraper.update(fleet(control_plane("odd"), control_plane("even")))
        await asyncio.sleep(60)
        assert scraper.figures.rounds["internal"] >= 3
        assert scraper.figures.active == 0

    assert {scraped.errors for scraped in published if scraped.id.name == "odd"} == {
        ("an internal error; the log has it",)
    }
    assert len(network.starts("even")) >= 4
    assert "a mistake" in caplog.text


async def test_stopping_closes_all_connections() -> None:
    network = Network(takes={"busy": 9.0})
    async with scraping(network) as (scraper, _):
        scraper.update(fleet(control_plane("idle"), control_plane("busy")))
        await asyncio.sleep(3)

    assert sorted(network.closed) == ["busy", "idle"]
    assert network.under_way == 0
