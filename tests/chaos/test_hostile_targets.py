"""Hostile servers cost their own slot and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from k3k_core.telemetry.scanner import ScanLimits
from k3k_core.telemetry.scraper import ControlPlaneTarget, Scraped, ScrapeOptions, Scraper, TargetId
from k3k_core.telemetry.scraper.figures import ScrapeFigures
from tests.support.hostile_behaviours import good, silent
from tests.support.hostile_stage import Manners, Stage, stage
from tests.support.hostile_targets import DOCUMENT, HOSTILE_TARGETS, HostileTarget, table
from tests.support.virtual_time import run_virtually

OPTIONS = ScrapeOptions(
    interval=15.0, timeout=10.0, concurrency=16, limits=ScanLimits(page_bytes=4 * 1024 * 1024, series=50_000)
)


async def _one_round(row: HostileTarget) -> tuple[Scraped, ScrapeFigures, float, list[bytes]]:
    async with stage() as theatre:
        target = await theatre.target(row.name, row.manners)
        scraper = Scraper(OPTIONS, lambda _: None)
        loop = asyncio.get_running_loop()
        began = loop.time()
        scraped = await scraper.scrape(target)
        return scraped, scraper.figures, loop.time() - began, theatre.elsewhere.requests


@pytest.mark.parametrize("row", HOSTILE_TARGETS, ids=lambda row: row.name)
def test_one_round_over_a_hostile_target(row: HostileTarget) -> None:
    scraped, figures, took, elsewhere = run_virtually(_one_round(row))

    assert figures.rounds == {row.kind or "ok": 1}, scraped.errors
    assert (scraped.errors == ()) == (row.kind is None)
    if row.sentence:
        assert scraped.errors[0] == f"server-0: {row.sentence}"
    assert scraped.signals.servers[0].ready == row.probed
    assert took <= OPTIONS.timeout
    assert elsewhere == []
    assert "monitoring-token" not in repr(scraped)


@dataclass
class Watched:
    """What a scraper published, by control plane: when each round began, and the round."""

    rounds: dict[str, list[tuple[float, Scraped]]] = field(default_factory=dict)

    def publish(self, scraped: Scraped) -> None:
        began = asyncio.get_running_loop().time() - scraped.duration
        self.rounds.setdefault(scraped.id.name, []).append((began, scraped))

    def starts(self, name: str) -> list[float]:
        """Return when the rounds over a control plane began."""
        return [began for began, _ in self.rounds[name]]


@asynccontextmanager
async def _running(scraper: Scraper) -> AsyncIterator[None]:
    task = asyncio.create_task(scraper.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _healthy(theatre: Stage, count: int) -> dict[TargetId, ControlPlaneTarget]:
    targets = [await theatre.target(f"healthy-{number}", Manners(good)) for number in range(count)]
    return {target.id: target for target in targets}


def _kept_every_round(watched: Watched, name: str, *, until: float) -> bool:
    """Tell whether every round began when it was due, to the microsecond, and went well."""
    starts = watched.starts(name)
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    return (
        all(scraped.errors == () and scraped.lag < 1e-6 for _, scraped in watched.rounds[name])
        # The first gap leads from the early first round to the regular ones.
        and all(abs(gap - OPTIONS.interval) < 1e-6 for gap in gaps[1:])
        and starts[-1] > until - OPTIONS.interval
    )


@pytest.mark.timeout(300)
def test_healthy_targets_keep_every_round_beside_all_hostile_ones() -> None:
    async def main() -> tuple[Watched, ScrapeFigures, list[bytes]]:
        async with stage() as theatre:
            hostile = [await theatre.target(row.name, row.manners) for row in HOSTILE_TARGETS]
            healthy = await _healthy(theatre, 50)
            watched = Watched()
            scraper = Scraper(replace(OPTIONS, concurrency=4), watched.publish)
            async with _running(scraper):
                scraper.update(healthy)
                await asyncio.sleep(20)
                scraper.update(healthy | {target.id: target for target in hostile})
                await asyncio.sleep(60)
                return watched, scraper.figures, theatre.elsewhere.requests

    watched, figures, elsewhere = run_virtually(main())

    assert [n for n in range(50) if not _kept_every_round(watched, f"healthy-{n}", until=80)] == []
    assert {row.name for row in HOSTILE_TARGETS} <= watched.rounds.keys()
    assert elsewhere == []
    received = max(scraped.bytes_received for rounds in watched.rounds.values() for _, scraped in rounds)
    assert received <= OPTIONS.limits.page_bytes + 512 * 1024
    assert figures.backing_off > 0


@pytest.mark.timeout(300)
def test_more_hanging_targets_than_slots_delay_no_healthy_one() -> None:
    async def main() -> Watched:
        async with stage() as theatre:
            healthy = await _healthy(theatre, 50)
            hanging = [
                await theatre.target(f"hanging-{n}", Manners(good, connected=silent)) for n in range(60)
            ]
            watched = Watched()
            scraper = Scraper(replace(OPTIONS, concurrency=8), watched.publish)
            async with _running(scraper):
                scraper.update(healthy)
                await asyncio.sleep(20)
                scraper.update(healthy | {target.id: target for target in hanging})
                await asyncio.sleep(100)
                return watched

    watched = run_virtually(main())

    assert [n for n in range(50) if not _kept_every_round(watched, f"healthy-{n}", until=120)] == []
    assert {f"hanging-{n}" for n in range(60)} <= watched.rounds.keys()


def test_the_document_has_every_hostile_target() -> None:
    assert len(HOSTILE_TARGETS) >= 25
    assert DOCUMENT.read_text() == table()
