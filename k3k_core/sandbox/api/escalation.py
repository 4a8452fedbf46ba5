"""Nobody grants more than they have: checks on writes of roles and bindings.

As kube-apiserver 1.36 does (pkg/registry/rbac/*/policybased, pkg/registry/rbac/validation).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k3k_core.sandbox.api.authn import User
from k3k_core.sandbox.api.rbac import CLUSTER_ROLE, RBAC, ROLE, Attributes, RbacAuthorizer
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.statuses import forbidden, go_value, not_found
from k3k_core.sandbox.api.store import Store

Json = dict[str, Any]

_ROLES = frozenset({"Role", "ClusterRole"})
_BINDINGS = frozenset({"RoleBinding", "ClusterRoleBinding"})
# Fields of a rule in the order in which messages show them, with their names there.
_SHOWN = {
    "apiGroups": "APIGroups",
    "resources": "Resources",
    "nonResourceURLs": "NonResourceURLs",
    "resourceNames": "ResourceNames",
    "verbs": "Verbs",
}


class EscalationGuard:
    """Refuses roles and bindings with permissions that the user does not hold.

    Args:
        store: where the roles are.
        authorizer: tells what users hold.
    """

    def __init__(self, store: Store, authorizer: RbacAuthorizer) -> None:
        self._store = store
        self._authorizer = authorizer

    def __call__(self, definition: Definition, obj: Json, user: Mapping[str, Any]) -> None:
        """Check a write.

        Args:
            definition: resource type.
            obj: as it is to be.
            user: `UserInfo` of who writes; without a name it is the server itself.

        Raises:
            ApiError: 403, or 404 for a binding of a role that does not exist.
        """
        kind = definition.resource.kind
        if definition.resource.group != RBAC or not user.get("username"):
            return
        who = User(user["username"], tuple(user.get("groups") or ()))
        if "system:masters" in who.groups:
            return
        if kind in _ROLES:
            self._check_role(definition, obj, who)
        elif kind in _BINDINGS:
            self._check_binding(definition, obj, who)

    def _check_role(self, definition: Definition, obj: Json, who: User) -> None:
        meta, plural = obj["metadata"], definition.resource.plural
        namespace = meta.get("namespace", "")
        wanted = Attributes("escalate", RBAC, plural, "", namespace, meta.get("name", ""))
        if self._authorizer.authorize(who, wanted).allowed:
            return
        if obj.get("aggregationRule"):
            everything: list[Json] = [
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
                {"verbs": ["*"], "nonResourceURLs": ["*"]},
            ]
            if missing(self._authorizer.rules_for(who, namespace), everything):
                detail = "must have cluster-admin privileges to use the aggregationRule"
                raise forbidden(definition.resource, meta.get("name", ""), detail)
        self._check_rules(definition, obj, obj.get("rules") or [], who)

    def _check_binding(self, definition: Definition, obj: Json, who: User) -> None:
        reference, namespace = obj.get("roleRef") or {}, obj["metadata"].get("namespace", "")
        role = ROLE if reference.get("kind") == "Role" else CLUSTER_ROLE
        name = reference.get("name", "")
        wanted = Attributes("bind", RBAC, role.plural, "", namespace, name)
        if self._authorizer.authorize(who, wanted).allowed:
            return
        found = self._store.get(role, namespace if role.namespaced else None, name)
        if found is None:
            raise not_found(definition.resource, name)
        self._check_rules(definition, obj, found.get("rules") or [], who)

    def _check_rules(self, definition: Definition, obj: Json, rules: list[Json], who: User) -> None:
        meta = obj["metadata"]
        lacking = missing(self._authorizer.rules_for(who, meta.get("namespace", "")), rules)
        if lacking:
            groups = " ".join(go_value(group) for group in who.groups)
            lines = "\n".join(sorted(map(_compact, _merged(lacking))))
            detail = (
                f"user {go_value(who.name)} (groups=[{groups}]) is attempting to grant RBAC permissions "
                f"not currently held:\n{lines}"
            )
            raise forbidden(definition.resource, meta.get("name", ""), detail)


def missing(held: Iterable[Json], wanted: Iterable[Json]) -> list[Json]:
    """Return the single permissions of `wanted` that no rule of `held` covers."""
    owner = list(held)
    singles = [single for rule in wanted for single in _singles(rule)]
    return [single for single in singles if not any(_covers(rule, single) for rule in owner)]


def _singles(rule: Json) -> Iterable[Json]:
    """Take a rule apart: one verb on one resource of one group, or on one path."""
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in rule.get("verbs") or ():
                single = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
                for name in rule.get("resourceNames") or ():
                    yield {**single, "resourceNames": [name]}
                if not rule.get("resourceNames"):
                    yield single
    for path in rule.get("nonResourceURLs") or ():
        for verb in rule.get("verbs") or ():
            yield {"verbs": [verb], "nonResourceURLs": [path]}


def _covers(held: Json, single: Json) -> bool:
    if not _has(held, "verbs", single["verbs"][0]):
        return False
    if "nonResourceURLs" in single:
        path = single["nonResourceURLs"][0]
        return any(
            pattern == path or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))
            for pattern in held.get("nonResourceURLs") or ()
        )
    resource = single["resources"][0]
    part = resource.partition("/")[2]
    names = held.get("resourceNames") or ()
    return (
        _has(held, "apiGroups", single["apiGroups"][0])
        and (_has(held, "resources", resource) or bool(part and f"*/{part}" in held["resources"]))
        and (not names or bool(set(single.get("resourceNames") or ()) & set(names)))
    )


def _has(held: Json, name: str, value: str) -> bool:
    values = held.get(name) or ()
    return "*" in values or value in values


def _merged(rules: list[Json]) -> list[Json]:
    """Join the verbs on the same resource, where no names narrow them."""
    merged: dict[tuple[str, str], Json] = {}
    rest: list[Json] = []
    for rule in rules:
        if "resources" not in rule or "resourceNames" in rule:
            rest.append(rule)
            continue
        key = (rule["apiGroups"][0], rule["resources"][0])
        known = merged.setdefault(key, {**rule, "verbs": []})
        known["verbs"] = [*known["verbs"], *(verb for verb in rule["verbs"] if verb not in known["verbs"])]
    return [*merged.values(), *rest]


def _compact(rule: Json) -> str:
    parts = [
        f"{shown}:[{' '.join(go_value(value) for value in rule[name])}]"
        for name, shown in _SHOWN.items()
        if rule.get(name)
    ]
    return "{" + ", ".join(parts) + "}"
