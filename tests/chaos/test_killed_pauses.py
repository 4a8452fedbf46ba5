"""Pause, resume, times to live, protection and pruning stopped after each single request and then repeated."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.pause import PauseRequest, pause, paused_at, plan_pause, plan_resume, resume
from k3k_core.lifecycle.protect import is_protected, protect
from k3k_core.lifecycle.prune import PruneRequest, plan_prune, prune
from k3k_core.lifecycle.ttl import TtlChange, expires_at_of, set_ttl
from k3k_core.names import ControlPlaneId
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, POD, SECRET, STATEFUL_SET
from k3k_core.sandbox import Sandbox
from k3k_core.sandbox.api.faults import Fault, Request
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest
from tests.support.programs import environment
from tests.support.stopping import objects_of, secrets_of, stopped_everywhere
from tests.support.warm import start_warm

pytestmark = [
    pytest.mark.skipif(bool(REAL), reason="stops by the sandbox's request hooks"),
    pytest.mark.timeout(300),
]

ONE = ControlPlaneId("chaos", "one")
WALKS = pytest.mark.parametrize(
    ("overrides", "answered", "every"),
    [((), False, 3), (("datastore.kind=etcd", "servers=2"), True, 1)],
    ids=["sqlite, request lost", "etcd, answer lost"],
)


async def made(kubeconfig: Path, overrides: tuple[str, ...]) -> None:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await create(host, CreateRequest(ONE, load_values("", overrides=overrides)))


def pods_of(sandbox: Sandbox) -> list[str]:
    return [item["metadata"]["name"] for item in sandbox.store.list(POD, ONE.namespace)]


def replicas_of(sandbox: Sandbox) -> dict[str, int]:
    return {
        item["metadata"]["name"]: item["spec"]["replicas"]
        for item in sandbox.store.list(STATEFUL_SET, ONE.namespace)
    }


def kept_of(sandbox: Sandbox) -> tuple[Any, ...]:
    """What neither verb may touch: every Secret's contents, the volumes, and all objects but pods."""
    volumes = {item["metadata"]["uid"] for item in sandbox.store.list(PERSISTENT_VOLUME_CLAIM, ONE.namespace)}
    objects = {entry for entry in objects_of(sandbox, ONE) if entry[0] != "Pod"}
    return secrets_of(sandbox, ONE), volumes, objects


async def is_marked(host: Host) -> bool:
    return paused_at(await host.get(SECRET, ONE.namespace, ONE.root)) is not None


@WALKS
async def test_a_pause_stopped_after_any_request_finishes_when_repeated(
    sandbox: Sandbox, kubeconfig: Path, overrides: tuple[str, ...], answered: bool, every: int
) -> None:
    await made(kubeconfig, overrides)
    before, running = kept_of(sandbox), replicas_of(sandbox)

    async def verb(host: Host, _spare: int) -> None:
        # As the command does: what the plan has nothing to do for is left as it is.
        if not (await plan_pause(host, ONE)).nothing_to_do:
            await pause(host, PauseRequest(ONE, timeout=60.0))

    async def check(host: Host, spare: int) -> None:
        assert (pods_of(sandbox), await is_marked(host)) == ([], True), f"after {spare} requests"
        assert kept_of(sandbox) == before, f"after {spare} requests"
        assert (await resume(host, ONE, timeout=60.0)).ready
        assert replicas_of(sandbox) == running

    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=answered, every=every)


@WALKS
async def test_a_resume_stopped_after_any_request_finishes_when_repeated(
    sandbox: Sandbox, kubeconfig: Path, overrides: tuple[str, ...], answered: bool, every: int
) -> None:
    await made(kubeconfig, overrides)
    before, running, pods = kept_of(sandbox), replicas_of(sandbox), pods_of(sandbox)

    async def verb(host: Host, _spare: int) -> None:
        if not (await plan_resume(host, ONE)).nothing_to_do:
            assert (await resume(host, ONE, timeout=60.0)).ready

    async def check(host: Host, spare: int) -> None:
        assert (sorted(pods_of(sandbox)), await is_marked(host)) == (sorted(pods), False), f"after {spare}"
        assert (kept_of(sandbox), replicas_of(sandbox)) == (before, running), f"after {spare} requests"
        await pause(host, PauseRequest(ONE, timeout=60.0))

    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await pause(host, PauseRequest(ONE))
    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=answered, every=every)


@pytest.mark.parametrize("answered", [False, True], ids=["request lost", "answer lost"])
async def test_marks_on_the_root_that_were_stopped_anywhere_are_set_when_repeated(
    sandbox: Sandbox, kubeconfig: Path, answered: bool
) -> None:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await create(host, CreateRequest(ONE, load_values(""), wait=False))
    before, begun = kept_of(sandbox), datetime(2026, 11, 23, tzinfo=UTC)

    async def verb(host: Host, spare: int) -> None:
        change = TtlChange("set", 3600.0 * (spare + 1))
        await set_ttl(host, ONE, change, now=begun)
        await protect(host, ONE, on=spare % 2 == 0)

    async def check(host: Host, spare: int) -> None:
        root = await host.get(SECRET, ONE.namespace, ONE.root)
        assert expires_at_of(root) == begun + timedelta(hours=spare + 1), f"after {spare} requests"
        assert (is_protected(root), kept_of(sandbox)) == (spare % 2 == 0, before), f"after {spare} requests"

    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=answered)


@pytest.mark.parametrize(("answered", "every"), [(False, 7), (True, 1)], ids=["request lost", "answer lost"])
async def test_a_prune_stopped_after_any_request_finishes_when_repeated(
    sandbox: Sandbox, kubeconfig: Path, answered: bool, every: int
) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    safe = ControlPlaneId(ONE.namespace, "safe")

    async def make(host: Host, identity: ControlPlaneId, *overrides: str) -> None:
        await create(host, CreateRequest(identity, load_values("", overrides=overrides), wait=False))
        await set_ttl(host, identity, TtlChange("set", 60.0), now=now - timedelta(hours=1))

    async def verb(host: Host, _spare: int) -> None:
        request = PruneRequest(ONE.namespace)
        endings = await plan_prune(host, request, now=now)
        result = await prune(host, request, endings, now=now, max_parallel=1, timeout=60.0)
        assert not result.of("failed")

    async def check(host: Host, spare: int) -> None:
        assert objects_of(sandbox, ONE) == set(), f"after {spare} requests"
        assert objects_of(sandbox, safe) == whole, f"after {spare} requests"
        await make(host, ONE)

    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await make(host, ONE)
        await make(host, safe, "protect=true")
    whole = objects_of(sandbox, safe)
    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=answered, every=every)


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_one_killed_when_it_changes_the_servers_finishes_when_repeated(
    host: HostUnderTest, verb: str
) -> None:
    assert host.sandbox is not None
    (await host.k3k("create", "ci", "-n", host.namespace)).checked()
    if verb == "resume":
        (await host.k3k("pause", "ci", "-n", host.namespace)).checked()
    process = None

    def kill(request: Request) -> Fault | None:
        if process is None or request.method != "PATCH" or request.info.plural != "statefulsets":
            return None
        process.kill()
        return Fault(drop="after")

    host.sandbox.faults.append(kill)
    try:
        process = await start_warm((verb, "ci", "-n", host.namespace), environment(host.kubeconfig))
        await process.communicate()
    finally:
        host.sandbox.faults.hooks.remove(kill)
    assert process.returncode == -signal.SIGKILL
    (await host.k3k(verb, "ci", "-n", host.namespace)).checked()
    listed = (await host.k3k("list", "-n", host.namespace, "-o", "json")).checked().out
    (row,) = json.loads(listed)["items"]
    assert row["verdict"] == ("Paused" if verb == "pause" else "Healthy")
