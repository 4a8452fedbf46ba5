"""Kubernetes objects as JSON values: copied, encoded, dated, told apart."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from k3k_core.resources import Resource

StoreKey = tuple[str, str]
ObjectKey = tuple[str, str]
Objects = list[dict[str, Any]]
ObjectKeys = list[ObjectKey]

# Different API groups that serve the same objects: events.k8s.io is a view on the core group's events.
_SAME_STORAGE: dict[StoreKey, StoreKey] = {("events.k8s.io", "events"): ("", "events")}

# Kinds whose objects carry metadata.generation; custom resources always do.
_WITH_GENERATION = frozenset(
    {
        "APIService",
        "CronJob",
        "CustomResourceDefinition",
        "DaemonSet",
        "Deployment",
        "EndpointSlice",
        "FlowSchema",
        "Ingress",
        "IngressClass",
        "Job",
        "MutatingWebhookConfiguration",
        "NetworkPolicy",
        "Pod",
        "PodDisruptionBudget",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ReplicaSet",
        "ReplicationController",
        "StatefulSet",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)


def clone(value: Any) -> Any:
    """Copy a JSON value deeply (three times as fast as `copy.deepcopy`)."""
    if isinstance(value, dict):
        return {key: clone(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clone(item) for item in value]
    return value


def encode(value: Any) -> bytes:
    """Encode a JSON value compactly as UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def store_key(resource: Resource) -> StoreKey:
    """Return the key under which all versions of a resource type are kept."""
    key = (resource.group, resource.plural)
    return _SAME_STORAGE.get(key, key)


def has_generation(resource: Resource) -> bool:
    """Say whether objects of this type carry `metadata.generation`."""
    builtin = "." not in resource.group or resource.group.endswith(".k8s.io")
    return resource.kind in _WITH_GENERATION or not builtin


def timestamp(now: datetime) -> str:
    """Format a time as the API does: RFC 3339, UTC, whole seconds."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def object_key(resource: Resource, obj: dict[str, Any]) -> ObjectKey:
    meta = obj["metadata"]
    return (meta.get("namespace", "") if resource.namespaced else "", meta["name"])


def type_of(plural: str, obj: dict[str, Any]) -> Resource:
    """Return the type of a stored object, as far as it tells.

    Args:
        plural: name of the type in paths.
        obj: the object.
    """
    group, _, version = str(obj.get("apiVersion", "v1")).rpartition("/")
    return Resource(group, version, plural, obj.get("kind", ""), bool(obj["metadata"].get("namespace")))


def desired(obj: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in obj.items() if name not in {"metadata", "status", "apiVersion", "kind"}
    }


def is_finalized(obj: dict[str, Any]) -> bool:
    """Namespaces have finalizers of their own in `spec`."""
    return not (obj.get("kind") == "Namespace" and obj.get("spec", {}).get("finalizers"))
