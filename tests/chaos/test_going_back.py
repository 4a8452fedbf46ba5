"""Canaries, rollbacks and upgrades that go back by themselves: what servers run, and what history tells."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from k3k_core.errors import ConflictError, NotReadyError
from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.operation import operation_of
from k3k_core.lifecycle.progress import Step
from k3k_core.lifecycle.revisions import revisions
from k3k_core.lifecycle.rollback import RollbackRequest, rollback
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import ControlPlaneId
from k3k_core.resources import POD, SECRET
from k3k_core.sandbox import Sandbox
from k3k_core.values import load_values
from tests.support.hosts import REAL
from tests.support.stopping import objects_of, secrets_of, stopped_again_and_again

pytestmark = [
    pytest.mark.skipif(bool(REAL), reason="stops by the sandbox's request hooks"),
    pytest.mark.timeout(300),
]

ONE = ControlPlaneId("chaos", "one")
OLD, NEW = "v1.35.8+k3s1", "v1.36.4+k3s1"
SEVERAL = ("datastore.kind=etcd", "servers=2")
CANARY = UpgradeRequest(ONE, version=NEW, canary=True, canary_time=0.1, timeout=60.0)


@pytest.fixture
async def host(kubeconfig: Path) -> AsyncIterator[Host]:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as opened:
        yield opened


async def made(host: Host, *overrides: str) -> None:
    await create(host, CreateRequest(ONE, load_values("", overrides=(f"version={OLD}", *overrides))))


def versions(sandbox: Sandbox) -> list[str]:
    """Return the image tags of the servers, by number."""
    pods = [sandbox.store.get(POD, ONE.namespace, f"{ONE.server}-{number}") for number in range(2)]
    return [pod["spec"]["containers"][0]["image"].partition(":")[2] for pod in pods if pod is not None]


def phase_of(sandbox: Sandbox) -> str:
    root = sandbox.store.get(SECRET, ONE.namespace, ONE.root)
    note = operation_of(root) if root is not None else None
    return note.phase if note is not None else ""


async def test_a_canary_goes_first_and_the_others_follow_when_it_works(sandbox: Sandbox, host: Host) -> None:
    await made(host, *SEVERAL)
    seen: dict[str, list[str]] = {}

    def look(step: Step) -> None:
        if step.name == "canary":
            seen[step.message] = versions(sandbox)

    await upgrade(host, CANARY, look)
    assert seen["watching one-k3k-server-1 for 0.1 s"] == ["v1.35.8-k3s1", "v1.36.4-k3s1"]
    assert versions(sandbox) == ["v1.36.4-k3s1"] * 2
    assert phase_of(sandbox) == ""


@pytest.mark.parametrize("fault", ["unready", "lost"])
async def test_a_canary_that_does_not_work_goes_back_and_the_others_were_never_touched(
    sandbox: Sandbox, host: Host, fault: str
) -> None:
    await made(host, *SEVERAL)
    first = sandbox.store.get(POD, ONE.namespace, f"{ONE.server}-0")
    faults = sandbox.faults_of(ONE.namespace, f"{ONE.server}-1")

    def spoil(step: Step) -> None:
        if step.message.startswith("watching"):
            if fault == "unready":
                faults.switch_on("unready")
            else:
                sandbox.store.delete(POD, ONE.namespace, f"{ONE.server}-1")
        elif step.name == "back" and step.state == "started":
            faults.switch_off()

    request = UpgradeRequest(ONE, version=NEW, canary=True, canary_time=60.0, timeout=60.0)
    with pytest.raises(NotReadyError, match="was taken back to what revision 1 was"):
        await upgrade(host, request, spoil)
    assert versions(sandbox) == ["v1.35.8-k3s1"] * 2
    again = sandbox.store.get(POD, ONE.namespace, f"{ONE.server}-0")
    assert first is not None
    assert again is not None
    assert again["metadata"]["uid"] == first["metadata"]["uid"]
    assert [(each.number, each.taken_back) for each in await revisions(host, ONE)] == [
        (3, False), (2, True), (1, False),
    ]  # fmt: skip


async def test_a_canary_stopped_after_every_write_finishes(
    sandbox: Sandbox, host: Host, kubeconfig: Path
) -> None:
    await made(host, *SEVERAL, "network_policy.enabled=false")
    before = objects_of(sandbox, ONE), secrets_of(sandbox, ONE)
    verb = partial(upgrade, request=CANARY)
    assert await stopped_again_and_again(sandbox, kubeconfig, verb, partial(phase_of, sandbox)) > 0
    assert versions(sandbox) == ["v1.36.4-k3s1"] * 2
    assert (objects_of(sandbox, ONE), secrets_of(sandbox, ONE)) == before


async def test_a_canary_of_one_server_is_refused(host: Host) -> None:
    await made(host)
    with pytest.raises(ConflictError, match="one server of several"):
        await upgrade(host, CANARY)


async def test_a_rollback_stopped_after_every_write_goes_back_once(
    sandbox: Sandbox, host: Host, kubeconfig: Path
) -> None:
    await made(host, "resources.requests.memory=600Mi")
    await upgrade(host, UpgradeRequest(ONE, assignments=("resources.requests.memory=700Mi",)))
    before = objects_of(sandbox, ONE), secrets_of(sandbox, ONE)
    verb = partial(rollback, request=RollbackRequest(ONE))
    await stopped_again_and_again(sandbox, kubeconfig, verb, partial(phase_of, sandbox))
    pod = await host.get(POD, ONE.namespace, f"{ONE.server}-0")
    assert pod["spec"]["containers"][0]["resources"]["requests"]["memory"] == "600Mi"
    assert [each.number for each in await revisions(host, ONE)] == [3, 2, 1]
    assert (objects_of(sandbox, ONE), secrets_of(sandbox, ONE)) == before


async def test_said_again_a_rollback_stays_where_it_went(host: Host) -> None:
    await made(host)
    await upgrade(host, UpgradeRequest(ONE, assignments=("ttl=2h",)))
    assert (await rollback(host, RollbackRequest(ONE))).revision == 3
    again = await rollback(host, RollbackRequest(ONE))
    assert (again.revision, again.changed) == (3, False)
    assert (await rollback(host, RollbackRequest(ONE, to=2))).revision == 4


async def test_a_rollback_to_an_older_minor_names_the_backup_and_goes_back_only_when_allowed(
    sandbox: Sandbox, host: Host
) -> None:
    await made(host)
    await upgrade(host, UpgradeRequest(ONE, version=NEW))
    with pytest.raises(ConflictError, match="k3k backup restore one -n chaos"):
        await rollback(host, RollbackRequest(ONE))
    done = await rollback(host, RollbackRequest(ONE, to=1, allow_downgrade=True))
    assert (done.version, done.revision) == (OLD, 3)
    assert versions(sandbox) == ["v1.35.8-k3s1"]


async def test_an_upgrade_that_does_not_come_to_its_end_goes_back_after_its_time(
    sandbox: Sandbox, host: Host
) -> None:
    await made(host)
    before = objects_of(sandbox, ONE), secrets_of(sandbox, ONE)
    faults = sandbox.faults_of(ONE.namespace, f"{ONE.server}-0")

    def spoil(step: Step) -> None:
        if step.name == "ready":
            faults.switch_on("unready")
        elif step.name == "back" and step.state == "started":
            faults.switch_off()

    request = UpgradeRequest(ONE, version=NEW, rollback_after=1.0, timeout=60.0)
    with pytest.raises(NotReadyError, match="taken back to what revision 1 was") as failure:
        await upgrade(host, request, spoil)
    assert (
        "pod one-k3k-server-0: running, but its readiness probe has not passed yet" in failure.value.message
    )
    assert versions(sandbox) == ["v1.35.8-k3s1"]
    assert (objects_of(sandbox, ONE), secrets_of(sandbox, ONE)) == before


async def test_recreate_stops_all_servers_before_any_is_started(sandbox: Sandbox, host: Host) -> None:
    await made(host, *SEVERAL)
    seen: list[list[str]] = []

    def look(step: Step) -> None:
        if step.name == "stop" and step.state == "done":
            seen.append(versions(sandbox))

    done = await upgrade(host, UpgradeRequest(ONE, version=NEW, strategy="recreate", timeout=60.0), look)
    assert (done.ready, seen) == (True, [[]])
    assert versions(sandbox) == ["v1.36.4-k3s1"] * 2


async def test_a_recreate_stopped_after_every_write_finishes(
    sandbox: Sandbox, host: Host, kubeconfig: Path
) -> None:
    await made(host, *SEVERAL, "network_policy.enabled=false")
    before = objects_of(sandbox, ONE), secrets_of(sandbox, ONE)
    verb = partial(upgrade, request=UpgradeRequest(ONE, version=NEW, strategy="recreate", timeout=60.0))
    await stopped_again_and_again(sandbox, kubeconfig, verb, partial(phase_of, sandbox))
    assert versions(sandbox) == ["v1.36.4-k3s1"] * 2
    assert (objects_of(sandbox, ONE), secrets_of(sandbox, ONE)) == before
