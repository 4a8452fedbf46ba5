"""A fleet on a real connection: its host goes away and comes back, and a control plane's Secret is damaged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

from k3k_core.fleet import Fleet, FleetOptions
from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.progress import silent
from k3k_core.names import ControlPlaneId
from k3k_core.resources import SECRET
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.telemetry.scraper import ScrapeOptions
from k3k_core.values import load_values
from tests.support.hosts import HostUnderTest

SCRAPE = ScrapeOptions(interval=1.0)


async def until(fleet: Fleet, holds: Callable[[], object]) -> None:
    """Wait until something is true of a fleet."""
    async with asyncio.timeout(60), aclosing(fleet.changes()) as changes:
        async for _ in changes:
            if holds():
                return


async def made(kubeconfig: Path, identity: ControlPlaneId) -> None:
    """Create a control plane and wait for it."""
    async with open_host(HostOptions(str(kubeconfig))) as host:
        await create(host, CreateRequest(id=identity, values=load_values(""), timeout=60), silent)


async def test_a_fleet_outlives_the_restart_of_its_host(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "host.yaml"
    options = SandboxOptions(data_dir=tmp_path / "data")
    async with AsyncExitStack() as first_life:
        sandbox = await first_life.enter_async_context(Sandbox.start(options))
        kubeconfig.write_text(sandbox.kubeconfig)
        await made(kubeconfig, ControlPlaneId("team-a", "ci"))
        async with Fleet(FleetOptions((HostOptions(str(kubeconfig)),), scrape=None)) as fleet:
            await until(fleet, lambda: fleet.rows)
            (key,) = fleet.rows

            await first_life.aclose()
            await until(fleet, lambda: fleet.rows[key].stale_since is not None)
            (state,) = fleet.hosts.values()
            assert (state.connected, state.listed) == (False, True)
            assert state.error
            assert fleet.rows[key].judgement.verdict == "Healthy"

            async with Sandbox.start(options) as again:
                kubeconfig.write_text(again.kubeconfig)
                await until(fleet, lambda: fleet.rows[key].stale_since is None)
                assert [state.connected for state in fleet.hosts.values()] == [True]


async def test_new_credentials_are_used_when_the_old_ones_are_replaced(
    host: HostUnderTest, api: Host
) -> None:
    identity = ControlPlaneId(host.namespace, "one")
    await made(host.kubeconfig, identity)
    fleet_options = FleetOptions((host.options(),), namespace=host.namespace, scrape=SCRAPE)
    whole = await api.get(SECRET, identity.namespace, identity.tokens)
    async with Fleet(fleet_options) as fleet:
        assert await fleet.settled(60)
        (key,) = fleet.rows

        broken = {"data": {**whole["data"], "identities.csv": "Z2FyYmFnZQ=="}}
        await api.patch(SECRET, identity.namespace, identity.tokens, broken)
        async with Fleet(fleet_options) as newcomer:
            assert await newcomer.settled(60)
            reach = newcomer.rows[key].reach
            assert (reach.way, "tokens Secret lacks" in reach.reason) == (None, True)
            await api.patch(SECRET, identity.namespace, identity.tokens, {"data": whole["data"]})
            await until(newcomer, lambda: newcomer.rows[key].reach.way == "pods")

        target = fleet.target(key)
        assert target is not None
        assert fleet.rows[key].reach.way == "pods"
