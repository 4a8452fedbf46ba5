"""Fixtures of the fleet's tests: virtual time, hosts in memory, a scraper that waits to be told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

import pytest

from k3k_core.fleet import Fleet, FleetOptions
from k3k_core.host import HostOptions
from tests.support.fake_scraper import FakeScraper
from tests.support.fleet_host import FleetHost

Open: TypeAlias = Callable[..., AbstractAsyncContextManager[Fleet]]
# 2026-06-01, half a year after the objects of tests/support/fleet_host.py were made.
START = 1780272000.0


@pytest.fixture
def scraper() -> FakeScraper:
    """A scraper in memory."""
    return FakeScraper()


@pytest.fixture
def open_fleet(scraper: FakeScraper) -> Open:
    """Opens a fleet of hosts in memory; by the names of their contexts they are found."""

    @asynccontextmanager
    async def opened(*hosts: FleetHost, **options: Any) -> AsyncIterator[Fleet]:
        by_name = {host.name: host for host in hosts}
        loop = asyncio.get_running_loop()
        wanted = {"hosts": tuple(HostOptions(context=host.name) for host in hosts), "scrape": None, **options}
        fleet = Fleet(
            FleetOptions(**wanted),
            opened=lambda chosen: by_name[chosen.context or ""].open(chosen),
            scraper=scraper.make,
            clock=lambda: START + loop.time(),
        )
        async with fleet:
            yield fleet

    return opened
