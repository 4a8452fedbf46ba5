"""Upgrades and restarts stopped after each single request and then repeated.

Stopped after a request that only reads, an upgrade leaves the host as it does after the write before.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from k3k_core import manifests
from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.restart import ANNOTATION_RESTARTED, restart
from k3k_core.lifecycle.revisions import revisions
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import ControlPlaneId
from k3k_core.resources import POD, SECRET
from k3k_core.sandbox import Sandbox
from k3k_core.sandbox.api.faults import Fault, Request
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest
from tests.support.programs import K3K, start
from tests.support.stopping import objects_of, secrets_of, stopped_everywhere

pytestmark = [
    pytest.mark.skipif(bool(REAL), reason="stops by the sandbox's request hooks"),
    pytest.mark.timeout(300),
]

ONE = ControlPlaneId("chaos", "one")


async def test_an_upgrade_stopped_after_any_write_finishes_when_repeated(
    sandbox: Sandbox, kubeconfig: Path
) -> None:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await create(host, CreateRequest(ONE, load_values("")))
    secrets, whole = secrets_of(sandbox, ONE), objects_of(sandbox, ONE)

    async def verb(host: Host, spare: int) -> None:
        memory = f"resources.requests.memory={600 + spare}Mi"
        done = await upgrade(host, UpgradeRequest(ONE, assignments=(memory,), timeout=20.0))
        assert (done.revision, done.ready) == (spare + 2, True)

    async def check(host: Host, spare: int) -> None:
        memory, after = f"{600 + spare}Mi", f"after {spare} writes"
        newest = (await revisions(host, ONE))[0]
        assert (newest.number, newest.current) == (spare + 2, True), after
        root = await host.get(SECRET, ONE.namespace, ONE.root)
        kept = await host.get(SECRET, ONE.namespace, ONE.revision(spare + 2))
        assert memory in manifests.stored_values(root) == manifests.stored_values(kept), after
        pod = await host.get(POD, ONE.namespace, f"{ONE.server}-0")
        assert pod["spec"]["containers"][0]["resources"]["requests"]["memory"] == memory, after
        assert (secrets_of(sandbox, ONE), objects_of(sandbox, ONE)) == (secrets, whole), after

    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=True)


async def test_a_restart_stopped_after_any_request_restarts_once_when_repeated(
    sandbox: Sandbox, kubeconfig: Path
) -> None:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        await create(host, CreateRequest(ONE, load_values("")))
        pod = await host.get(POD, ONE.namespace, f"{ONE.server}-0")
    seen = {pod["metadata"]["uid"]}

    async def verb(host: Host, _spare: int) -> None:
        assert (await restart(host, ONE, timeout=20.0)).ready

    async def check(host: Host, spare: int) -> None:
        pod = await host.get(POD, ONE.namespace, f"{ONE.server}-0")
        assert pod["metadata"]["uid"] not in seen, f"after {spare} requests"
        assert ANNOTATION_RESTARTED in pod["metadata"]["annotations"]
        seen.add(pod["metadata"]["uid"])

    await stopped_everywhere(sandbox, kubeconfig, verb, check, answered=False)


@pytest.mark.parametrize("written", ["secrets/ci-k3k", "statefulsets/ci-k3k-server"])
async def test_an_upgrade_killed_when_it_writes_finishes_when_repeated(
    host: HostUnderTest, written: str
) -> None:
    assert host.sandbox is not None
    (await host.k3k("create", "ci", "-n", host.namespace, "--set", "version=v1.35.4+k3s1")).checked()
    command = (
        "upgrade",
        "ci",
        "-n",
        host.namespace,
        "--version",
        "v1.36.3+k3s1",
        "--yes",
        "--no-backup",
        "-o",
        "json",
    )
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
