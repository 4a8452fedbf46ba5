"""Pods of servers and of etcd members, reduced to where they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k3k_core.host import Key, Selection
from k3k_core.names import LABEL_COMPONENT, LABEL_CONTROL_PLANE
from k3k_core.resources import POD

# Small pages: what is thrown away of a pod is many times what is kept.
_PAGE = 100


@dataclass(frozen=True, slots=True)
class PodFacts:
    """One pod of a control plane.

    Attributes:
        name: its name.
        control_plane: name of the control plane it belongs to.
        component: "server" or "etcd".
        address: its IP; empty before it has one.
        node_address: IP of its node; empty before it is scheduled.
        ready: whether its readiness probe passes.
        leaving: whether it is being deleted, or has ended.
    """

    name: str
    control_plane: str
    component: str
    address: str
    node_address: str
    ready: bool
    leaving: bool


def pods_selection(namespace: str | None) -> Selection:
    """Return which pods a fleet follows.

    Args:
        namespace: only this namespace; None for all.
    """
    return Selection(POD, namespace, labels=LABEL_CONTROL_PLANE, page_size=_PAGE)


def pod_facts(pod: Mapping[str, Any]) -> PodFacts:
    """Reduce a pod.

    Args:
        pod: as the host gives it.
    """
    metadata, status = pod["metadata"], pod.get("status") or {}
    labels = metadata.get("labels") or {}
    conditions = {item.get("type"): item.get("status") for item in status.get("conditions") or ()}
    return PodFacts(
        name=str(metadata["name"]),
        control_plane=str(labels.get(LABEL_CONTROL_PLANE, "")),
        component=str(labels.get(LABEL_COMPONENT, "")),
        address=str(status.get("podIP") or ""),
        node_address=str(status.get("hostIP") or ""),
        ready=conditions.get("Ready") == "True",
        leaving="deletionTimestamp" in metadata or status.get("phase") in {"Succeeded", "Failed"},
    )


def by_control_plane(pods: Mapping[Key, PodFacts]) -> dict[Key, tuple[PodFacts, ...]]:
    """Group pods by namespace and control plane, each group by name.

    Args:
        pods: by namespace and name.
    """
    groups: dict[Key, list[PodFacts]] = {}
    for key, pod in pods.items():
        groups.setdefault(Key(key.namespace, pod.control_plane), []).append(pod)
    return {key: tuple(sorted(group, key=lambda pod: pod.name)) for key, group in groups.items()}
