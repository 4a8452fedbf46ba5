"""The simulated node: what a pod goes through until it is ready, and what stops it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from k3k_core.resources import (
    CONFIG_MAP,
    EVENT,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SECRET,
    Resource,
)
from k3k_core.sandbox.controllers.client import Client
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.kinds import NODE, PERSISTENT_VOLUME, STORAGE_CLASS
from k3k_core.sandbox.controllers.pods import condition, is_ready
from k3k_core.sandbox.controllers.runtime import Controller, Key
from k3k_core.sandbox.controllers.volumes import VolumeController, standard_storage_class
from k3k_core.sandbox.node.images import Program
from k3k_core.sandbox.node.kubelet import Kubelet
from k3k_core.sandbox.node.log import Log
from k3k_core.sandbox.node.machine import NODE_NAME, node_manifest, node_status
from k3k_core.sandbox.node.process import Launch, ProbeRequest, StartError
from k3k_core.sandbox.node.scheduler import Scheduler
from tests.support.control_loop import ControlLoop, control_loop
from tests.support.sandbox_objects import claim_template, pod
from tests.support.tasks import tasks

TYPES: tuple[Resource, ...] = (
    NAMESPACE,
    EVENT,
    POD,
    SECRET,
    CONFIG_MAP,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    PERSISTENT_VOLUME,
    STORAGE_CLASS,
)
pytestmark = pytest.mark.looptime


class FakeProgram:
    """A program that does as the test says."""

    def __init__(self) -> None:
        self.status = 200
        self.crash = ""
        self.launches: list[Launch] = []
        self.requests: list[ProbeRequest] = []
        self.stopped = 0

    def start(self, launch: Launch) -> FakeProgram:
        self.launches.append(launch)
        if self.crash:
            raise StartError(self.crash)
        return self

    def turn(self, status: int) -> None:
        """Answer differently from now on."""
        self.status = status
        self.launches[-1].changed()

    def answer(self, request: ProbeRequest) -> int:
        self.requests.append(request)
        if not self.status:
            raise ConnectionRefusedError
        return self.status

    def accepts(self, port: int) -> bool:
        return port == 6443

    def healthy(self) -> bool:
        return self.status == 200

    def log(self) -> Log:
        log = Log(lambda: datetime.now(UTC))
        log.write("hello")
        return log

    def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def program() -> FakeProgram:
    return FakeProgram()


@pytest.fixture
async def loop(program: FakeProgram) -> AsyncIterator[ControlLoop]:
    def look_again(controller: Controller, key: Key) -> None:
        running.manager.enqueue(controller, key)

    def make(client: Client, events: EventRecorder) -> list[Controller]:
        kubelet = Kubelet(
            client,
            events,
            {Program.K3S: program.start},
            tasks(),
            node=NODE_NAME,
            node_address="127.70.0.1",
            pod_address=lambda _: "127.70.0.2",
            release_address=lambda _: None,
            enqueue=look_again,
        )
        return [VolumeController(client, events), Scheduler(client, events), kubelet]

    async with control_loop(make, TYPES) as running:
        node = {**node_manifest("127.70.0.1"), "status": node_status("127.70.0.1", "v1.36.2", "")}
        await running.put(NODE, node)
        await running.put(STORAGE_CLASS, standard_storage_class())
        yield running


def k3s(**more: Any) -> dict[str, Any]:
    return {"name": "k3s", "image": "rancher/k3s:v1.33.4-k3s1", **more}


def probe(period: int = 1, threshold: int = 3, **more: Any) -> dict[str, Any]:
    get = {"path": "/readyz", "port": 6443, "scheme": "HTTPS"}
    return {"httpGet": get, "periodSeconds": period, "failureThreshold": threshold, **more}


def waiting(loop: ControlLoop, name: str = "web") -> dict[str, Any]:
    state: dict[str, Any] = loop.get(POD, name)["status"]["containerStatuses"][0]["state"]["waiting"]
    return state


async def test_a_plain_pod_is_scheduled_started_and_ready(loop: ControlLoop) -> None:
    await loop.put(POD, pod("web"))
    ready = loop.get(POD, "web")
    assert is_ready(ready)
    assert ready["spec"]["nodeName"] == NODE_NAME
    assert ready["status"]["podIP"] == "127.70.0.2"
    assert loop.reasons("web") == ["Scheduled", "Pulled", "Created", "Started"]


async def test_a_pod_waits_for_a_secret_it_mounts_and_goes_on_when_it_appears(loop: ControlLoop) -> None:
    await loop.put(POD, pod("web", volumes=[{"name": "pki", "secret": {"secretName": "keys"}}]))
    assert waiting(loop) == {"reason": "ContainerCreating"}
    assert loop.messages("FailedMount") == [
        'MountVolume.SetUp failed for volume "pki" : secret "keys" not found'
    ]
    await loop.put(SECRET, {"metadata": {"name": "keys", "namespace": "ns"}, "data": {}})
    assert is_ready(loop.get(POD, "web"))


async def test_a_key_that_a_volume_asks_for_must_exist(loop: ControlLoop) -> None:
    await loop.put(CONFIG_MAP, {"metadata": {"name": "config", "namespace": "ns"}, "data": {"a": "1"}})
    volume = {"name": "cfg", "configMap": {"name": "config", "items": [{"key": "b", "path": "b"}]}}
    await loop.put(POD, pod("web", volumes=[volume]))
    assert loop.messages("FailedMount") == [
        'MountVolume.SetUp failed for volume "cfg" : references non-existent config key: b'
    ]


async def test_a_missing_key_of_the_environment_is_a_configuration_error(loop: ControlLoop) -> None:
    reference = {"secretKeyRef": {"name": "dsn", "key": "endpoint"}}
    await loop.put(POD, pod("web", k3s(env=[{"name": "DSN", "valueFrom": reference}])))
    assert waiting(loop) == {"reason": "CreateContainerConfigError", "message": 'secret "dsn" not found'}
    secret = {"metadata": {"name": "dsn", "namespace": "ns"}, "data": {"endpoint": "eA=="}}
    await loop.put(SECRET, secret)
    assert is_ready(loop.get(POD, "web"))


@pytest.mark.parametrize("image", ["rancher/k3s:v1.99.0-k3s1", "rancher/k3s:v1.33.4", "rancher/k3s:nonsense"])
async def test_a_tag_that_was_never_released_cannot_be_pulled(loop: ControlLoop, image: str) -> None:
    await loop.put(POD, pod("web", k3s(image=image)))
    assert waiting(loop)["reason"] == "ErrImagePull"
    await asyncio.sleep(2)
    assert waiting(loop)["reason"] == "ImagePullBackOff"
    assert loop.get(POD, "web")["status"]["phase"] == "Pending"


async def test_a_reference_that_is_none_is_an_invalid_image_name(loop: ControlLoop) -> None:
    await loop.put(POD, pod("web", k3s(image="Rancher/K3s:!")))
    assert waiting(loop)["reason"] == "InvalidImageName"


async def test_an_init_container_that_cannot_be_pulled_holds_the_others(loop: ControlLoop) -> None:
    init = {"name": "pki", "image": "rancher/k3s:nonsense"}
    await loop.put(POD, pod("web", initContainers=[init]))
    status = loop.get(POD, "web")["status"]
    assert status["initContainerStatuses"][0]["state"]["waiting"]["reason"] == "ErrImagePull"
    assert status["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"
    initialized = condition(loop.get(POD, "web"), "Initialized")
    assert initialized is not None
    assert initialized["message"] == "containers with incomplete status: [pki]"


async def test_a_crash_is_restarted_after_ten_then_twenty_seconds(
    loop: ControlLoop, program: FakeProgram
) -> None:
    program.crash = 'level=fatal msg="no"'
    await loop.put(POD, pod("web", k3s()))
    assert waiting(loop)["reason"] == "CrashLoopBackOff"
    assert waiting(loop)["message"].startswith("back-off 10s restarting failed container=k3s pod=web_ns(")
    await asyncio.sleep(9)
    assert len(program.launches) == 1
    await asyncio.sleep(2)
    assert len(program.launches) == 2
    await asyncio.sleep(19)
    assert len(program.launches) == 3
    program.crash = ""
    await asyncio.sleep(45)
    running = loop.get(POD, "web")
    assert is_ready(running)
    assert running["status"]["containerStatuses"][0]["restartCount"] == 3


async def test_readiness_follows_what_the_program_answers(loop: ControlLoop, program: FakeProgram) -> None:
    program.status = 503
    await loop.put(POD, pod("web", k3s(readinessProbe=probe())))
    assert not is_ready(loop.get(POD, "web"))
    assert loop.messages("Unhealthy") == ["Readiness probe failed: HTTP probe failed with statuscode: 503"]
    program.turn(200)
    await loop.manager.settled()
    assert is_ready(loop.get(POD, "web"))
    program.turn(500)
    await asyncio.sleep(5)
    assert not is_ready(loop.get(POD, "web"))


async def test_nothing_is_probed_while_nothing_changes(loop: ControlLoop, program: FakeProgram) -> None:
    await loop.put(POD, pod("web", k3s(readinessProbe=probe(), livenessProbe=probe())))
    made = len(program.requests)
    await asyncio.sleep(3600)
    assert len(program.requests) == made


async def test_probe_headers_reach_the_program(loop: ControlLoop, program: FakeProgram) -> None:
    spec = probe()
    spec["httpGet"]["httpHeaders"] = [{"name": "Authorization", "value": "Bearer x"}]
    await loop.put(POD, pod("web", k3s(readinessProbe=spec)))
    assert program.requests[0].headers == {"authorization": "Bearer x"}


async def test_a_refused_connection_is_told_with_its_address(loop: ControlLoop, program: FakeProgram) -> None:
    program.status = 0
    await loop.put(POD, pod("web", k3s(startupProbe=probe())))
    (message,) = loop.messages("Unhealthy")
    assert message == (
        'Startup probe failed: Get "https://127.70.0.2:6443/readyz": '
        "dial tcp 127.70.0.2:6443: connect: connection refused"
    )


async def test_a_startup_probe_that_fails_too_often_restarts_the_container(
    loop: ControlLoop, program: FakeProgram
) -> None:
    program.status = 503
    await loop.put(POD, pod("web", k3s(startupProbe=probe(period=1, threshold=5))))
    await asyncio.sleep(6)
    assert loop.messages("Killing") == ["Container k3s failed startup probe, will be restarted"]
    assert program.stopped == 1
    assert len(program.launches) == 2


async def test_readiness_waits_for_the_startup_probe(loop: ControlLoop, program: FakeProgram) -> None:
    program.status = 503
    spec = k3s(startupProbe=probe(threshold=100), readinessProbe=probe())
    await loop.put(POD, pod("web", spec))
    await asyncio.sleep(3)
    assert all(message.startswith("Startup") for message in loop.messages("Unhealthy"))
    program.turn(200)
    await loop.manager.settled()
    assert is_ready(loop.get(POD, "web"))


async def test_deleting_a_pod_stops_its_program_before_the_pod_is_gone(
    loop: ControlLoop, program: FakeProgram
) -> None:
    await loop.put(POD, pod("web", k3s()))
    await loop.delete(POD, "web")
    assert loop.names(POD) == []
    assert program.stopped == 1
    assert loop.messages("Killing") == ["Stopping container k3s"]


async def test_a_pod_with_a_finalizer_is_stopped_and_stays(loop: ControlLoop, program: FakeProgram) -> None:
    held = pod("web", k3s())
    held["metadata"]["finalizers"] = ["test/hold"]
    await loop.put(POD, held)
    await loop.delete(POD, "web")
    assert program.stopped == 1
    await loop.change(POD, "web", lambda obj: obj["metadata"].pop("finalizers"))
    assert loop.names(POD) == []


async def test_a_pod_waits_for_its_claim_and_says_why(loop: ControlLoop) -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    await loop.put(POD, pod("web", volumes=[volume]))
    (message,) = loop.messages("FailedScheduling")
    assert message == '0/1 nodes are available: persistentvolumeclaim "data" not found.'
    claim = {"metadata": {"name": "data", "namespace": "ns"}, "spec": claim_template()["spec"]}
    await loop.put(PERSISTENT_VOLUME_CLAIM, claim)
    assert is_ready(loop.get(POD, "web"))


async def test_a_claim_of_an_unknown_class_stays_pending(loop: ControlLoop) -> None:
    spec = {**claim_template()["spec"], "storageClassName": "fast"}
    claim = {"metadata": {"name": "data", "namespace": "ns"}, "spec": spec, "status": {"phase": "Pending"}}
    await loop.put(PERSISTENT_VOLUME_CLAIM, claim)
    assert loop.get(PERSISTENT_VOLUME_CLAIM, "data")["status"]["phase"] == "Pending"
    assert loop.messages("ProvisioningFailed") == ['storageclass.storage.k8s.io "fast" not found']


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"nodeSelector": {"disk": "ssd"}}, "1 node(s) didn't match Pod's node affinity/selector."),
        (
            {"containers": [{"name": "a", "image": "a", "resources": {"requests": {"cpu": "1000"}}}]},
            "1 Insufficient cpu.",
        ),
    ],
)
async def test_a_pod_that_fits_no_node_says_why(loop: ControlLoop, spec: dict[str, Any], reason: str) -> None:
    await loop.put(POD, pod("web", **spec) if "containers" not in spec else pod("web", *spec["containers"]))
    assert loop.messages("FailedScheduling") == [f"0/1 nodes are available: {reason}"]
    assert "nodeName" not in loop.get(POD, "web")["spec"]
