"""Who may do what: RBAC over the Role and ClusterRole objects of a store, with Kubernetes' built-in roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from k3k_core.resources import Resource
from k3k_core.sandbox.api.authn import User
from k3k_core.sandbox.api.store import Store

Json = dict[str, Any]

RBAC = "rbac.authorization.k8s.io"
ROLE = Resource(RBAC, "v1", "roles", "Role")
ROLE_BINDING = Resource(RBAC, "v1", "rolebindings", "RoleBinding")
CLUSTER_ROLE = Resource(RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDING = Resource(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False)


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a user wants to do.

    Attributes:
        verb: e.g. "list".
        group: API group.
        plural: resource type; empty for a path.
        subresource: e.g. "status".
        namespace: empty for cluster scope.
        name: of the object.
        path: of a request that is about no resource.
    """

    verb: str
    group: str = ""
    plural: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def resource_text(self) -> str:
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and which rule allows it."""

    allowed: bool
    reason: str = ""


class Authorizer(Protocol):
    """Decides."""

    def authorize(self, user: User, attributes: Attributes) -> Decision:
        """Say whether `user` may do what `attributes` describe."""


class AllowAll:
    """Allows everything."""

    def authorize(self, user: User, attributes: Attributes) -> Decision:  # noqa: ARG002, part of the protocol
        return Decision(True)


def rule_allows(rule: Mapping[str, Any], attributes: Attributes) -> bool:
    """Whether one PolicyRule covers a request."""
    verbs = rule.get("verbs") or ()
    if "*" not in verbs and attributes.verb not in verbs:
        return False
    if not attributes.plural:
        return any(_path_matches(pattern, attributes.path) for pattern in rule.get("nonResourceURLs") or ())
    groups, resources = rule.get("apiGroups") or (), rule.get("resources") or ()
    if "*" not in groups and attributes.group not in groups:
        return False
    wanted = {"*", attributes.resource_text}
    if attributes.subresource:
        wanted.add(f"*/{attributes.subresource}")
    if not wanted & set(resources):
        return False
    names = rule.get("resourceNames") or ()
    return not names or attributes.name in names


def _path_matches(pattern: str, path: str) -> bool:
    if pattern in ("*", path):
        return True
    return pattern.endswith("*") and path.startswith(pattern.rstrip("*"))


def subject_matches(subject: Mapping[str, Any], user: User, namespace: str) -> bool:
    """Whether a binding's subject is this user."""
    kind, name = subject.get("kind"), subject.get("name", "")
    if kind == "User":
        return bool(name == user.name)
    if kind == "Group":
        return name in user.groups
    if kind == "ServiceAccount":
        return bool(user.name == f"system:serviceaccount:{subject.get('namespace') or namespace}:{name}")
    return False


class RbacAuthorizer:
    """RBAC over a store; members of `system:masters` may do everything."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def authorize(self, user: User, attributes: Attributes) -> Decision:
        if "system:masters" in user.groups:
            return Decision(True)
        for reason, rules in self._granted(user, attributes.namespace):
            if any(rule_allows(rule, attributes) for rule in rules):
                return Decision(True, f"RBAC: allowed by {reason}")
        return Decision(False)

    def rules_for(self, user: User, namespace: str) -> list[Json]:
        """Return all rules that apply to a user in a namespace."""
        return [rule for _, rules in self._granted(user, namespace) for rule in rules]

    def _granted(self, user: User, namespace: str) -> Iterator[tuple[str, list[Json]]]:
        for binding in self._store.list(CLUSTER_ROLE_BINDING):
            subject = _subject(binding, user, "")
            if subject is not None:
                yield _reason("ClusterRoleBinding", binding, subject, ""), self._rules(binding["roleRef"], "")
        if not namespace:
            return
        for binding in self._store.list(ROLE_BINDING, namespace):
            subject = _subject(binding, user, namespace)
            if subject is not None:
                reason = _reason("RoleBinding", binding, subject, namespace)
                yield reason, self._rules(binding["roleRef"], namespace)

    def _rules(self, reference: Mapping[str, Any], namespace: str) -> list[Json]:
        if reference.get("kind") == "ClusterRole":
            role = self._store.get(CLUSTER_ROLE, None, reference["name"])
        else:
            role = self._store.get(ROLE, namespace, reference["name"])
        if role is None:
            return []
        selectors = (role.get("aggregationRule") or {}).get("clusterRoleSelectors")
        if not selectors:
            return list(role.get("rules") or ())
        # The controller may not have filled in the rules yet.
        own = list(role.get("rules") or ())
        return [*own, *(rule for rule in self._aggregated(selectors) if rule not in own)]

    def _aggregated(self, selectors: list[Json]) -> list[Json]:
        found: list[Json] = []
        for role in self._store.list(CLUSTER_ROLE):
            labels = role["metadata"].get("labels") or {}
            for selector in selectors:
                wanted = selector.get("matchLabels") or {}
                if wanted and all(labels.get(key) == value for key, value in wanted.items()):
                    found += role.get("rules") or ()
        return found


def _subject(binding: Json, user: User, namespace: str) -> Json | None:
    subjects = binding.get("subjects") or ()
    return next((subject for subject in subjects if subject_matches(subject, user, namespace)), None)


def _reason(kind: str, binding: Json, subject: Json, namespace: str) -> str:
    reference = binding["roleRef"]
    name = binding["metadata"]["name"]
    shown = f"{name}/{namespace}" if namespace else name
    who = subject["name"]
    if subject["kind"] == "ServiceAccount":
        who = f"{subject['name']}/{subject.get('namespace') or namespace}"
    return f'{kind} "{shown}" of {reference["kind"]} "{reference["name"]}" to {subject["kind"]} "{who}"'


# Built-in roles

_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> Json:
    return {"verbs": verbs, "apiGroups": groups, "resources": resources}


_VIEWED: list[tuple[str, list[str]]] = [
    (
        "",
        [
            "configmaps",
            "endpoints",
            "persistentvolumeclaims",
            "persistentvolumeclaims/status",
            "pods",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "serviceaccounts",
            "services",
            "services/status",
        ],
    ),
    (
        "",
        [
            "bindings",
            "events",
            "limitranges",
            "namespaces/status",
            "pods/log",
            "pods/status",
            "replicationcontrollers/status",
            "resourcequotas",
            "resourcequotas/status",
        ],
    ),
    ("", ["namespaces"]),
    ("discovery.k8s.io", ["endpointslices"]),
    (
        "apps",
        [
            "controllerrevisions",
            "daemonsets",
            "daemonsets/status",
            "deployments",
            "deployments/scale",
            "deployments/status",
            "replicasets",
            "replicasets/scale",
            "replicasets/status",
            "statefulsets",
            "statefulsets/scale",
            "statefulsets/status",
        ],
    ),
    ("autoscaling", ["horizontalpodautoscalers", "horizontalpodautoscalers/status"]),
    ("batch", ["cronjobs", "cronjobs/status", "jobs", "jobs/status"]),
    ("policy", ["poddisruptionbudgets", "poddisruptionbudgets/status"]),
    ("networking.k8s.io", ["ingresses", "ingresses/status", "networkpolicies"]),
]
_EDITED: list[tuple[str, list[str]]] = [
    ("", ["pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "pods/eviction"]),
    (
        "",
        [
            "configmaps",
            "events",
            "persistentvolumeclaims",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "secrets",
            "serviceaccounts",
            "services",
            "services/proxy",
        ],
    ),
    (
        "apps",
        [
            "daemonsets",
            "deployments",
            "deployments/rollback",
            "deployments/scale",
            "replicasets",
            "replicasets/scale",
            "statefulsets",
            "statefulsets/scale",
        ],
    ),
    ("autoscaling", ["horizontalpodautoscalers"]),
    ("batch", ["cronjobs", "jobs"]),
    ("policy", ["poddisruptionbudgets"]),
    ("networking.k8s.io", ["ingresses", "networkpolicies"]),
    ("coordination.k8s.io", ["leases"]),
]
_VIEW_RULES = [_rule([group], resources, _READ) for group, resources in _VIEWED]
_EDIT_RULES = [
    _rule(
        [""],
        ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"],
        _READ,
    ),
    _rule([""], ["serviceaccounts"], ["impersonate"]),
    _rule([""], ["serviceaccounts/token"], ["create"]),
    *(_rule([group], resources, _WRITE) for group, resources in _EDITED),
]
_ADMIN_RULES = [
    _rule(["authorization.k8s.io"], ["localsubjectaccessreviews"], ["create"]),
    _rule([RBAC], ["rolebindings", "roles"], [*_READ, *_WRITE]),
]
_DISCOVERY_PATHS = [
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/openapi",
    "/openapi/*",
    "/readyz",
]
_HEALTH = ["/healthz", "/livez", "/readyz"]
_ROLES: dict[str, list[Json]] = {
    "cluster-admin": [_rule(["*"], ["*"], ["*"]), {"verbs": ["*"], "nonResourceURLs": ["*"]}],
    "system:aggregate-to-admin": _ADMIN_RULES,
    "system:aggregate-to-edit": _EDIT_RULES,
    "system:aggregate-to-view": _VIEW_RULES,
    "system:discovery": [
        {"verbs": ["get"], "nonResourceURLs": [*_DISCOVERY_PATHS, "/version", "/version/"]},
    ],
    # The recorded server is of a distribution that has this one too.
    "system:openshift:public-info-viewer": [
        {"verbs": ["get"], "nonResourceURLs": ["/.well-known", "/.well-known/*"]}
    ],
    "system:public-info-viewer": [{"verbs": ["get"], "nonResourceURLs": [*_HEALTH, "/version", "/version/"]}],
    "system:basic-user": [
        _rule(["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
        _rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
    ],
    "system:monitoring": [
        {
            "verbs": ["get"],
            "nonResourceURLs": [
                "/healthz",
                "/healthz/*",
                "/livez",
                "/livez/*",
                "/metrics",
                "/metrics/slis",
                "/readyz",
                "/readyz/*",
            ],
        }
    ],
    "system:kube-controller-manager": [_rule(["*"], ["*"], ["*"])],
    "system:kube-scheduler": [_rule(["*"], ["*"], ["*"])],
    "system:node": [_rule(["*"], ["*"], ["*"])],
}
_AGGREGATES = {"admin": "admin", "edit": "edit", "view": "view"}
_BINDINGS: dict[str, tuple[str, ...]] = {
    "cluster-admin": ("Group:system:masters",),
    "system:discovery": ("Group:system:authenticated",),
    "system:openshift:public-info-viewer": (
        "Group:system:authenticated",
        "Group:system:unauthenticated",
    ),
    "system:public-info-viewer": ("Group:system:authenticated", "Group:system:unauthenticated"),
    "system:basic-user": ("Group:system:authenticated",),
    "system:monitoring": ("Group:system:monitoring",),
    "system:kube-controller-manager": ("User:system:kube-controller-manager",),
    "system:kube-scheduler": ("User:system:kube-scheduler",),
}


def install_builtin_roles(store: Store) -> None:
    """Create the built-in ClusterRoles and ClusterRoleBindings that a store lacks."""
    marks = {
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    }
    for name, rules in _ROLES.items():
        extra: dict[str, str] = {}
        if name.startswith("system:aggregate-to-"):
            extra[f"{RBAC.replace('k8s.io', 'k8s.io')}/aggregate-to-{name.rpartition('-')[2]}"] = "true"
        _ensure(
            store, CLUSTER_ROLE, name, {"rules": rules}, {**marks, "labels": {**marks["labels"], **extra}}
        )
    for name, target in _AGGREGATES.items():
        chosen = {"matchLabels": {f"{RBAC}/aggregate-to-{target}": "true"}}
        body = {"aggregationRule": {"clusterRoleSelectors": [chosen]}, "rules": _aggregate(name)}
        next_up = {"view": "edit", "edit": "admin"}.get(name)
        labels = dict(marks["labels"])
        if next_up:
            labels[f"{RBAC}/aggregate-to-{next_up}"] = "true"
        _ensure(store, CLUSTER_ROLE, name, body, {**marks, "labels": labels})
    for name, subjects in _BINDINGS.items():
        body = {
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [
                {"apiGroup": RBAC, "kind": text.partition(":")[0], "name": text.partition(":")[2]}
                for text in subjects
            ],
        }
        _ensure(store, CLUSTER_ROLE_BINDING, name, body, marks)


def _aggregate(name: str) -> list[Json]:
    return {
        "view": _VIEW_RULES,
        "edit": [*_EDIT_RULES, *_VIEW_RULES],
        "admin": [*_EDIT_RULES, *_VIEW_RULES, *_ADMIN_RULES],
    }[name]


def _ensure(
    store: Store, resource: Resource, name: str, body: Mapping[str, Any], marks: Mapping[str, Any]
) -> None:
    if store.record(resource, None, name) is None:
        meta = {"name": name, **marks}
        store.create(
            resource, {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta, **body}
        )
