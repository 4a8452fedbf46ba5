"""Blue-green upgrades: what clients see, what is left, stopped anywhere, and back from anywhere."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from k3k_core.errors import ConflictError, NotReadyError
from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.delete import DeleteRequest, delete
from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig
from k3k_core.lifecycle.operation import operation_of
from k3k_core.lifecycle.progress import Step
from k3k_core.lifecycle.restart import restart
from k3k_core.lifecycle.rollback import RollbackRequest, rollback
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import COMPONENT_SERVER, LABEL_COMPONENT, ControlPlaneId
from k3k_core.resources import POD, SECRET, SERVICE, STATEFUL_SET
from k3k_core.sandbox import Sandbox
from k3k_core.values import load_values
from tests.support.hosts import REAL
from tests.support.steady_client import steady_client
from tests.support.stopping import (
    PhaseStopper,
    Stopper,
    objects_of,
    secrets_of,
    stopped,
    stopped_again_and_again,
)

pytestmark = [
    pytest.mark.skipif(bool(REAL), reason="stops by the sandbox's request hooks"),
    pytest.mark.timeout(300),
]

ONE = ControlPlaneId("chaos", "one")
OLD, NEW = "v1.35.8+k3s1", "v1.36.4+k3s1"
BLUE_GREEN = UpgradeRequest(ONE, version=NEW, strategy="blue-green", timeout=60.0, drain=0.0)
PHASES = ("green", "switch", "replace", "return", "clean")


async def made(host: Host, *overrides: str) -> None:
    values = load_values("", overrides=(f"version={OLD}", "datastore.kind=etcd", *overrides))
    await create(host, CreateRequest(ONE, values))


def phase_of(sandbox: Sandbox) -> str:
    root = sandbox.store.get(SECRET, ONE.namespace, ONE.root)
    note = operation_of(root) if root is not None else None
    return note.phase if note is not None else ""


def image_of_servers(sandbox: Sandbox) -> str:
    found = sandbox.store.get(POD, ONE.namespace, f"{ONE.server}-0")
    return str(found["spec"]["containers"][0]["image"]) if found is not None else ""


def component_served(sandbox: Sandbox) -> str:
    service = sandbox.store.get(SERVICE, ONE.namespace, ONE.service)
    return str(service["spec"]["selector"][LABEL_COMPONENT]) if service is not None else ""


@pytest.fixture
async def host(kubeconfig: Path) -> Any:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as opened:
        yield opened


async def test_a_client_that_reads_and_writes_all_the_time_needs_one_retry_at_most(
    sandbox: Sandbox, host: Host
) -> None:
    await made(host, "servers=2")
    async with steady_client(await fetch_kubeconfig(host, ONE)) as client:
        await upgrade(host, BLUE_GREEN)
        seen = client.calls
    assert client.failed == []
    assert seen > 0
    assert client.versions[-1] == NEW
    assert component_served(sandbox) == COMPONENT_SERVER


async def test_at_rest_there_is_what_there_was_before(sandbox: Sandbox, host: Host) -> None:
    await made(host)
    before = objects_of(sandbox, ONE), secrets_of(sandbox, ONE)
    steps: list[Step] = []
    done = await upgrade(host, BLUE_GREEN, steps.append)
    assert (done.version, done.revision, done.ready) == (NEW, 2, True)
    assert (objects_of(sandbox, ONE), secrets_of(sandbox, ONE)) == before
    assert [step.name for step in steps if step.state == "done" and step.name in PHASES] == [
        "green", "switch", "replace", "return", "green",
    ]  # fmt: skip
    assert phase_of(sandbox) == ""


async def test_the_first_set_is_not_touched_before_the_second_serves(sandbox: Sandbox, host: Host) -> None:
    await made(host)
    images: dict[str, tuple[str, str]] = {}

    def look(step: Step) -> None:
        if step.name in {"green", "switch"}:
            images[f"{step.name} {step.state}"] = (image_of_servers(sandbox), component_served(sandbox))

    await upgrade(host, BLUE_GREEN, look)
    old = "rancher/k3s:v1.35.8-k3s1"
    assert images["green started"] == (old, "server")
    assert images["switch done"] == (old, "server-green")


async def test_stopped_after_every_write_it_finishes(sandbox: Sandbox, host: Host, kubeconfig: Path) -> None:
    await made(host)
    before = objects_of(sandbox, ONE), secrets_of(sandbox, ONE)
    verb = partial(upgrade, request=BLUE_GREEN)
    stops = await stopped_again_and_again(sandbox, kubeconfig, verb, partial(phase_of, sandbox))
    assert stops > len(PHASES)
    assert (objects_of(sandbox, ONE), secrets_of(sandbox, ONE)) == before
    assert image_of_servers(sandbox) == "rancher/k3s:v1.36.4-k3s1"
    assert (component_served(sandbox), phase_of(sandbox)) == (COMPONENT_SERVER, "")


async def stop_at(sandbox: Sandbox, kubeconfig: Path, phase: str) -> None:
    """Stop an upgrade one write after it has noted a phase."""
    stopper = PhaseStopper(partial(phase_of, sandbox), phase)
    assert await stopped(sandbox, kubeconfig, partial(upgrade, request=BLUE_GREEN), stopper)
    assert phase_of(sandbox) == phase


@pytest.mark.parametrize("phase", ["green", "switch", "replace"])
async def test_until_the_first_set_is_replaced_a_rollback_goes_back_and_itself_can_be_stopped(
    sandbox: Sandbox, host: Host, kubeconfig: Path, phase: str
) -> None:
    await made(host)
    before = objects_of(sandbox, ONE), secrets_of(sandbox, ONE)
    await stop_at(sandbox, kubeconfig, phase)
    back = RollbackRequest(ONE, options=UpgradeRequest(ONE, timeout=60.0, drain=0.0))
    assert await stopped(sandbox, kubeconfig, partial(rollback, request=back), Stopper(3, answered=True))
    await rollback(host, back)
    assert image_of_servers(sandbox) == "rancher/k3s:v1.35.8-k3s1"
    assert (objects_of(sandbox, ONE), secrets_of(sandbox, ONE)) == before
    assert (component_served(sandbox), phase_of(sandbox)) == (COMPONENT_SERVER, "")


async def test_too_far_gone_a_rollback_says_to_finish_first(
    sandbox: Sandbox, host: Host, kubeconfig: Path
) -> None:
    await made(host)
    await stop_at(sandbox, kubeconfig, "return")
    with pytest.raises(ConflictError, match="too far") as refusal:
        await rollback(host, RollbackRequest(ONE))
    assert f"k3k upgrade one -n chaos --version {NEW}" in refusal.value.message
    await upgrade(host, BLUE_GREEN)
    assert phase_of(sandbox) == ""


async def test_meanwhile_other_verbs_are_refused_and_told_what_goes_on(
    sandbox: Sandbox, host: Host, kubeconfig: Path
) -> None:
    await made(host)
    await stop_at(sandbox, kubeconfig, "switch")
    with pytest.raises(ConflictError, match="in the middle of upgrade") as refusal:
        await restart(host, ONE)
    assert f"k3k upgrade one -n chaos --version {NEW}" in refusal.value.hint
    other = UpgradeRequest(ONE, assignments=("ttl=2h",))
    with pytest.raises(ConflictError, match="under way: the Service is being led to the second set"):
        await upgrade(host, other)


async def test_a_second_set_that_never_becomes_ready_leaves_clients_where_they_were(
    sandbox: Sandbox, host: Host
) -> None:
    await made(host)
    sandbox.faults_of(ONE.namespace, f"{ONE.green}-0").switch_on("unready")
    with pytest.raises(NotReadyError, match="one-k3k-green-0") as failure:
        await upgrade(host, UpgradeRequest(ONE, version=NEW, strategy="blue-green", timeout=1.0, drain=0.0))
    assert "the second set of servers is being started and probed" in failure.value.message
    assert f"`k3k upgrade one -n chaos --version {NEW}` goes on with it" in failure.value.hint
    assert "`k3k rollback one -n chaos` takes it back" in failure.value.hint
    assert (image_of_servers(sandbox), component_served(sandbox)) == ("rancher/k3s:v1.35.8-k3s1", "server")
    sandbox.faults_of(ONE.namespace, f"{ONE.green}-0").switch_off()
    assert (await upgrade(host, BLUE_GREEN)).version == NEW


async def test_on_failure_it_goes_back_by_itself_where_that_is_asked_for(
    sandbox: Sandbox, host: Host
) -> None:
    await made(host)
    before = objects_of(sandbox, ONE), secrets_of(sandbox, ONE)
    sandbox.faults_of(ONE.namespace, f"{ONE.green}-0").switch_on("unready")
    request = UpgradeRequest(
        ONE, version=NEW, strategy="blue-green", timeout=60.0, rollback_after=1.0, drain=0.0
    )
    with pytest.raises(NotReadyError, match="was taken back to what revision 1 was"):
        await upgrade(host, request)
    assert (objects_of(sandbox, ONE), secrets_of(sandbox, ONE)) == before
    assert (image_of_servers(sandbox), phase_of(sandbox)) == ("rancher/k3s:v1.35.8-k3s1", "")
    assert sandbox.store.get(STATEFUL_SET, ONE.namespace, ONE.green) is None


async def test_deleted_in_the_middle_nothing_is_left(sandbox: Sandbox, host: Host, kubeconfig: Path) -> None:
    await made(host)
    await stop_at(sandbox, kubeconfig, "switch")
    await delete(host, DeleteRequest(ONE))
    assert objects_of(sandbox, ONE) == set()
