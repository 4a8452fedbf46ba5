"""Hosts and servers that misbehave while a control plane is upgraded."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from k3k_core.errors import ConflictError, HostError, NotFoundError, NotReadyError
from k3k_core.host import Host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.progress import Step
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import ControlPlaneId
from k3k_core.resources import NETWORK_POLICY, POD, SECRET
from k3k_core.sandbox.api.faults import Fault, Hook, Request
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest

pytestmark = pytest.mark.skipif(bool(REAL), reason="faults are injected into the sandbox")

OLD, NEW = "v1.35.8+k3s1", "v1.36.4+k3s1"


async def made(host: HostUnderTest, api: Host, *overrides: str) -> ControlPlaneId:
    identity = ControlPlaneId(host.namespace, "one")
    values = load_values("", overrides=(f"version={OLD}", *overrides))
    await create(api, CreateRequest(identity, values))
    return identity


def every(nth: int, fault: Fault) -> Hook:
    """Make every nth request fail."""
    seen = 0

    def hook(_request: Request) -> Fault | None:
        nonlocal seen
        seen += 1
        return fault if seen % nth == 0 else None

    return hook


async def is_new(api: Host, identity: ControlPlaneId) -> bool:
    pod = await api.get(POD, identity.namespace, f"{identity.server}-0")
    image: str = pod["spec"]["containers"][0]["image"]
    return image.endswith(":v1.36.4-k3s1")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429, headers={"Retry-After": "0"}, body={"kind": "Status", "reason": "TooManyRequests"}),
        Fault(drop="before"),
    ],
    ids=["429", "dropped"],
)
async def test_passing_trouble_with_every_third_request_delays_an_upgrade_and_no_more(
    host: HostUnderTest, api: Host, fault: Fault
) -> None:
    assert host.sandbox is not None
    one = await made(host, api)
    host.sandbox.faults.append(every(3, fault))
    assert (await upgrade(api, UpgradeRequest(one, version=NEW, timeout=60))).ready
    host.sandbox.faults.hooks.clear()
    assert await is_new(api, one)


async def test_a_field_that_somebody_else_owns_is_found_before_anything_is_touched(
    host: HostUnderTest, api: Host
) -> None:
    one = await made(host, api)
    edited = await host.kubectl(
        "-n", host.namespace, "label", "networkpolicy", "one-k3k", "--overwrite",
        "--field-manager=gardener", "app.kubernetes.io/part-of=other",
    )  # fmt: skip
    edited.checked()
    before = await api.get(SECRET, one.namespace, one.root)

    with pytest.raises(ConflictError, match="gardener") as refusal:
        await upgrade(api, UpgradeRequest(one, version=NEW))
    assert "NetworkPolicy/one-k3k" in refusal.value.message
    assert "--force-conflicts" in refusal.value.message
    assert await api.get(SECRET, one.namespace, one.root) == before

    await upgrade(api, UpgradeRequest(one, version=NEW, force_conflicts=True))
    live = await api.get(NETWORK_POLICY, one.namespace, one.root)
    assert live["metadata"]["labels"]["app.kubernetes.io/part-of"] == "k3k"


async def test_an_upgrade_that_the_host_breaks_off_goes_on_when_it_is_repeated(
    host: HostUnderTest, api: Host
) -> None:
    assert host.sandbox is not None
    one = await made(host, api)
    body = {"kind": "Status", "status": "Failure", "code": 500, "message": "etcd is on fire"}

    def burning(request: Request) -> Fault | None:
        touches = request.info.plural == "statefulsets" and "dryRun" not in request.query
        return Fault(status=500, body=body) if touches and request.method == "PATCH" else None

    host.sandbox.faults.append(burning)
    with pytest.raises(HostError, match="etcd is on fire"):
        await upgrade(api, UpgradeRequest(one, version=NEW))
    host.sandbox.faults.hooks.clear()
    assert not await is_new(api, one)

    done = await upgrade(api, UpgradeRequest(one, version=NEW))
    assert (done.changed, done.revision, await is_new(api, one)) == (False, 2, True)


async def test_a_server_that_is_lost_meanwhile_is_waited_for(host: HostUnderTest, api: Host) -> None:
    one = await made(host, api, "datastore.kind=etcd", "servers=2")
    steps: list[Step] = []
    lost = False

    def lose(step: Step) -> None:
        """Take the other server away as soon as the first is new."""
        nonlocal lost
        steps.append(step)
        if step.name == "server" and step.state == "done" and not lost:
            lost = True
            assert host.sandbox is not None
            store = host.sandbox.store
            pod = store.get(POD, one.namespace, f"{one.server}-1")
            if pod is not None:
                with suppress(NotFoundError):
                    store.delete(POD, one.namespace, f"{one.server}-1")

    done = await upgrade(api, UpgradeRequest(one, version=NEW, timeout=60), lose)
    assert (done.ready, lost) == (True, True)
    names = {step.subject for step in steps if step.name == "server"}
    assert names == {f"Pod/{one.server}-0", f"Pod/{one.server}-1"}
    assert await is_new(api, one)


async def test_a_server_that_never_becomes_ready_is_named_and_the_others_are_left_alone(
    host: HostUnderTest, api: Host
) -> None:
    assert host.sandbox is not None
    one = await made(host, api, "datastore.kind=etcd", "servers=2")
    faults = host.sandbox.faults_of(one.namespace, f"{one.server}-1")
    told: list[Step] = []

    def spoil(step: Step) -> None:
        told.append(step)
        if step.name == "apply":
            faults.switch_on("unready")

    with pytest.raises(NotReadyError) as failure:
        await upgrade(api, UpgradeRequest(one, version=NEW, timeout=2), spoil)
    assert f"pod {one.server}-1: running, but its readiness probe has not passed yet" in failure.value.message
    assert not await is_new(api, one)

    faults.switch_off()
    done = await upgrade(api, UpgradeRequest(one, version=NEW, timeout=60))
    assert (done.changed, done.ready, await is_new(api, one)) == (False, True, True)


async def test_an_upgrade_without_waiting_is_finished_by_the_host(host: HostUnderTest, api: Host) -> None:
    one = await made(host, api)
    done = await upgrade(api, UpgradeRequest(one, version=NEW, wait=False))
    assert not done.ready
    assert host.sandbox is not None
    again: Any = await upgrade(api, UpgradeRequest(one, version=NEW, timeout=30))
    assert (again.ready, await is_new(api, one)) == (True, True)
