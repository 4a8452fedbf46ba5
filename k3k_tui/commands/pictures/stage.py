"""A sandbox with a past: time is moved by hand, so that the same seed gives the same figures.

Simulated servers answer with what their pages hold at a moment, and the fleet reads them at moments of the same
clock. So half an hour passes in as long as it takes to read the fleet some dozens of times, and then stands still.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, chdir
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from k3k_core.cli.private_file import write_private
from k3k_core.errors import K3kError
from k3k_core.fleet import Fleet, FleetOptions
from k3k_core.host import HostOptions, open_host
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.sandbox.demo_fleet import Member, cause, provision, recipe, troubles
from k3k_core.telemetry.scanner.table import LayoutTable
from k3k_core.telemetry.scraper import Scraper
from k3k_core.telemetry.scraper.options import ScrapeOptions
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, Scraped
from k3k_core.telemetry.scraper.visit import HttpVisitor
from k3k_tui.commands.pictures.scenes import Subjects

HOST = "sandbox"
# Seconds: how long ago the fleet was made, how long ago troubles began, how far its history goes back, one step of it.
_AGE, _TROUBLED, _PAST, _STEP = 45 * 60.0, 25 * 60.0, 40 * 60.0, 15.0
# No round comes by itself.
_NEVER = 3600.0
_TIMEOUT = 120.0
_SETTLED = 60.0


class Clock:
    """Seconds since 1970, late by a number of seconds or standing still.

    Args:
        late: seconds it is behind.
    """

    def __init__(self, late: float) -> None:
        self._late = late
        self._still: float | None = None

    def __call__(self) -> float:
        """Return the time."""
        return time.time() - self._late if self._still is None else self._still

    def stop(self, at: float) -> None:
        """Stand still.

        Args:
            at: seconds since 1970.
        """
        self._still = at


@dataclass(frozen=True, slots=True)
class Stage:
    """A fleet with a past.

    Attributes:
        fleet: it; nothing of it changes by itself any more.
        hosts: how its host is reached, by name.
        clock: stands still.
    """

    fleet: Fleet
    hosts: Mapping[str, HostOptions]
    clock: Clock

    def subjects(self) -> Subjects:
        """Return a control plane that is well and one that is not, the same for the same fleet."""
        rows = [row for row in self.fleet.rows.values() if not row.control_plane.read_only]
        well = [row.id for row in rows if row.judgement.verdict == "Healthy"]
        ill = [row.id for row in rows if row.judgement.verdict == "Degraded"]
        first = next(iter(self.fleet.rows))
        return Subjects((*well, first)[0], (*ill, *well, first)[0])


@asynccontextmanager
async def stage(
    *, clusters: int, seed: int, healthy: bool, told: Callable[[str], None]
) -> AsyncIterator[Stage]:
    """Make a fleet with a past on a sandbox of its own.

    Args:
        clusters: how many control planes.
        seed: of everything that is random.
        healthy: whether the troubles are left out.
        told: takes what is being done.

    Raises:
        K3kError: the sandbox or its fleet could not be made.
    """
    clock = Clock(_AGE)
    # Within the folder, so that its name is on no picture.
    with tempfile.TemporaryDirectory(prefix="k3k-pictures-") as folder, chdir(folder):
        kubeconfig = Path("sandbox.yaml")
        now = time.time()
        time_there = SandboxOptions(seed=seed, now=lambda: datetime.fromtimestamp(clock(), UTC))
        async with Sandbox.start(time_there) as sandbox:
            write_private(kubeconfig, sandbox.kubeconfig)
            options = HostOptions(str(kubeconfig))
            told("creating control planes")
            members = await _populate(options, clusters, seed)
            async with Fleet(
                FleetOptions(hosts=(options,), scrape=ScrapeOptions(interval=_NEVER)),
                scraper=partial(_scraper, clock),
                clock=clock,
            ) as fleet:
                await _first_rounds(fleet)
                told("letting half an hour pass")
                await _pass(fleet, clock, now - _PAST, now - _TROUBLED)
                if not healthy:
                    async with open_host(options) as host:
                        await cause(host, troubles(members, seed))
                await _pass(fleet, clock, now - _TROUBLED, now)
                yield Stage(fleet, dict.fromkeys(fleet.hosts, options), clock)


async def _populate(options: HostOptions, clusters: int, seed: int) -> tuple[Member, ...]:
    members = recipe(clusters, seed)
    failed: list[str] = []

    def made(member: Member, error: Exception | None) -> None:
        if error is not None:
            failed.append(f"{member.id}: {error}")

    async with open_host(options) as host:
        await provision(host, members, timeout=_TIMEOUT, made=made)
    if failed:
        raise K3kError(f"{len(failed)} control planes could not be made, among them {failed[0]}")
    return members


async def _first_rounds(fleet: Fleet) -> None:
    """Wait until every control plane has been read, or found to be out of reach."""
    async with asyncio.timeout(_SETTLED):
        async for _ in fleet.changes():
            if fleet.rows and all(row.signals is not None for row in fleet.rows.values()):
                break


async def _pass(fleet: Fleet, clock: Clock, begin: float, end: float) -> None:
    for step in range(round((end - begin) / _STEP)):
        clock.stop(begin + (step + 1) * _STEP)
        await asyncio.gather(*(fleet.scrape(key) for key in fleet.rows))


def _scraper(clock: Clock, options: FleetOptions, publish: Callable[[Scraped], None]) -> Scraper:
    scrape = options.scrape or ScrapeOptions()
    layouts = LayoutTable()

    def open_visitor(target: ControlPlaneTarget) -> HttpVisitor:
        return HttpVisitor(target, scrape, layouts, scraper.turn, wall=clock)

    scraper = Scraper(scrape, publish, open_visitor=open_visitor)
    return scraper
