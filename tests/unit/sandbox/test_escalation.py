"""Which permissions a list of rules lacks."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_core.sandbox.api.authn import User
from k3k_core.sandbox.api.escalation import EscalationGuard, missing
from k3k_core.sandbox.api.rbac import RbacAuthorizer, install_builtin_roles
from k3k_core.sandbox.api.registry import Registry
from k3k_core.sandbox.api.statuses import ApiError
from k3k_core.sandbox.api.store import Store

Json = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"


def rule(*verbs: str, resource: str = "pods", group: str = "", **more: Any) -> Json:
    return {"verbs": list(verbs), "apiGroups": [group], "resources": [resource], **more}


def paths(*verbs: str, path: str) -> Json:
    return {"verbs": list(verbs), "nonResourceURLs": [path]}


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (rule("get", "list"), rule("list")),
        (rule("*"), rule("get")),
        (rule("get", resource="*"), rule("get", resource="secrets")),
        (rule("get", resource="*/status"), rule("get", resource="pods/status")),
        (rule("get", group="*"), rule("get", group="apps")),
        (rule("get", resourceNames=["a"]), rule("get", resourceNames=["a"])),
        (rule("get"), rule("get", resourceNames=["a"])),
        (paths("get", path="/api/*"), paths("get", path="/api/v1")),
    ],
)
def test_a_rule_covers_what_it_includes(held: Json, wanted: Json) -> None:
    assert missing([held], [wanted]) == []


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (rule("get"), rule("list")),
        (rule("get"), rule("*")),
        (rule("get"), rule("get", group="apps")),
        (rule("get"), rule("get", resource="pods/status")),
        (rule("get", resourceNames=["a"]), rule("get")),
        (rule("get", resourceNames=["a"]), rule("get", resourceNames=["b"])),
        (paths("get", path="/api"), paths("get", path="/api/v1")),
        (rule("*", resource="*", group="*"), paths("get", path="/x")),
    ],
)
def test_a_rule_does_not_cover_more(held: Json, wanted: Json) -> None:
    assert missing([held], [wanted]) == [wanted]


def test_several_rules_cover_together() -> None:
    assert missing([rule("get"), rule("list")], [rule("get", "list")]) == []


def guarded(kind: str, obj: Json, user: Json) -> None:
    """Pass a write of a user who may view everything by the guard."""
    store = Store()
    install_builtin_roles(store)
    bind(store, "view", "viewer")
    definition = next(item for item in Registry() if item.resource.kind == kind)
    EscalationGuard(store, RbacAuthorizer(store))(definition, {"metadata": {"name": "x"}, **obj}, user)


def bind(store: Store, role: str, user: str) -> None:
    definition = next(item for item in Registry() if item.resource.kind == "ClusterRoleBinding")
    store.create(
        definition.resource,
        {
            "metadata": {"name": user},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "User", "name": user}],
        },
    )


VIEWER = {"username": "viewer", "groups": ["g"]}


def refused(kind: str, obj: Json) -> ApiError:
    with pytest.raises(ApiError) as caught:
        guarded(kind, obj, VIEWER)
    return caught.value


def test_a_user_grants_what_the_user_holds() -> None:
    guarded("ClusterRole", {"rules": [rule("get", "watch")]}, VIEWER)
    guarded("ClusterRoleBinding", {"roleRef": {"kind": "ClusterRole", "name": "view"}}, VIEWER)


def test_a_user_does_not_grant_more() -> None:
    error = refused("ClusterRole", {"rules": [rule("get", "delete", "create", resource="secrets")]})

    assert error.code == 403
    assert str(error) == (
        f'clusterroles.{RBAC} "x" is forbidden: user "viewer" (groups=["g"]) is attempting to grant RBAC '
        "permissions not currently held:\n"
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete" "create"]}'
    )


def test_a_user_does_not_bind_a_stronger_role() -> None:
    assert refused("ClusterRoleBinding", {"roleRef": {"kind": "ClusterRole", "name": "edit"}}).code == 403


def test_a_role_that_does_not_exist_cannot_be_bound() -> None:
    assert refused("ClusterRoleBinding", {"roleRef": {"kind": "ClusterRole", "name": "none"}}).code == 404


def test_only_administrators_aggregate() -> None:
    assert str(refused("ClusterRole", {"aggregationRule": {"clusterRoleSelectors": []}})).endswith(
        "must have cluster-admin privileges to use the aggregationRule"
    )


@pytest.mark.parametrize("user", [{}, {"username": "a", "groups": ["system:masters"]}])
def test_administrators_and_the_server_itself_grant_everything(user: Json) -> None:
    guarded("ClusterRole", {"rules": [rule("*", resource="*")]}, user)


def test_a_user_may_be_allowed_to_escalate() -> None:
    store = Store()
    install_builtin_roles(store)
    bind(store, "cluster-admin", "boss")
    authorizer = RbacAuthorizer(store)
    definition = next(item for item in Registry() if item.resource.kind == "Role")

    EscalationGuard(store, authorizer)(
        definition, {"metadata": {"name": "x", "namespace": "ns"}, "rules": [rule("*")]}, User("boss").info()
    )
