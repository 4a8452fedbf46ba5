"""Who may do what, as requests and reviews show it."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.engines import ADMIN_TOKEN, Engine, engine

Json = dict[str, Any]
RBAC = "/apis/rbac.authorization.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"
TOKENS = "/api/v1/namespaces/default/serviceaccounts/default/token"
REVIEWS = "/apis/authorization.k8s.io/v1"


@pytest.fixture
async def server() -> AsyncIterator[Engine]:
    async with engine() as server:
        await server.manager.settled()
        yield server


@pytest.fixture
async def admin(server: Engine) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        yield client


async def made(client: httpx.AsyncClient, path: str, body: Json) -> Json:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    result: Json = answer.json()
    return result


async def allow(client: httpx.AsyncClient, user: str, rule: Json) -> None:
    """Give a user one rule in the namespace `default`."""
    namespace = f"{RBAC}/namespaces/default"
    await made(client, f"{namespace}/roles", {"metadata": {"name": user}, "rules": [rule]})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user}
    binding = {"metadata": {"name": user}, "roleRef": reference, "subjects": [{"kind": "User", "name": user}]}
    await made(client, f"{namespace}/rolebindings", binding)


async def test_a_list_of_one_name_is_about_that_object(admin: httpx.AsyncClient) -> None:
    rule = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["one"], "verbs": ["list"]}
    await allow(admin, "bob", rule)
    bob = {"impersonate-user": "bob"}

    async def code(selector: str) -> int:
        answer = await admin.get(MAPS, params={"fieldSelector": selector}, headers=bob)
        return answer.status_code

    assert await code("metadata.name=one") == 200
    assert await code("metadata.name=two") == 403
    assert await code("") == 403


async def test_nobody_grants_more_than_they_have(admin: httpx.AsyncClient) -> None:
    rule = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["create"]}
    await allow(admin, "bob", rule)
    more = {"apiGroups": ["apps"], "resources": ["*"], "verbs": ["get"]}

    async def grant(name: str, granted: Json) -> httpx.Response:
        body = {"metadata": {"name": name}, "rules": [granted]}
        return await admin.post(
            f"{RBAC}/namespaces/default/roles", json=body, headers={"impersonate-user": "bob"}
        )

    assert (await grant("same", rule)).status_code == 201
    assert "permissions not currently held" in (await grant("more", more)).json()["message"]


async def test_an_aggregating_role_follows_the_roles_it_selects(
    admin: httpx.AsyncClient, server: Engine
) -> None:
    rule = {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]}
    selector = {"clusterRoleSelectors": [{"matchLabels": {"part": "true"}}]}
    await made(admin, f"{RBAC}/clusterroles", {"metadata": {"name": "sum"}, "aggregationRule": selector})
    part = {"metadata": {"name": "part", "labels": {"part": "true"}}, "rules": [rule]}
    await made(admin, f"{RBAC}/clusterroles", part)

    await server.manager.settled()
    role = (await admin.get(f"{RBAC}/clusterroles/sum")).json()

    assert role["rules"] == [rule]
    assert role["metadata"]["managedFields"][0]["manager"] == "clusterrole-aggregation-controller"


@pytest.mark.parametrize(
    ("user", "mode"),
    [
        ("alice", "user-info"),
        ("system:serviceaccount:a:b", "serviceaccount"),
        ("system:node:n", "arbitrary-node"),
    ],
)
async def test_a_refused_impersonation_names_what_was_asked(
    user: str, mode: str, admin: httpx.AsyncClient, server: Engine
) -> None:
    token = (await made(admin, TOKENS, {"spec": {}}))["status"]["token"]
    headers = {"authorization": f"Bearer {token}", "impersonate-user": user}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        answer = await client.get("/api/v1/nodes")

    assert answer.status_code == 403
    assert answer.json()["message"] == (
        f'nodes is forbidden: User "system:serviceaccount:default:default" cannot impersonate-on:{mode}:list '
        'resource "nodes" in API group "" at the cluster scope'
    )


async def test_groups_alone_are_nobody(admin: httpx.AsyncClient) -> None:
    answer = await admin.get("/api/v1/nodes", headers={"impersonate-group": "devs"})

    assert answer.status_code == 400
    assert answer.json()["message"] == (
        'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"devs"}, '
        "Extra:map[string][]string(nil)} without impersonating a user name"
    )


@pytest.mark.parametrize(
    ("path", "spec", "problem"),
    [
        (
            "subjectaccessreviews",
            {"resourceAttributes": {"verb": "get"}},
            'spec.user: Invalid value: "": at least one of user or group must be specified',
        ),
        (
            "subjectaccessreviews",
            {"user": "x", "resourceAttributes": {}, "nonResourceAttributes": {"path": "/"}},
            (
                'spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":""}: cannot be specified in '
                "combination with resourceAttributes"
            ),
        ),
        (
            "namespaces/default/localsubjectaccessreviews",
            {"user": "x", "resourceAttributes": {"namespace": "other"}},
            'spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
        ),
        (
            "selfsubjectaccessreviews",
            {},
            (
                "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or "
                "resourceAttributes must be specified"
            ),
        ),
    ],
)
async def test_a_review_without_a_question_is_refused(
    path: str, spec: Json, problem: str, admin: httpx.AsyncClient
) -> None:
    answer = await admin.post(f"{REVIEWS}/{path}", json={"spec": spec})

    assert answer.status_code == 422
    assert answer.json()["message"] == f'.authorization.k8s.io "" is invalid: {problem}'


@pytest.mark.parametrize(
    ("reference", "code", "message"),
    [
        ({"kind": "Node", "apiVersion": "v1", "name": "x"}, 404, 'nodes "x" not found'),
        (
            {"kind": "ConfigMap", "apiVersion": "v1", "name": "x"},
            400,
            "cannot bind token to object of type /v1, Kind=ConfigMap",
        ),
        ({"kind": "Secret", "apiVersion": "v1"}, 400, "Name parameter required."),
    ],
)
async def test_a_token_is_bound_to_objects_that_exist(
    reference: Json, code: int, message: str, admin: httpx.AsyncClient
) -> None:
    answer = await admin.post(TOKENS, json={"spec": {"boundObjectRef": reference}})

    assert (answer.status_code, answer.json()["message"]) == (code, message)


async def test_a_token_request_of_another_shape_is_refused(admin: httpx.AsyncClient) -> None:
    answer = await admin.post(TOKENS, json={"spec": {"expirationSeconds": "long"}})

    assert answer.status_code == 400


async def test_a_token_review_says_what_is_wrong_with_a_token(admin: httpx.AsyncClient) -> None:
    token = (await made(admin, TOKENS, {"spec": {}}))["status"]["token"]

    async def review(**spec: Any) -> Json:
        answer = await made(admin, "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": spec})
        return dict(answer["status"])

    assert (await review(token=token))["authenticated"]
    assert (await review(token="junk"))["error"] == "invalid bearer token"
    assert "token audiences" in (await review(token=token, audiences=["other"]))["error"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"metadata":{"name":"one"}}', "it is not gzipped"),
        (gzip.compress(b'{"metadata":{"name":"one"}}')[:-9], "cut off"),
    ],
    ids=["plain", "cut"],
)
async def test_a_body_that_is_not_compressed_as_its_header_says_is_refused_and_the_connection_stays(
    admin: httpx.AsyncClient, body: bytes, words: str
) -> None:
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    answer = await admin.post(MAPS, content=body, headers=headers)
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert (await admin.get(MAPS)).status_code == 200


async def test_a_compressed_body_is_taken(admin: httpx.AsyncClient) -> None:
    body = gzip.compress(b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"one"}}')
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    assert (await admin.post(MAPS, content=body, headers=headers)).status_code == 201


async def test_a_small_body_that_becomes_huge_is_refused(admin: httpx.AsyncClient) -> None:
    body = gzip.compress(b" " * 64 * 1024 * 1024)
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    assert (await admin.post(MAPS, content=body, headers=headers)).status_code == 413
