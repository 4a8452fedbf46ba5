"""Server-side apply over HTTP, on the sandbox and, where its binaries are, on a real kube-apiserver."""

from __future__ import annotations

import itertools
import json
import random
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from tests.support.api_servers import ApiUnderTest, api_client

Json = dict[str, Any]
_APPLY = {"Content-Type": "application/apply-patch+yaml"}
_MERGE = {"Content-Type": "application/merge-patch+json"}


class Namespace:
    """A namespace of a test and how to apply into it."""

    def __init__(self, client: httpx.AsyncClient, name: str) -> None:
        self.client = client
        self.name = name

    def path(self, plural: str, name: str) -> str:
        prefix = "/apis/apps/v1" if plural == "statefulsets" else "/api/v1"
        return f"{prefix}/namespaces/{self.name}/{plural}/{name}"

    async def apply(self, plural: str, manifest: Json, manager: str = "k3k", **query: str) -> httpx.Response:
        return await self.client.patch(
            self.path(plural, manifest["metadata"]["name"]),
            params={"fieldManager": manager, **query},
            headers=_APPLY,
            content=json.dumps(manifest),
        )

    async def merge(self, plural: str, name: str, patch: Json, **query: str) -> httpx.Response:
        return await self.client.patch(
            self.path(plural, name), params=query, headers=_MERGE, content=json.dumps(patch)
        )

    async def get(self, plural: str, name: str) -> Json:
        found: Json = (await self.client.get(self.path(plural, name))).json()
        return found


@pytest.fixture
async def namespace(api: ApiUnderTest) -> AsyncIterator[Namespace]:
    async with api_client(api) as client:
        name = f"ssa-{secrets.token_hex(4)}"
        made = await client.post("/api/v1/namespaces", json={"metadata": {"name": name}})
        assert made.status_code == 201, made.text
        yield Namespace(client, name)
        await client.delete(f"/api/v1/namespaces/{name}")


def config_map(data: Mapping[str, str], name: str = "c", **meta: Any) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}, "data": dict(data)}


def service(*ports: Json) -> Json:
    spec = {"selector": {"app": "a"}, "ports": list(ports)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": spec}


def stateful_set(*containers: Json) -> Json:
    labels = {"app": "w"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": list(containers)}}
    spec = {"replicas": 0, "serviceName": "w", "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "w"}, "spec": spec}


def owners(obj: Json) -> dict[tuple[str, str], Json]:
    return {
        (entry["manager"], entry["operation"]): entry["fieldsV1"]
        for entry in obj["metadata"].get("managedFields", ())
    }


async def test_the_first_apply_creates_and_the_second_changes_nothing(namespace: Namespace) -> None:
    first = await namespace.apply("configmaps", config_map({"a": "1"}))
    again = await namespace.apply("configmaps", config_map({"a": "1"}))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()


@pytest.mark.parametrize("seed", range(6))
async def test_after_any_series_of_applies_each_manager_has_what_it_named_last(
    namespace: Namespace, seed: int
) -> None:
    choose = random.Random(seed)
    last: dict[str, dict[str, str]] = {}
    for _ in range(8):
        manager = choose.choice(["one", "two", "three"])
        # Each manager writes values of its own, so that the last writer of a key can be told.
        data = {key: manager for key in "abcd" if choose.random() < 0.5}
        answer = await namespace.apply("configmaps", config_map(data), manager, force="true")
        assert answer.is_success, answer.text
        # The last one to name a key has it.
        last = {name: {key: name for key in had if key not in data} for name, had in last.items()}
        last[manager] = data
    wanted = dict(itertools.chain.from_iterable(data.items() for data in last.values()))
    found = await namespace.get("configmaps", "c")
    assert found.get("data", {}) == wanted
    owned: Json = {name: {f"f:{key}": {} for key in data} for name, data in last.items() if data}
    # Whoever names no key at all owns the mapping.
    assert {
        name: fields["f:data"] for (name, _), fields in owners(found).items() if fields["f:data"]
    } == owned


async def test_a_contested_value_is_a_conflict_that_names_field_and_manager(namespace: Namespace) -> None:
    await namespace.apply("configmaps", config_map({"a": "1"}))
    refused = await namespace.apply("configmaps", config_map({"a": "2"}), "other")
    assert refused.status_code == 409
    status = refused.json()
    assert status["message"] == 'Apply failed with 1 conflict: conflict with "k3k": .data.a'
    assert status["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "k3k"', "field": ".data.a"}
    ]
    assert (await namespace.get("configmaps", "c"))["data"] == {"a": "1"}


async def test_several_contested_values_are_listed_by_manager(namespace: Namespace) -> None:
    await namespace.apply("configmaps", config_map({"a": "1"}), "one")
    await namespace.apply("configmaps", config_map({"b": "1", "c": "1"}), "two")
    refused = await namespace.apply("configmaps", config_map({"a": "9", "b": "9", "c": "9"}))
    assert refused.json()["message"] == (
        'Apply failed with 3 conflicts: conflicts with "one":\n- .data.a\nconflicts with "two":\n- .data.b\n- .data.c'
    )


async def test_equal_values_are_shared_without_a_conflict(namespace: Namespace) -> None:
    await namespace.apply("configmaps", config_map({"a": "1"}))
    shared = await namespace.apply("configmaps", config_map({"a": "1"}), "other")
    assert shared.status_code == 200
    left = await namespace.apply("configmaps", config_map({}))
    assert left.json()["data"] == {"a": "1"}


async def test_what_was_created_is_contested_by_name_and_version(namespace: Namespace) -> None:
    path = f"/api/v1/namespaces/{namespace.name}/configmaps"
    await namespace.client.post(path, params={"fieldManager": "k3k"}, json=config_map({"a": "1", "b": "1"}))
    refused = await namespace.apply("configmaps", config_map({"a": "2"}))
    assert refused.json()["message"] == (
        'Apply failed with 1 conflict: conflict with "k3k" using v1: .data.a'
    )
    taken = await namespace.apply("configmaps", config_map({"a": "2"}), force="true")
    assert taken.json()["data"] == {"a": "2", "b": "1"}
    assert owners(taken.json())["k3k", "Update"] == {"f:data": {".": {}, "f:b": {}}}


async def test_an_update_takes_a_value_from_its_applier(namespace: Namespace) -> None:
    await namespace.apply("configmaps", config_map({"a": "1", "b": "1"}))
    patched = await namespace.merge("configmaps", "c", {"data": {"a": "2"}}, fieldManager="editor")
    found = owners(patched.json())
    assert found["k3k", "Apply"] == {"f:data": {"f:b": {}}}
    assert found["editor", "Update"] == {"f:data": {"f:a": {}}}


async def test_ports_of_a_service_are_told_apart_by_port_and_protocol(namespace: Namespace) -> None:
    dns = ({"port": 53, "name": "udp", "protocol": "UDP"}, {"port": 53, "name": "tcp"})
    assert (await namespace.apply("services", service(*dns))).status_code == 201
    other = await namespace.apply("services", service({"port": 80, "name": "web"}), "other")
    assert [port["port"] for port in other.json()["spec"]["ports"]] == [53, 53, 80]
    left = await namespace.apply("services", service(dns[0]))
    assert [(port["port"], port["protocol"]) for port in left.json()["spec"]["ports"]] == [
        (53, "UDP"),
        (80, "TCP"),
    ]


async def test_containers_and_their_environment_merge_by_name(namespace: Namespace) -> None:
    mine = {"name": "a", "image": "x:1", "env": [{"name": "A", "value": "1"}]}
    await namespace.apply("statefulsets", stateful_set(mine))
    theirs = {"name": "a", "image": "x:1", "env": [{"name": "B", "value": "2"}]}
    both = await namespace.apply("statefulsets", stateful_set(theirs), "other")
    assert both.status_code == 200, both.text
    (container,) = both.json()["spec"]["template"]["spec"]["containers"]
    assert {item["name"] for item in container["env"]} == {"A", "B"}
    left = await namespace.apply("statefulsets", stateful_set({"name": "a", "image": "x:1"}))
    (container,) = left.json()["spec"]["template"]["spec"]["containers"]
    assert [item["name"] for item in container["env"]] == ["B"]


async def test_arguments_are_one_value(namespace: Namespace) -> None:
    await namespace.apply("statefulsets", stateful_set({"name": "a", "image": "x:1", "args": ["1", "2"]}))
    refused = await namespace.apply(
        "statefulsets", stateful_set({"name": "a", "image": "x:1", "args": ["1"]}), "other"
    )
    assert refused.json()["details"]["causes"][0]["field"] == (
        '.spec.template.spec.containers[name="a"].args'
    )


async def test_a_status_is_applied_apart(namespace: Namespace) -> None:
    balanced = service({"port": 80})
    balanced["spec"]["type"] = "LoadBalancer"
    await namespace.apply("services", balanced)
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    reported = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "status": status}
    answer = await namespace.client.patch(
        f"{namespace.path('services', 's')}/status",
        params={"fieldManager": "lb"},
        headers=_APPLY,
        content=json.dumps(reported),
    )
    assert answer.json()["status"]["loadBalancer"]["ingress"] == [{"ip": "192.0.2.1", "ipMode": "VIP"}]
    again = await namespace.apply("services", balanced)
    assert again.json()["metadata"]["resourceVersion"] == answer.json()["metadata"]["resourceVersion"]


async def test_a_dry_run_answers_and_stores_nothing(namespace: Namespace) -> None:
    answer = await namespace.apply("configmaps", config_map({"a": "1"}), dryRun="All")
    assert (answer.status_code, answer.json()["data"]) == (201, {"a": "1"})
    assert (await namespace.client.get(namespace.path("configmaps", "c"))).status_code == 404


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (
            {**config_map({"a": "1"}), "bogus": 1},
            "failed to create typed patch object (/c; /v1, Kind=ConfigMap): .bogus: field not declared in schema",
        ),
        (
            {**config_map({}), "data": {"a": 1}},
            (
                "failed to create typed patch object (/c; /v1, Kind=ConfigMap): .data.a: expected string, "
                "got &value.valueUnstructured{Value:1}"
            ),
        ),
    ],
)
async def test_a_configuration_that_does_not_fit_is_an_error(
    namespace: Namespace, manifest: Json, message: str
) -> None:
    answer = await namespace.apply("configmaps", manifest)
    assert (answer.status_code, answer.json()["message"]) == (500, message)


async def test_the_first_apply_to_an_object_nobody_tracks_contests_what_is_there(
    namespace: Namespace,
) -> None:
    path = f"/api/v1/namespaces/{namespace.name}/configmaps"
    await namespace.client.post(path, json=config_map({"a": "1"}))
    await namespace.merge("configmaps", "c", {"metadata": {"managedFields": [{}]}})
    refused = await namespace.apply("configmaps", config_map({"a": "2"}))
    assert refused.json()["message"] == (
        'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a'
    )
