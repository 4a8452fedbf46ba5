"""A custom resource in several versions."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.api_servers import ApiUnderTest, api_client

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_SCHEMA = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}


@pytest.fixture
async def client(api: ApiUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with api_client(api) as opened:
        yield opened


@pytest.fixture
async def group(client: httpx.AsyncClient) -> AsyncIterator[str]:
    """An API group of the test's own that serves cluster-wide `tins` as v1 (stored) and v1beta1 (deprecated)."""
    name = f"g{secrets.token_hex(4)}.test.k3k"
    version: dict[str, Any] = {"served": True, "schema": _SCHEMA}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"tins.{name}"},
        "spec": {
            "group": name,
            "scope": "Cluster",
            "names": {"plural": "tins", "kind": "Tin"},
            "versions": [
                {**version, "name": "v1", "storage": True},
                {**version, "name": "v1beta1", "storage": False, "deprecated": True},
            ],
        },
    }
    assert (await client.post(_CRDS, json=definition)).status_code == 201
    for _ in range(300):
        if (await client.get(f"/apis/{name}/v1beta1/tins")).is_success:
            break
        # A real server serves a new type a little after it says so, and says nothing when it does.
        await asyncio.sleep(0.2)
    yield name
    await client.delete(f"{_CRDS}/tins.{name}")


async def test_an_object_shows_itself_in_the_version_asked_for(client: httpx.AsyncClient, group: str) -> None:
    tin = {"apiVersion": f"{group}/v1", "kind": "Tin", "metadata": {"name": "a"}}
    assert (await client.post(f"/apis/{group}/v1/tins", json=tin)).status_code == 201
    one = (await client.get(f"/apis/{group}/v1beta1/tins/a")).json()
    assert one["apiVersion"] == f"{group}/v1beta1"
    listed = (await client.get(f"/apis/{group}/v1beta1/tins")).json()
    assert [item["apiVersion"] for item in listed["items"]] == [f"{group}/v1beta1"]


async def test_a_deprecated_version_names_the_one_to_use(client: httpx.AsyncClient, group: str) -> None:
    answer = await client.get(f"/apis/{group}/v1beta1/tins")
    assert answer.headers["Warning"] == f'299 - "{group}/v1beta1 Tin is deprecated; use {group}/v1 Tin"'
    assert "Warning" not in (await client.get(f"/apis/{group}/v1/tins")).headers
