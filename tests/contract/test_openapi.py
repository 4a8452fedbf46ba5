"""What kubectl reads before it applies."""

from __future__ import annotations

import httpx

from tests.support.api_servers import ApiUnderTest, api_client

_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


async def document(api: ApiUnderTest, accept: str) -> httpx.Response:
    async with api_client(api) as client:
        return await client.get("/openapi/v2", headers={"Accept": accept})


async def test_an_old_kubectl_gets_the_document_in_protobuf_and_nothing_behind_it(api: ApiUnderTest) -> None:
    answer = await document(api, _PROTOBUF)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == _PROTOBUF.replace("@", ".")
    # A Document begins with its first field, `swagger: "2.0"`.
    assert answer.content.startswith(b"\x0a\x032.0")
    assert not answer.content.endswith(b"\n")


async def test_the_document_has_the_patch_of_a_kind_with_its_dry_run(api: ApiUnderTest) -> None:
    found = (await document(api, "application/json")).json()
    operation = found["paths"]["/api/v1/namespaces/{namespace}/configmaps/{name}"]["patch"]
    assert operation["x-kubernetes-group-version-kind"] == {"group": "", "kind": "ConfigMap", "version": "v1"}
    shared = found.get("parameters", {})
    names = [
        shared[item["$ref"].rpartition("/")[2]]["name"] if "$ref" in item else item["name"]
        for item in operation["parameters"]
    ]
    assert {"dryRun", "fieldManager", "fieldValidation"} <= set(names)
