"""Deployments and ReplicaSets: how many pods of which template exist."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from k3k_core.resources import DEPLOYMENT, EVENT, NAMESPACE, POD
from k3k_core.sandbox.controllers.client import Client
from k3k_core.sandbox.controllers.deployments import DeploymentController
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.garbage_collector import GarbageCollector
from k3k_core.sandbox.controllers.kinds import REPLICA_SET
from k3k_core.sandbox.controllers.pods import is_true
from k3k_core.sandbox.controllers.replica_sets import ReplicaSetController
from k3k_core.sandbox.controllers.runtime import Controller
from tests.support.control_loop import ControlLoop, control_loop
from tests.support.sandbox_objects import ready_status

TYPES = (NAMESPACE, EVENT, POD, DEPLOYMENT, REPLICA_SET)


@pytest.fixture
async def loop() -> AsyncIterator[ControlLoop]:
    def make(client: Client, events: EventRecorder) -> list[Controller]:
        return [
            GarbageCollector(client),
            DeploymentController(client, events),
            ReplicaSetController(client, events),
        ]

    async with control_loop(make, TYPES) as running:
        yield running


def deployment(replicas: int = 3, **spec: Any) -> dict[str, Any]:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "app:1"}]}}
    return {
        "metadata": {"name": "web", "namespace": "ns"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


async def make_ready(loop: ControlLoop) -> None:
    for pod in loop.store.list(POD):
        if not is_true(pod, "Ready") and loop.store.get(POD, "ns", pod["metadata"]["name"]):
            await loop.change(POD, pod["metadata"]["name"], lambda obj: obj.update(status=ready_status()))


def images(loop: ControlLoop) -> Counter[str]:
    return Counter(pod["spec"]["containers"][0]["image"] for pod in loop.store.list(POD))


async def new_image(loop: ControlLoop) -> None:
    def edit(obj: dict[str, Any]) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = "app:2"

    await loop.change(DEPLOYMENT, "web", edit)


async def test_it_makes_the_pods_and_reports_when_they_are_available(loop: ControlLoop) -> None:
    await loop.put(DEPLOYMENT, deployment())
    assert images(loop) == {"app:1": 3}
    assert not is_true(loop.get(DEPLOYMENT, "web"), "Available")
    await make_ready(loop)
    status = loop.get(DEPLOYMENT, "web")["status"]
    assert (status["readyReplicas"], status["availableReplicas"], status["updatedReplicas"]) == (3, 3, 3)
    assert is_true(loop.get(DEPLOYMENT, "web"), "Available")


async def test_an_update_keeps_enough_pods_available(loop: ControlLoop) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    await loop.put(DEPLOYMENT, deployment(strategy=rolling))
    await make_ready(loop)
    await new_image(loop)
    assert images(loop) == {"app:1": 3, "app:2": 1}
    for _ in range(3):
        await make_ready(loop)
    assert images(loop) == {"app:2": 3}


async def test_recreate_ends_all_old_pods_first(loop: ControlLoop) -> None:
    await loop.put(DEPLOYMENT, deployment(strategy={"type": "Recreate"}))
    await make_ready(loop)
    await new_image(loop)
    assert images(loop) == {"app:2": 3}


async def test_a_deleted_pod_is_replaced(loop: ControlLoop) -> None:
    await loop.put(DEPLOYMENT, deployment())
    victim = loop.names(POD)[0]
    await loop.delete(POD, victim)
    assert len(loop.names(POD)) == 3
    assert victim not in loop.names(POD)


async def test_scaling_changes_the_number_of_pods(loop: ControlLoop) -> None:
    await loop.put(DEPLOYMENT, deployment())
    await make_ready(loop)
    await loop.change(DEPLOYMENT, "web", lambda obj: obj["spec"].update(replicas=1))
    assert len(loop.names(POD)) == 1


async def test_deleting_it_takes_everything_along(loop: ControlLoop) -> None:
    await loop.put(DEPLOYMENT, deployment())
    await loop.delete(DEPLOYMENT, "web")
    assert loop.names(REPLICA_SET) == loop.names(POD) == []
