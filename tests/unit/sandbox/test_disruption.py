"""PodDisruptionBudgets: how many pods may go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from k3k_core.resources import NAMESPACE, POD, POD_DISRUPTION_BUDGET, STATEFUL_SET
from k3k_core.sandbox.controllers.disruption import DisruptionController
from k3k_core.sandbox.controllers.kinds import REPLICA_SET
from tests.support.control_loop import ControlLoop, control_loop
from tests.support.sandbox_objects import pod, ready_status, stateful_set

TYPES = (NAMESPACE, POD, STATEFUL_SET, REPLICA_SET, POD_DISRUPTION_BUDGET)


@pytest.fixture
async def loop() -> AsyncIterator[ControlLoop]:
    async with control_loop(lambda client, _: [DisruptionController(client)], TYPES) as running:
        yield running


def budget(**spec: Any) -> dict[str, Any]:
    selector = {"matchLabels": {"app": "web"}}
    return {"metadata": {"name": "web", "namespace": "ns"}, "spec": {"selector": selector, **spec}}


async def fill(loop: ControlLoop, *, replicas: int, ready: int) -> None:
    owner = await loop.put(STATEFUL_SET, stateful_set(replicas=replicas))
    for number in range(replicas):
        made = pod(f"web-{number}")
        reference = {
            "kind": "StatefulSet",
            "name": "web",
            "uid": owner["metadata"]["uid"],
            "controller": True,
        }
        made["metadata"].update(labels={"app": "web"}, ownerReferences=[reference])
        made["status"] = ready_status() if number < ready else {"phase": "Running"}
        await loop.put(POD, made)


@pytest.mark.parametrize(
    ("spec", "ready", "desired", "allowed"),
    [
        ({"minAvailable": 2}, 3, 2, 1),
        ({"minAvailable": 2}, 2, 2, 0),
        ({"maxUnavailable": 1}, 3, 2, 1),
        ({"minAvailable": "50%"}, 3, 2, 1),
        ({"maxUnavailable": "100%"}, 3, 0, 3),
    ],
)
async def test_the_status_counts_healthy_pods_against_the_wanted_ones(
    loop: ControlLoop, spec: dict[str, Any], ready: int, desired: int, allowed: int
) -> None:
    await loop.put(POD_DISRUPTION_BUDGET, budget(**spec))
    await fill(loop, replicas=3, ready=ready)
    status = loop.get(POD_DISRUPTION_BUDGET, "web")["status"]
    assert status["expectedPods"] == 3
    assert (status["currentHealthy"], status["desiredHealthy"]) == (ready, desired)
    assert status["disruptionsAllowed"] == allowed
    assert status["conditions"][0]["reason"] == ("SufficientPods" if allowed else "InsufficientPods")
