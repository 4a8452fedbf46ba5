"""StatefulSets: which pods exist, in which order they come, change and go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from k3k_core.resources import EVENT, NAMESPACE, PERSISTENT_VOLUME_CLAIM, POD, STATEFUL_SET
from k3k_core.sandbox.controllers.garbage_collector import GarbageCollector
from k3k_core.sandbox.controllers.kinds import CONTROLLER_REVISION
from k3k_core.sandbox.controllers.revisions import revision_hash
from k3k_core.sandbox.controllers.stateful_sets import StatefulSetController
from tests.support.control_loop import ControlLoop, control_loop
from tests.support.sandbox_objects import claim_template, ready_status, stateful_set

TYPES = (NAMESPACE, EVENT, POD, PERSISTENT_VOLUME_CLAIM, STATEFUL_SET, CONTROLLER_REVISION)


@pytest.fixture
async def loop() -> AsyncIterator[ControlLoop]:
    async with control_loop(
        lambda client, events: [GarbageCollector(client), StatefulSetController(client, events)], TYPES
    ) as running:
        yield running


async def make_ready(loop: ControlLoop, name: str) -> None:
    await loop.change(POD, name, lambda pod: pod.update(status=ready_status()))


async def make_all_ready(loop: ControlLoop) -> None:
    """Play the kubelet until nothing new appears."""
    seen: set[str] = set()
    while waiting := [
        pod
        for pod in loop.store.list(POD)
        if pod["metadata"]["uid"] not in seen and "deletionTimestamp" not in pod["metadata"]
    ]:
        for pod in waiting:
            seen.add(pod["metadata"]["uid"])
            if loop.store.get(POD, "ns", pod["metadata"]["name"]) is not None:
                await make_ready(loop, pod["metadata"]["name"])


def set_image(image: str) -> Any:
    def edit(obj: dict[str, Any]) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = image

    return edit


def images(loop: ControlLoop) -> dict[str, str]:
    return {pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"] for pod in loop.store.list(POD)}


async def test_each_pod_waits_for_the_one_before_it_to_be_ready(loop: ControlLoop) -> None:
    await loop.put(STATEFUL_SET, stateful_set(replicas=3))
    assert loop.names(POD) == ["web-0"]
    await make_ready(loop, "web-0")
    assert loop.names(POD) == ["web-0", "web-1"]


async def test_parallel_sets_make_all_pods_at_once(loop: ControlLoop) -> None:
    await loop.put(STATEFUL_SET, stateful_set(replicas=3, podManagementPolicy="Parallel"))
    assert loop.names(POD) == ["web-0", "web-1", "web-2"]


async def test_the_status_counts_pods_and_names_the_revisions(loop: ControlLoop) -> None:
    await loop.put(STATEFUL_SET, stateful_set())
    revision = loop.names(CONTROLLER_REVISION)[0]
    expected = {
        "observedGeneration": 1,
        "replicas": 1,
        "currentReplicas": 1,
        "updatedReplicas": 1,
        "currentRevision": revision,
        "updateRevision": revision,
        "collisionCount": 0,
        "availableReplicas": 0,
    }
    assert loop.get(STATEFUL_SET, "web")["status"] == expected
    await make_ready(loop, "web-0")
    assert loop.get(STATEFUL_SET, "web")["status"] == {**expected, "readyReplicas": 1, "availableReplicas": 1}


async def test_a_pod_knows_its_name_its_index_and_its_revision(loop: ControlLoop) -> None:
    made = await loop.put(STATEFUL_SET, stateful_set())
    pod = loop.get(POD, "web-0")
    assert pod["metadata"]["labels"] == {
        "app": "web",
        "apps.kubernetes.io/pod-index": "0",
        "controller-revision-hash": loop.names(CONTROLLER_REVISION)[0],
        "statefulset.kubernetes.io/pod-name": "web-0",
    }
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("web-0", "web")
    assert pod["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]


def test_revisions_are_named_as_the_real_controller_names_them() -> None:
    container = {
        "name": "k3s",
        "image": "rancher/k3s:v1.33.4-k3s1",
        "ports": [{"name": "api", "containerPort": 6443, "protocol": "TCP"}],
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }
    template = {
        "$patch": "replace",
        "metadata": {"labels": {"app": "cp"}},
        "spec": {
            "containers": [container],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "securityContext": {},
            "schedulerName": "default-scheduler",
        },
    }
    # Recorded from kube-controller-manager 1.36.2.
    assert revision_hash({"spec": {"template": template}}, 0) == "5fdcbc8867"


async def test_an_update_replaces_pods_from_the_last_to_the_first(loop: ControlLoop) -> None:
    await loop.put(STATEFUL_SET, stateful_set(replicas=2))
    await make_all_ready(loop)
    await loop.change(STATEFUL_SET, "web", set_image("registry/app:2"))
    assert images(loop) == {"web-0": "registry/app:1", "web-1": "registry/app:2"}
    await make_ready(loop, "web-1")
    assert images(loop) == {"web-0": "registry/app:2", "web-1": "registry/app:2"}
    await make_ready(loop, "web-0")
    status = loop.get(STATEFUL_SET, "web")["status"]
    assert status["currentRevision"] == status["updateRevision"]
    assert status["updatedReplicas"] == 2


async def test_a_set_whose_pod_never_gets_ready_stays_stuck_until_the_pod_is_deleted(
    loop: ControlLoop,
) -> None:
    await loop.put(STATEFUL_SET, stateful_set())
    await loop.change(STATEFUL_SET, "web", set_image("registry/app:2"))
    assert images(loop) == {"web-0": "registry/app:1"}
    await loop.delete(POD, "web-0")
    assert images(loop) == {"web-0": "registry/app:2"}


async def test_pods_below_the_partition_keep_their_revision(loop: ControlLoop) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    await loop.put(STATEFUL_SET, stateful_set(replicas=2, updateStrategy=strategy))
    await make_all_ready(loop)
    await loop.change(STATEFUL_SET, "web", set_image("registry/app:2"))
    await make_all_ready(loop)
    assert images(loop) == {"web-0": "registry/app:1", "web-1": "registry/app:2"}
    await loop.delete(POD, "web-0")
    assert images(loop)["web-0"] == "registry/app:1"


async def test_on_delete_pods_change_only_when_they_are_deleted(loop: ControlLoop) -> None:
    await loop.put(STATEFUL_SET, stateful_set(updateStrategy={"type": "OnDelete"}))
    await make_all_ready(loop)
    await loop.change(STATEFUL_SET, "web", set_image("registry/app:2"))
    assert images(loop) == {"web-0": "registry/app:1"}
    await loop.delete(POD, "web-0")
    assert images(loop) == {"web-0": "registry/app:2"}


async def test_going_back_reuses_the_old_revision_under_a_new_number(loop: ControlLoop) -> None:
    await loop.put(STATEFUL_SET, stateful_set())
    for image in ("registry/app:2", "registry/app:1"):
        await loop.change(STATEFUL_SET, "web", set_image(image))
    numbers = sorted(revision["revision"] for revision in loop.store.list(CONTROLLER_REVISION))
    assert numbers == [2, 3]


async def test_old_revisions_beyond_the_limit_are_deleted(loop: ControlLoop) -> None:
    await loop.put(STATEFUL_SET, stateful_set(revisionHistoryLimit=1, podManagementPolicy="Parallel"))
    for number in range(2, 6):
        await make_all_ready(loop)
        await loop.change(STATEFUL_SET, "web", set_image(f"registry/app:{number}"))
        await make_all_ready(loop)
    assert len(loop.names(CONTROLLER_REVISION)) == 2


async def test_scaling_down_takes_the_highest_pods_one_by_one(loop: ControlLoop) -> None:
    await loop.put(STATEFUL_SET, stateful_set(replicas=3))
    await make_all_ready(loop)
    await loop.change(STATEFUL_SET, "web", lambda obj: obj["spec"].update(replicas=1))
    assert loop.names(POD) == ["web-0"]
    assert loop.messages("SuccessfulDelete") == [
        "Delete Pod web-2 in StatefulSet web successful",
        "Delete Pod web-1 in StatefulSet web successful",
    ]


async def test_claims_are_made_before_the_pod_and_survive_it(loop: ControlLoop) -> None:
    await loop.put(STATEFUL_SET, stateful_set(volumeClaimTemplates=[claim_template()]))
    assert loop.names(PERSISTENT_VOLUME_CLAIM) == ["data-web-0"]
    volumes = loop.get(POD, "web-0")["spec"]["volumes"]
    assert volumes == [{"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}]
    await loop.delete(STATEFUL_SET, "web")
    assert loop.names(POD) == []
    assert loop.names(PERSISTENT_VOLUME_CLAIM) == ["data-web-0"]


async def test_when_deleted_delete_takes_the_claims_along(loop: ControlLoop) -> None:
    policy = {"whenDeleted": "Delete", "whenScaled": "Retain"}
    await loop.put(
        STATEFUL_SET,
        stateful_set(volumeClaimTemplates=[claim_template()], persistentVolumeClaimRetentionPolicy=policy),
    )
    await loop.delete(STATEFUL_SET, "web")
    assert loop.names(PERSISTENT_VOLUME_CLAIM) == []


async def test_when_scaled_delete_takes_only_the_claims_of_pods_scaled_away(loop: ControlLoop) -> None:
    policy = {"whenDeleted": "Retain", "whenScaled": "Delete"}
    await loop.put(
        STATEFUL_SET,
        stateful_set(
            replicas=2,
            volumeClaimTemplates=[claim_template()],
            persistentVolumeClaimRetentionPolicy=policy,
        ),
    )
    await make_all_ready(loop)
    await loop.change(STATEFUL_SET, "web", lambda obj: obj["spec"].update(replicas=1))
    assert loop.names(PERSISTENT_VOLUME_CLAIM) == ["data-web-0"]


async def test_a_pod_that_admission_refuses_leaves_an_event(loop: ControlLoop) -> None:
    loop.admission.refuse["web-0"] = 'pods "web-0" is forbidden: violates PodSecurity "restricted:latest": x'
    await loop.put(STATEFUL_SET, stateful_set())
    (message,) = loop.messages("FailedCreate")
    assert message == (
        "Create Pod web-0 in StatefulSet web failed error: "
        'pods "web-0" is forbidden: violates PodSecurity "restricted:latest": x'
    )
    assert loop.get(STATEFUL_SET, "web")["status"]["replicas"] == 0
