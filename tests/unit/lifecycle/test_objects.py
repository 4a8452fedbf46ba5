"""Objects as they may be shown."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from k3k_core.errors import ForbiddenError, NotFoundError
from k3k_core.host.api import Listing
from k3k_core.lifecycle.objects import list_objects, without_secrets
from k3k_core.names import LABEL_CONTROL_PLANE, LABEL_INSTANCE, ControlPlaneId
from k3k_core.resources import POD, SECRET, SERVICE, STATEFUL_SET, Resource

ONE = ControlPlaneId("shop", "one")


def secret(**data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "one-k3k-tokens", "creationTimestamp": "2026-11-22T12:00:00Z"},
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in data.items()},
    }


class Host:
    """Lists what it was given, by resource type and label."""

    name = "prod"

    def __init__(
        self, *items: tuple[Resource, str, dict[str, Any]], forbidden: Resource | None = None
    ) -> None:
        self.items = items
        self.forbidden = forbidden

    async def list(self, resource: Resource, namespace: str, *, labels: str) -> Listing:
        if resource == self.forbidden:
            raise ForbiddenError("no")
        label = labels.partition("=")[0]
        found = [item for each, wanted, item in self.items if each == resource and wanted == label]
        return Listing(found if namespace == ONE.namespace else [], "1")


def host(*items: tuple[Resource, str, dict[str, Any]], forbidden: Resource | None = None) -> Any:
    return Host(*items, forbidden=forbidden)


def test_the_contents_of_a_secret_are_sizes() -> None:
    shown = without_secrets(secret(server="hush", agent="quiet"))
    assert shown["data"] == {"server": "(hidden, 4 bytes)", "agent": "(hidden, 5 bytes)"}


def test_a_secret_that_is_damaged_is_hidden_all_the_same() -> None:
    damaged = {**secret(), "data": {"server": "hush!"}, "stringData": {"agent": "quiet"}}
    shown = json.dumps(without_secrets(damaged))
    assert "hush" not in shown
    assert "quiet" not in shown


def test_a_copy_of_the_whole_object_in_an_annotation_is_left_out() -> None:
    copied = secret()
    copied["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"server":"aHVzaA=="}}',
        "note": "kept",
    }
    copied["metadata"]["managedFields"] = [{"manager": "k3k"}]
    assert without_secrets(copied)["metadata"] == {
        "name": "one-k3k-tokens",
        "creationTimestamp": "2026-11-22T12:00:00Z",
        "annotations": {"note": "kept"},
    }


def test_the_token_in_a_probe_is_hidden() -> None:
    header = {"name": "Authorization", "value": "Bearer hush"}
    pod = {"kind": "Pod", "metadata": {"name": "a"}, "spec": {"probe": {"httpHeaders": [header]}}}
    assert "hush" not in json.dumps(without_secrets(pod))


def test_the_object_itself_stays_as_it_is() -> None:
    original = secret(server="hush")
    without_secrets(original)
    assert original == secret(server="hush")


@pytest.mark.parametrize(
    ("item", "status"),
    [
        ({"kind": "StatefulSet", "spec": {"replicas": 3}, "status": {"readyReplicas": 2}}, "2/3 ready"),
        ({"kind": "StatefulSet", "spec": {}}, "0/1 ready"),
        (
            {
                "kind": "Pod",
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
            },
            "ready",
        ),
        ({"kind": "Pod", "status": {"phase": "Running"}}, "running, not ready"),
        ({"kind": "Pod"}, "Unknown"),
        ({"kind": "Service", "spec": {"type": "NodePort", "ports": [{"port": 6443}]}}, "NodePort 6443"),
        (
            {"kind": "PersistentVolumeClaim", "status": {"phase": "Bound", "capacity": {"storage": "5Gi"}}},
            "Bound 5Gi",
        ),
        ({"kind": "Secret", "data": {"a": "", "b": ""}}, "2 keys"),
        ({"kind": "ConfigMap", "data": {"a": ""}}, "1 key"),
        ({"kind": "PodDisruptionBudget", "status": {"disruptionsAllowed": 1}}, "1 disruptions allowed"),
        ({"kind": "ServiceAccount"}, ""),
        ({"kind": "Pod", "metadata": {"name": "a", "deletionTimestamp": "now"}}, "being deleted"),
    ],
)
async def test_an_object_says_in_a_few_words_how_it_is(item: dict[str, Any], status: str) -> None:
    whole = {"metadata": {"name": "a"}, **item}
    belongings = await list_objects(host((SECRET, LABEL_CONTROL_PLANE, whole)), ONE)
    assert [each.status for each in belongings.objects] == [status]


async def test_workloads_come_first_and_what_may_not_be_listed_is_named() -> None:
    def named(kind: str, name: str) -> dict[str, Any]:
        return {"kind": kind, "metadata": {"name": name}}

    listed = host(
        (SECRET, LABEL_CONTROL_PLANE, named("Secret", "b")),
        (SECRET, LABEL_CONTROL_PLANE, named("Secret", "a")),
        (POD, LABEL_CONTROL_PLANE, named("Pod", "p")),
        (STATEFUL_SET, LABEL_CONTROL_PLANE, named("StatefulSet", "s")),
        forbidden=SERVICE,
    )
    belongings = await list_objects(listed, ONE)
    assert [each.name for each in belongings.objects] == ["s", "p", "a", "b"]
    assert belongings.hidden == ("services",)


async def test_what_helm_made_is_found_by_its_release() -> None:
    pod = {"kind": "Pod", "metadata": {"name": "p"}}
    belongings = await list_objects(host((POD, LABEL_INSTANCE, pod)), ONE)
    assert [each.name for each in belongings.objects] == ["p"]


async def test_nothing_of_that_name_is_an_error() -> None:
    with pytest.raises(NotFoundError, match="shop/one does not exist on host prod"):
        await list_objects(host(), ONE)
