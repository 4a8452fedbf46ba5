"""When servers count as ready, and what keeps a pod from starting."""

from __future__ import annotations

from typing import Any, cast

import pytest

from k3k_core.errors import NotReadyError
from k3k_core.host import HostApi
from k3k_core.lifecycle.readiness import explained, is_ready, trouble_of
from k3k_core.names import LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import EVENT
from tests.support.fleet_host import FleetHost

ID = ControlPlaneId("team", "dev")


def stateful_set(**status: int) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "status": status}


def test_servers_are_ready_when_all_run_the_newest_specification() -> None:
    assert is_ready(stateful_set(observedGeneration=2, readyReplicas=3, updatedReplicas=3), 3)


@pytest.mark.parametrize(
    "status",
    [
        {"observedGeneration": 1, "readyReplicas": 3, "updatedReplicas": 3},
        {"observedGeneration": 2, "readyReplicas": 2, "updatedReplicas": 3},
        {"observedGeneration": 2, "readyReplicas": 3, "updatedReplicas": 2},
        {"observedGeneration": 2},
        {},
    ],
)
def test_servers_are_not_ready_before(status: dict[str, int]) -> None:
    assert not is_ready(stateful_set(**status), 3)


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"status": {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}}]}}


def test_an_image_that_cannot_be_pulled_is_trouble() -> None:
    assert trouble_of(waiting("ImagePullBackOff", "back-off")) == "ImagePullBackOff: back-off"


def test_a_container_that_is_being_created_is_not() -> None:
    assert trouble_of(waiting("ContainerCreating")) == ""


def test_a_crash_loop_tells_the_last_exit_code() -> None:
    pod = waiting("CrashLoopBackOff")
    pod["status"]["containerStatuses"][0]["lastState"] = {"terminated": {"exitCode": 137}}
    assert trouble_of(pod) == "CrashLoopBackOff (last exit code 137)"


def test_a_pod_no_node_takes_is_trouble_with_the_schedulers_words() -> None:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/3 nodes are available",
    }
    assert trouble_of({"status": {"conditions": [condition]}}) == "Unschedulable: 0/3 nodes are available"


def test_trouble_of_an_init_container_counts() -> None:
    pod = {"status": {"initContainerStatuses": waiting("ErrImagePull")["status"]["containerStatuses"]}}
    assert trouble_of(pod) == "ErrImagePull"


def refused(name: str, message: str, *, at: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.{at}", "namespace": ID.namespace},
        "reason": "FailedCreate",
        "involvedObject": {"kind": "StatefulSet", "name": name},
        "lastTimestamp": at,
        "message": message,
    }


def servers(*, replicas: int, made: int) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {
            "name": ID.server,
            "namespace": ID.namespace,
            "labels": {LABEL_CONTROL_PLANE: ID.name},
        },
        "spec": {"replicas": replicas},
        "status": {"replicas": made},
    }


async def told(host: FleetHost) -> str:
    late = NotReadyError("Control plane team/dev was not ready within 9 s.")
    return (await explained(cast("HostApi", host), ID, late, verb="create")).message


async def test_what_keeps_the_host_from_making_a_pod_is_told_in_its_newest_words() -> None:
    host = FleetHost()
    host.put(
        servers(replicas=1, made=0),
        refused(ID.server, "exceeded quota: old", at="2026-01-01T00:00:00Z"),
        refused(ID.server, "exceeded quota: tight", at="2026-01-01T00:00:09Z"),
        refused("dev2-k3k-server", "another control plane"),
    )
    message = await told(host)
    assert f"StatefulSet {ID.server}: exceeded quota: tight" in message
    assert "old" not in message
    assert "another" not in message
    assert "controller" not in message


async def test_what_was_refused_once_and_made_later_is_no_news() -> None:
    host = FleetHost()
    host.put(servers(replicas=1, made=1), refused(ID.server, "exceeded quota: tight"))
    assert "quota" not in await told(host)


async def test_who_may_not_read_events_is_told_of_the_pods_all_the_same() -> None:
    host = FleetHost()
    host.hidden = {EVENT}
    host.put(servers(replicas=1, made=0))
    assert "no pod exists" in await told(host)
