"""The tabs of a control plane that ask its host, over a sandbox: what they show is what the host holds."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from k3k_core.fleet import Fleet, FleetKey, FleetOptions
from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import ControlPlaneId
from k3k_core.resources import SECRET
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.values import load_values
from k3k_tui.places import ControlPlanePlace
from tests.support.stage import NAMESPACE, Stage, stage
from tests.support.troubled_host import TroubledHost
from tests.support.tui import dashboard, shown, until

SHOP = ControlPlaneId(NAMESPACE, "storefront")

EVICTED = {
    "apiVersion": "v1",
    "kind": "Event",
    "metadata": {"name": "storefront-k3k-server-0.evicted", "namespace": NAMESPACE},
    "involvedObject": {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "storefront-k3k-server-0",
        "namespace": NAMESPACE,
    },
    "type": "Warning",
    "reason": "Evicted",
    "message": "The node was low on [b]memory[/b]\x1b[2J",
}


async def go(on: Stage, tab: str) -> None:
    on.app.open_place(ControlPlanePlace(on.keys["storefront"], tab))
    await on.pilot.pause()


async def sees(on: Stage, *texts: str) -> None:
    await until(on.pilot, lambda: all(text in shown(on.app) for text in texts), f"{texts}\n{shown(on.app)}")


async def test_logs_are_followed_filtered_and_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    async with stage(tmp_path, "storefront") as on:
        await go(on, "logs")
        await sees(on, "storefront-k3k-server-0", "following", "k3s is up and running")
        await on.pilot.press("slash", *"zzz", "enter")
        await sees(on, "0 of ")
        await on.pilot.press("escape", "slash", *"Kine", "enter")
        await sees(on, "Kine available", "1 of ")
        assert "k3s is up and running" not in shown(on.app)

        await on.pilot.press("ctrl+s", "enter")
        await on.notice("lines are in")
        saved = tmp_path / "storefront-k3k-server-0.log"
        assert saved.read_text().endswith('level=info msg="Kine available at unix://kine.sock"\n')
        assert saved.stat().st_mode & 0o777 == 0o600

        saved.write_text("precious")
        await on.pilot.press("ctrl+s", "enter")
        await sees(on, "exists; Enter again replaces it")
        assert saved.read_text() == "precious"
        await on.pilot.press("enter")
        await until(on.pilot, lambda: "Kine" in saved.read_text())


async def test_objects_and_their_yaml_are_shown_without_secrets(tmp_path: Path) -> None:
    async with stage(tmp_path, "storefront", size=(120, 36)) as on:
        await go(on, "objects")
        await sees(on, "13 objects", "StatefulSet", "storefront-k3k-server-0", "1/1 ready")
        await on.pilot.press("slash", *"Secret/storefront-k3k-tokens", "enter", "enter")
        await sees(on, "Secret/storefront-k3k-tokens  as YAML", "(hidden, ")
        kept = await on.host.get(SECRET, NAMESPACE, "storefront-k3k-tokens")
        assert not any(text[:12] in shown(on.app) for text in kept["data"].values())
        await on.pilot.press("ctrl+y")
        assert "kind: Secret" in on.app.clipboard
        await on.pilot.press("escape")
        await sees(on, "13 objects", "NetworkPolicy")
        await on.pilot.press("ctrl+y")
        assert on.app.clipboard == "Secret/storefront-k3k-tokens"

        await on.host.delete(SECRET, NAMESPACE, "storefront-k3k-tokens")
        await on.pilot.press("ctrl+r")
        await sees(on, "12 objects")


async def test_values_show_what_a_revision_changed_and_all_of_it(tmp_path: Path) -> None:
    async def changed(host: Host) -> None:
        values = load_values("resources:\n  requests:\n    memory: 700Mi\n")
        await upgrade(host, UpgradeRequest(SHOP, values, timeout=60))

    async with stage(tmp_path, "storefront", size=(120, 36), prepare=changed) as on:
        await go(on, "values")
        await sees(on, "2 revisions", "What revision 2 changed", "--- revision 1", "+++ revision 2", "700Mi")
        await on.pilot.press("down")
        await sees(on, "Values of revision 1, the oldest that is kept", "allow_privileged: false")
        await on.pilot.press("v")
        await sees(on, "What has changed since revision 1", "700Mi")
        await on.pilot.press("v")
        await sees(on, "Values of revision 1")


async def test_the_overview_and_the_events_follow_the_host(tmp_path: Path) -> None:
    async with stage(tmp_path, "storefront", size=(160, 50)) as on:
        await go(on, "overview")
        await sees(
            on,
            "Who reaches the API how",
            "LoadBalancer",
            "ServersReady",
            "data-storefront-k3k-server-0",
            "Bound",
        )
        await on.pilot.press("6")
        await sees(on, "Scheduled", "Pod/storefront-k3k-server-0")
        await on.host.create(EVICTED)
        await on.pilot.press("ctrl+r")
        await sees(on, "Evicted", "The node was low on [b]memory[/b]\\e[2J")


async def test_a_log_outlives_the_trouble_of_its_host(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox.start(SandboxOptions(start_delay=0.01)))
        host = await stack.enter_async_context(TroubledHost(sandbox.kubeconfig, "far").running(tmp_path))
        path = tmp_path / "far.yaml"
        path.write_text(host.kubeconfig)
        options = HostOptions(str(path), request_timeout=1.0)
        async with open_host(options) as opened:
            await create(opened, CreateRequest(SHOP, load_values(""), timeout=60))
        fleet = FleetOptions((options,), scrape=None, pace=0.1)
        app = dashboard(
            opened=lambda: Fleet(fleet),
            hosts={"far": options},
            place=ControlPlanePlace(FleetKey("far", NAMESPACE, "storefront"), "logs"),
        )
        pilot = await stack.enter_async_context(app.run_test(size=(120, 36)))
        await until(pilot, lambda: "following" in shown(app) and "k3s is up and running" in shown(app))
        await host.suffer("401")
        await until(
            pilot, lambda: "failed: " in shown(app) and "does not accept these credentials" in shown(app)
        )
        assert "k3s is up and running" in shown(app)
        await host.suffer("")
        await until(pilot, lambda: "following" in shown(app))
        assert shown(app).count("k3s is up and running") == 1
