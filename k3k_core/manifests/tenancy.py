"""What keeps the namespace of a tenant small: a ResourceQuota and a LimitRange."""

from __future__ import annotations

from k3k_core.manifests.blueprint import Blueprint, Manifest
from k3k_core.manifests.metadata import metadata
from k3k_core.names import COMPONENT_CONTROL_PLANE


def resource_quota(blueprint: Blueprint) -> Manifest:
    """Return the quota of the namespace.

    Args:
        blueprint: the control plane.
    """
    quota = blueprint.values.tenancy.quota
    hard = {
        "requests.cpu": quota.cpu,
        "requests.memory": quota.memory,
        "requests.storage": quota.storage,
        "pods": str(quota.pods),
    }
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": metadata(blueprint.id, blueprint.id.root, COMPONENT_CONTROL_PLANE, blueprint.owner),
        "spec": {"hard": hard},
    }


def limit_range(blueprint: Blueprint) -> Manifest:
    """Return what containers of the namespace get that ask for nothing.

    Args:
        blueprint: the control plane.
    """
    limits = blueprint.values.tenancy.limits
    default = {"cpu": limits.cpu, "memory": limits.memory}
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": metadata(blueprint.id, blueprint.id.root, COMPONENT_CONTROL_PLANE, blueprint.owner),
        "spec": {"limits": [{"type": "Container", "default": default}]},
    }
