"""Upgrades and restarts stopped after each single request and then repeated."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from k3k_core import manifests
from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.restart import ANNOTATION_RESTARTED, restart
from k3k_core.lifecycle.revisions import revisions
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import POD, SECRET, STATEFUL_SET
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.sandbox.api.faults import Fault, Request
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest
from tests.support.programs import K3K, start

pytestmark = [
    pytest.mark.skipif(bool(REAL), reason="stops by the sandbox's request hooks"),
    pytest.mark.timeout(300),
]

ONE = ControlPlaneId("chaos", "one")
# More requests than any verb makes; a walk that gets there has not found the end.
TOO_MANY = 60


class Stopper:
    """Cuts the way to the host for good after a number of requests.

    Args:
        spare: requests that are answered before; with `answered` only those that write count.
        answered: whether the request after them is handled, its answer lost.
    """

    def __init__(self, spare: int, *, answered: bool) -> None:
        self.spare = spare
        self.answered = answered
        self.seen = 0
        self.cut = asyncio.Event()

    def __call__(self, request: Request) -> Fault | None:
        if not request.user_agent.startswith("k3k"):
            return None
        if self.cut.is_set():
            return Fault(drop="before")
        # The answer to a question is lost without a trace, like the question.
        self.seen += not self.answered or (request.method != "GET" and "dryRun" not in request.query)
        if self.seen <= self.spare:
            return None
        self.cut.set()
        return Fault(drop="after" if self.answered else "before")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox.start(SandboxOptions(start_delay=0.01)) as running:
        yield running


@pytest.fixture
async def kubeconfig(sandbox: Sandbox, tmp_path: Path) -> Path:
    path = tmp_path / "host.yaml"
    path.write_text(sandbox.kubeconfig)
    return path


async def stopped(
    sandbox: Sandbox, kubeconfig: Path, verb: Callable[[Host], Awaitable[Any]], stopper: Stopper
) -> bool:
    """Run a verb on a connection of its own and stop it as a kill would; False when it ended before."""
    sandbox.faults.append(stopper)
    try:
        async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
            work = asyncio.ensure_future(verb(host))
            cut = asyncio.create_task(stopper.cut.wait())
            await asyncio.wait((work, cut), return_when=asyncio.FIRST_COMPLETED)
            ended = work.done() and not stopper.cut.is_set()
            for task in (work, cut):
                task.cancel()
            await asyncio.gather(work, cut, return_exceptions=True)
            return not ended
    finally:
        sandbox.faults.hooks.remove(stopper)


def secrets_of(sandbox: Sandbox) -> dict[str, Any]:
    """Return what must never change: authorities, tokens, the kubeconfig."""
    found = sandbox.store.list(SECRET, ONE.namespace)
    wanted = {ONE.pki, ONE.tokens, ONE.kubeconfig}
    return {item["metadata"]["name"]: item["data"] for item in found if item["metadata"]["name"] in wanted}


def objects(sandbox: Sandbox) -> set[tuple[str, str]]:
    """Return what belongs to the control plane, its revisions aside."""
    return {
        (resource.kind, item["metadata"]["name"])
        for resource in (SECRET, STATEFUL_SET, POD)
        for item in sandbox.store.list(resource, ONE.namespace)
        if (item["metadata"].get("labels") or {}).get(LABEL_CONTROL_PLANE) == ONE.name
        and not item["metadata"]["name"].startswith(f"{ONE.root}-r")
    }


@pytest.mark.parametrize("answered", [False, True], ids=["request lost", "answer lost"])
async def test_an_upgrade_stopped_after_any_request_finishes_when_repeated(
    sandbox: Sandbox, kubeconfig: Path, answered: bool
) -> None:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await create(host, CreateRequest(ONE, load_values("")))
        secrets, whole = secrets_of(sandbox), objects(sandbox)
        for spare in range(TOO_MANY):
            memory = f"{600 + spare}Mi"
            request = UpgradeRequest(ONE, assignments=(f"resources.requests.memory={memory}",), timeout=20.0)
            verb = partial(upgrade, request=request)
            was_stopped = await stopped(sandbox, kubeconfig, verb, Stopper(spare, answered=answered))
            done = await upgrade(host, request)

            after = f"after {spare} requests"
            assert (done.revision, done.ready) == (spare + 2, True), after
            newest = (await revisions(host, ONE))[0]
            assert (newest.number, newest.current) == (spare + 2, True), after
            root = await host.get(SECRET, ONE.namespace, ONE.root)
            kept = await host.get(SECRET, ONE.namespace, ONE.revision(spare + 2))
            assert memory in manifests.stored_values(root) == manifests.stored_values(kept), after
            pod = await host.get(POD, ONE.namespace, f"{ONE.server}-0")
            assert pod["spec"]["containers"][0]["resources"]["requests"]["memory"] == memory, after
            assert (secrets_of(sandbox), objects(sandbox)) == (secrets, whole), after
            if not was_stopped:
                return
    pytest.fail(f"an upgrade makes more than {TOO_MANY} requests")


async def test_a_restart_stopped_after_any_request_restarts_once_when_repeated(
    sandbox: Sandbox, kubeconfig: Path
) -> None:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await create(host, CreateRequest(ONE, load_values("")))
        for spare in range(TOO_MANY):
            before = await host.get(POD, ONE.namespace, f"{ONE.server}-0")
            verb = partial(restart, identity=ONE)
            was_stopped = await stopped(sandbox, kubeconfig, verb, Stopper(spare, answered=False))
            done = await restart(host, ONE, timeout=20.0)
            pod = await host.get(POD, ONE.namespace, f"{ONE.server}-0")
            assert done.ready
            assert pod["metadata"]["uid"] != before["metadata"]["uid"], f"after {spare} requests"
            assert ANNOTATION_RESTARTED in pod["metadata"]["annotations"]
            if not was_stopped:
                return
    pytest.fail(f"a restart makes more than {TOO_MANY} requests")


@pytest.mark.parametrize("written", ["secrets/ci-k3k", "statefulsets/ci-k3k-server"])
async def test_an_upgrade_killed_when_it_writes_finishes_when_repeated(
    host: HostUnderTest, written: str
) -> None:
    assert host.sandbox is not None
    (await host.k3k("create", "ci", "-n", host.namespace, "--set", "version=v1.35.4+k3s1")).checked()
    command = ("upgrade", "ci", "-n", host.namespace, "--version", "v1.36.3+k3s1", "--yes", "-o", "json")
    process = None

    def kill(request: Request) -> Fault | None:
        writes = request.method in {"PUT", "PATCH"} and "dryRun" not in request.path
        if process is None or not writes or not request.path.partition("?")[0].endswith(written):
            return None
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        return Fault(drop="after")

    host.sandbox.faults.append(kill)
    try:
        process = await start([K3K, *command], kubeconfig=host.kubeconfig)
        await process.communicate()
    finally:
        host.sandbox.faults.hooks.remove(kill)
    assert process.returncode == -signal.SIGKILL
    again = (await host.k3k(*command)).checked()
    assert '"version": "v1.36.3+k3s1"' in again.out
    assert '"revision": 2' in again.out
