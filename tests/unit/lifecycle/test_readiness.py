"""When servers count as ready, and what keeps a pod from starting."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_core.lifecycle.readiness import is_ready, trouble_of


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
