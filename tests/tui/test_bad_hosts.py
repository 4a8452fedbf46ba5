"""Hosts that hang, refuse, answer 401, 403 or 500, or send a line without end, beside one that is well.

Nothing of that ends the dashboard or empties its table: rows stay with their age, and the header says why.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from k3k_core.fleet import Fleet, FleetOptions, HostState
from k3k_core.host import HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.names import ControlPlaneId
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.values import load_values
from k3k_tui.app import K3kApp
from k3k_tui.places import FleetPlace, HostsPlace
from tests.support.troubled_host import Trouble, TroubledHost
from tests.support.tui import dashboard, shown, until

# What each trouble comes to, and the first words of what to do about it.
TROUBLES: dict[Trouble, tuple[str, str]] = {
    "hangs": ("did not answer within", "Check that the host is up"),
    "refuses": ("connection refused", "Check that the host is up"),
    "401": ("does not accept these credentials", "Log in again"),
    "403": ("trouble 403", "ask those who run it"),
    "500": ("trouble 500", "Try again in a moment"),
    "endless watch line": ("an event of more than 8 MiB", "Check the server and the proxy"),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A dashboard over a host that is well and one that can be troubled.

    Attributes:
        app: the dashboard.
        pilot: drives it.
        troubled: the host "far".
    """

    app: K3kApp
    pilot: Pilot[Any]
    troubled: TroubledHost


async def made(options: HostOptions, name: str) -> None:
    """Create a control plane."""
    async with open_host(options) as host:
        request = CreateRequest(ControlPlaneId("shop", name), load_values(""), timeout=60)
        await create(host, request)


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """Open a dashboard whose two hosts have one control plane each."""
    async with AsyncExitStack() as stack:
        near = await stack.enter_async_context(Sandbox.start(SandboxOptions(seed=1, start_delay=0.01)))
        behind = await stack.enter_async_context(Sandbox.start(SandboxOptions(seed=2, start_delay=0.01)))
        troubled = await stack.enter_async_context(TroubledHost(behind.kubeconfig, "far").running(folder))
        hosts = {}
        for name, text in (("k3k-sandbox", near.kubeconfig), ("far", troubled.kubeconfig)):
            path = folder / f"{name}.yaml"
            path.write_text(text)
            hosts[name] = HostOptions(str(path), request_timeout=1.0)
        await made(HostOptions(hosts["k3k-sandbox"].kubeconfig), "steady")
        await made(HostOptions(hosts["far"].kubeconfig), "distant")
        fleet = FleetOptions(tuple(hosts.values()), scrape=None, pace=0.1)
        app = dashboard(opened=lambda: Fleet(fleet), hosts=hosts, place=FleetPlace())
        pilot = await stack.enter_async_context(app.run_test(size=(120, 36)))
        await until(pilot, lambda: {"steady", "distant"} <= words(app), "both rows")
        yield Stage(app, pilot, troubled)


def words(app: K3kApp) -> set[str]:
    """Return the words on the screen."""
    return set(re.findall(r"\S+", shown(app)))


@pytest.mark.parametrize("trouble", list(TROUBLES))
async def test_a_host_in_trouble_keeps_its_rows_and_says_why_and_what_to_do(
    trouble: Trouble, tmp_path: Path
) -> None:
    why, remedy = TROUBLES[trouble]
    async with stage(tmp_path) as on:
        await on.troubled.suffer(trouble)
        await until(on.pilot, lambda: why in far(on.app).error, f"{why} as the state of the host")
        await until(
            on.pilot, lambda: "far" in header(on.app) and "steady" in words(on.app), "its name on top"
        )
        stale = on.app.services.look.glyphs.stale
        await until(on.pilot, lambda: stale in row(on.app, "distant"), "the age of its row")
        assert {"steady", "distant"} <= words(on.app)

        on.app.open_place(HostsPlace())
        await until(on.pilot, lambda: remedy in flowed(on.app), f"the remedy: {remedy}")
        assert why in flowed(on.app)

        await on.troubled.suffer("")
        await until(on.pilot, lambda: far(on.app).connected, "the host to be well again")
        await until(on.pilot, lambda: why not in flowed(on.app), "the trouble to go from the screen")
    assert on.app.return_code in {0, None}


def far(app: K3kApp) -> HostState:
    """Return the state of the host that can be troubled."""
    return app.services.fleet.hosts["far"]


def header(app: K3kApp) -> str:
    """Return what stands above the table."""
    return "\n".join(shown(app).splitlines()[:6])


def row(app: K3kApp, name: str) -> str:
    """Return the line of a control plane, "" while there is none."""
    return next((line for line in shown(app).splitlines() if name in line), "")


def flowed(app: K3kApp) -> str:
    """Return the text of the screen with its lines joined, as a sentence may be wrapped."""
    return re.sub(r"\s+", " ", shown(app))
