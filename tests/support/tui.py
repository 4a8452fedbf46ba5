"""The dashboard for tests: over a fleet in memory, or over a sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

from textual.pilot import Pilot

from k3k_core.errors import UnreachableError
from k3k_core.host import HostApi, HostOptions, open_host
from k3k_tui.app import K3kApp
from k3k_tui.config import TuiConfig
from k3k_tui.feed import FleetFeed
from k3k_tui.jobs.runner import Jobs
from k3k_tui.look.look import Look
from k3k_tui.places import Place
from k3k_tui.services import Services
from k3k_tui.source import FleetSource
from k3k_tui.terminal import Profile
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import NOW

SIZES = ((80, 24), (120, 36), (200, 60))


def dashboard(
    fleet: FakeFleet | None = None,
    *,
    opened: Callable[[], AbstractAsyncContextManager[FleetSource]] | None = None,
    hosts: Mapping[str, HostOptions] | None = None,
    place: Place | None = None,
    profile: Profile | None = None,
    config: TuiConfig | None = None,
    read_only: bool = False,
    clock: Callable[[], float] = lambda: NOW,
) -> K3kApp:
    """Make a dashboard.

    Args:
        fleet: what it shows; an empty one unless told.
        opened: opens another fleet instead.
        hosts: hosts that actions may open, by name.
        place: where it opens.
        profile: of its terminal.
        config: choices of its user.
        read_only: whether it leaves out what changes something.
        clock: seconds since 1970; stands still unless told.
    """
    shown = fleet or FakeFleet()
    known = dict(hosts or {})

    @asynccontextmanager
    async def open_fake() -> AsyncIterator[FleetSource]:
        yield cast("FleetSource", shown)

    def open_known(name: str) -> AbstractAsyncContextManager[HostApi]:
        if name not in known:
            raise UnreachableError(f"The host {name} does not answer.", hint="This test has none.")
        return open_host(known[name])

    return K3kApp(
        Services(
            fleet=FleetFeed(opened or open_fake),
            hosts=known,
            open_host=open_known,
            jobs=Jobs(clock),
            look=Look(),
            profile=profile or Profile(),
            config=config or TuiConfig(),
            read_only=read_only,
            clock=clock,
        ),
        place,
    )


async def until(pilot: Pilot[Any], condition: Callable[[], bool], what: str = "") -> None:
    """Let the dashboard work until a condition holds.

    Args:
        pilot: drives it.
        condition: what is waited for.
        what: the same for people, should it never come.
    """
    try:
        async with asyncio.timeout(30):
            while not condition():
                await pilot.pause()
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"never came: {what or condition}") from None


def shown(app: K3kApp) -> str:
    """Return the characters on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)
