"""What is rendered, against an API server: taken as it is, admitted, unchanged when applied again."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from k3k_core.manifests import Blueprint, Manifest, namespace, render
from k3k_core.names import ControlPlaneId
from k3k_core.resources import resource_of
from tests.support.api_servers import ApiUnderTest, api_client
from tests.support.goldens import cases

_APPLY = {"Content-Type": "application/apply-patch+yaml"}


@pytest.fixture
async def client(api: ApiUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with api_client(api) as opened:
        yield opened


@pytest.fixture(params=sorted(cases()))
async def blueprint(request: pytest.FixtureRequest, client: httpx.AsyncClient) -> AsyncIterator[Blueprint]:
    """A control plane in a namespace of its own, which exists and holds pods to the restricted standard."""
    identity = ControlPlaneId(f"manifests-{secrets.token_hex(4)}", "dev")
    await apply(client, namespace(identity))
    # Nobody owns them: an owner that does not exist would have them collected.
    yield replace(cases()[request.param], id=identity, owner=None)
    # Some ask for a node port, which no two Services share.
    await client.delete(f"/api/v1/namespaces/{identity.namespace}/services/{identity.service}")
    await client.delete(f"/api/v1/namespaces/{identity.namespace}")


async def apply(client: httpx.AsyncClient, manifest: Manifest) -> httpx.Response:
    resource = resource_of(manifest)
    path = resource.path(manifest["metadata"].get("namespace"), manifest["metadata"]["name"])
    query = {"fieldManager": "k3k", "fieldValidation": "Strict"}
    answer = await client.patch(path, params=query, headers=_APPLY, content=json.dumps(manifest))
    assert answer.is_success, answer.text
    return answer


async def test_every_object_is_taken_as_it_is(client: httpx.AsyncClient, blueprint: Blueprint) -> None:
    for manifest in render(blueprint):
        answer = await apply(client, manifest)
        assert answer.status_code == 201
        assert "Warning" not in answer.headers


async def test_applying_again_changes_nothing(client: httpx.AsyncClient, blueprint: Blueprint) -> None:
    for manifest in render(blueprint):
        first = (await apply(client, manifest)).json()
        again = (await apply(client, manifest)).json()
        for volatile in (first, again):
            # Controllers write the status meanwhile.
            volatile.pop("status", None)
            volatile["metadata"].pop("resourceVersion")
            volatile["metadata"].pop("managedFields")
        assert again == first


async def test_the_restricted_standard_admits_the_pods(
    client: httpx.AsyncClient, blueprint: Blueprint
) -> None:
    for manifest in render(blueprint):
        await apply(client, manifest)
        if manifest["kind"] == "StatefulSet":
            answer = await create_pod(client, blueprint.id.namespace, pod_spec(manifest))
            assert answer.status_code == 201, answer.text


async def test_the_restricted_standard_refuses_an_ordinary_pod(client: httpx.AsyncClient) -> None:
    identity = ControlPlaneId(f"manifests-{secrets.token_hex(4)}", "dev")
    await apply(client, namespace(identity))
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "a", "namespace": identity.namespace},
    }
    await apply(client, account)
    answer = await create_pod(
        client,
        identity.namespace,
        {"serviceAccountName": "a", "containers": [{"name": "c", "image": "example.org/c"}]},
    )
    assert answer.status_code == 403
    assert 'violates PodSecurity "restricted:latest"' in answer.json()["message"]


def pod_spec(stateful_set: Manifest) -> dict[str, Any]:
    """Return what a StatefulSet's controller would ask for, its claims among the volumes."""
    spec = stateful_set["spec"]
    claims = [
        {"name": name, "persistentVolumeClaim": {"claimName": f"{name}-dev-0"}}
        for name in (claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", ()))
    ]
    template: dict[str, Any] = spec["template"]["spec"]
    return {**template, "volumes": [*template.get("volumes", ()), *claims]}


async def create_pod(client: httpx.AsyncClient, where: str, spec: dict[str, Any]) -> httpx.Response:
    """Ask for a pod without storing it."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "dev-0"}, "spec": spec}
    return await client.post(f"/api/v1/namespaces/{where}/pods", params={"dryRun": "All"}, json=pod)
