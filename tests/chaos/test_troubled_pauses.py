"""Hosts and pods that misbehave while a control plane is paused, resumed or pruned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from k3k_core.concurrency import together
from k3k_core.errors import ConflictError, HostError, NotReadyError
from k3k_core.host import Host, wait_for
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.operation import Operation, begin
from k3k_core.lifecycle.pause import PauseRequest, pause, paused_at, resume
from k3k_core.lifecycle.progress import Step
from k3k_core.lifecycle.protect import protect
from k3k_core.lifecycle.prune import PruneRequest, plan_prune, prune
from k3k_core.lifecycle.ttl import TtlChange, set_ttl
from k3k_core.lifecycle.upgrade import UpgradeRequest, upgrade
from k3k_core.names import ControlPlaneId
from k3k_core.resources import POD, SECRET, STATEFUL_SET
from k3k_core.sandbox.api.faults import Fault, Hook, Request
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest

pytestmark = pytest.mark.skipif(bool(REAL), reason="faults are injected into the sandbox")

BUSY = Fault(status=429, headers={"Retry-After": "0"}, body={"kind": "Status", "reason": "TooManyRequests"})
BURNING = Fault(status=500, body={"kind": "Status", "status": "Failure", "message": "etcd is on fire"})


async def made(host: HostUnderTest, api: Host, *overrides: str, wait: bool = True) -> ControlPlaneId:
    identity = ControlPlaneId(host.namespace, "one")
    await create(api, CreateRequest(identity, load_values("", overrides=overrides), wait=wait))
    return identity


def inject(host: HostUnderTest, hook: Hook) -> None:
    assert host.sandbox is not None
    host.sandbox.faults.append(hook)


def every(nth: int, fault: Fault) -> Hook:
    """Make every nth request fail."""
    seen = 0

    def hook(_request: Request) -> Fault | None:
        nonlocal seen
        seen += 1
        return fault if seen % nth == 0 else None

    return hook


def scaling(fault: Fault) -> Hook:
    """Make every change of a StatefulSet fail."""
    return lambda request: (
        fault if request.info.plural == "statefulsets" and request.method == "PATCH" else None
    )


async def is_marked(api: Host, identity: ControlPlaneId) -> bool:
    return paused_at(await api.get(SECRET, identity.namespace, identity.root)) is not None


@pytest.mark.parametrize("fault", [BUSY, Fault(drop="before")], ids=["429", "dropped"])
async def test_passing_trouble_with_every_third_request_delays_and_no_more(
    host: HostUnderTest, api: Host, fault: Fault
) -> None:
    one = await made(host, api)
    now = datetime.now(UTC)
    inject(host, every(3, fault))
    await pause(api, PauseRequest(one, timeout=60))
    assert (await resume(api, one, timeout=60)).ready
    await protect(api, one)
    await protect(api, one, on=False)
    await set_ttl(api, one, TtlChange("set", 60.0), now=now - timedelta(hours=1))
    request = PruneRequest(one.namespace)
    result = await prune(api, request, await plan_prune(api, request, now=now), now=now, timeout=60)
    assert [each.state for each in result.outcomes] == ["done"]


async def test_an_answer_that_is_lost_does_not_make_a_time_to_live_longer_twice(
    host: HostUnderTest, api: Host
) -> None:
    one = await made(host, api, "ttl=1h", wait=False)
    lost: list[str] = []

    def lose_first(request: Request) -> Fault | None:
        if request.method != "PATCH" or lost:
            return None
        lost.append(request.path)
        return Fault(drop="after")

    inject(host, lose_first)
    now = datetime.now(UTC)
    lifetime = await set_ttl(api, one, TtlChange("extend", 3600.0), now=now)
    assert lifetime.before is not None
    assert lost
    root = await api.get(SECRET, one.namespace, one.root)
    ends = datetime.fromisoformat(root["metadata"]["annotations"]["k3k.ayedo.de/expires-at"])
    assert ends == lifetime.before + timedelta(hours=1) == lifetime.expires_at


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_what_the_host_breaks_off_goes_on_when_it_is_repeated(
    host: HostUnderTest, api: Host, verb: str
) -> None:
    one = await made(host, api)
    if verb == "resume":
        await pause(api, PauseRequest(one))

    async def run() -> Any:
        return await (pause(api, PauseRequest(one)) if verb == "pause" else resume(api, one, timeout=60))

    inject(host, scaling(BURNING))
    with pytest.raises(HostError, match="etcd is on fire"):
        await run()
    assert await is_marked(api, one)
    assert host.sandbox is not None
    host.sandbox.faults.hooks.clear()
    await run()
    pods = (await api.list(POD, one.namespace)).items
    assert (len(pods), await is_marked(api, one)) == ((0, True) if verb == "pause" else (1, False))


async def test_a_pod_that_does_not_end_is_named_and_the_pause_goes_on_when_it_has(
    host: HostUnderTest, api: Host
) -> None:
    one = await made(host, api)
    pod = f"{one.server}-0"
    await api.patch(POD, one.namespace, pod, {"metadata": {"finalizers": ["example.org/hold"]}})
    with pytest.raises(NotReadyError, match=f"pod {pod}: ") as failure:
        await pause(api, PauseRequest(one, timeout=1))
    assert "the same command, run again, goes on" in failure.value.hint
    await api.patch(POD, one.namespace, pod, {"metadata": {"finalizers": None}})
    await pause(api, PauseRequest(one, timeout=60))
    assert (await api.list(POD, one.namespace)).items == []


async def test_a_server_that_never_becomes_ready_is_named_and_the_resume_goes_on(
    host: HostUnderTest, api: Host
) -> None:
    one = await made(host, api)
    await pause(api, PauseRequest(one))
    assert host.sandbox is not None
    faults = host.sandbox.faults_of(one.namespace, f"{one.server}-0")
    told: list[Step] = []

    def spoil(step: Step) -> None:
        told.append(step)
        faults.switch_on("unready")

    with pytest.raises(NotReadyError, match=f"pod {one.server}-0: ") as failure:
        await resume(api, one, spoil, timeout=2)
    assert "the same resume, run again" in failure.value.hint
    faults.switch_off()
    assert (await resume(api, one, timeout=60)).ready


async def test_a_resume_gets_over_a_server_that_is_lost_while_others_start(
    host: HostUnderTest, api: Host
) -> None:
    one = await made(host, api, "datastore.kind=etcd", "servers=2")
    await pause(api, PauseRequest(one))
    pod = f"{one.server}-1"

    async def lose() -> bool:
        """Take a server away as soon as it is there."""
        await wait_for(api, POD, one.namespace, lambda pods: pods.get(pod), timeout=60, what=f"Pod {pod}")
        return await api.delete(POD, one.namespace, pod)

    done, lost = await together(resume(api, one, timeout=60), lose())
    assert (done.ready, lost) == (True, True)


async def test_after_a_pause_the_number_of_servers_can_be_changed_as_before(
    host: HostUnderTest, api: Host
) -> None:
    one = await made(host, api, "datastore.kind=etcd", "servers=2", wait=False)
    await pause(api, PauseRequest(one))
    await resume(api, one, wait=False)
    request = UpgradeRequest(one, assignments=("servers=3",), backup="skip", wait=False)
    assert (await upgrade(api, request)).changed
    workload = await api.get(STATEFUL_SET, one.namespace, one.server)
    assert workload["spec"]["replicas"] == 3


async def test_while_another_verb_is_under_way_nothing_is_paused_and_its_command_is_named(
    host: HostUnderTest, api: Host
) -> None:
    one = await made(host, api, wait=False)
    await begin(api, one, Operation("restore", "copying", command="backup restore one"))
    with pytest.raises(ConflictError, match="in the middle of restore") as refusal:
        await pause(api, PauseRequest(one))
    assert "`k3k backup restore one`" in refusal.value.hint
    assert not await is_marked(api, one)


async def test_what_was_given_longer_after_the_plan_is_not_pruned(host: HostUnderTest, api: Host) -> None:
    one = await made(host, api, wait=False)
    now = datetime.now(UTC)
    await set_ttl(api, one, TtlChange("set", 60.0), now=now - timedelta(hours=1))
    request = PruneRequest(one.namespace)
    plan = await plan_prune(api, request, now=now)
    await set_ttl(api, one, TtlChange("set", 3600.0), now=now)
    result = await prune(api, request, plan, now=now)
    (refused,) = result.of("failed")
    assert str(refused.error).endswith("nothing was deleted")
    assert await api.get(SECRET, one.namespace, one.root)
