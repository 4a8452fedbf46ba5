"""The objects of the host that make up a control plane, ready to be shown: no secret is in them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from k3k_core.concurrency import all_of
from k3k_core.discovery.control_plane import parse_time
from k3k_core.errors import ForbiddenError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.comparison import masked_headers
from k3k_core.lifecycle.readiness import trouble_of
from k3k_core.names import LABEL_CONTROL_PLANE, LABEL_INSTANCE, ControlPlaneId
from k3k_core.resources import (
    CONFIG_MAP,
    DEPLOYMENT,
    NETWORK_POLICY,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    Resource,
)

_KINDS = (
    STATEFUL_SET,
    DEPLOYMENT,
    POD,
    SERVICE,
    PERSISTENT_VOLUME_CLAIM,
    SECRET,
    CONFIG_MAP,
    SERVICE_ACCOUNT,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
)
# `kubectl apply` keeps a copy of the whole object here, secrets included.
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class BelongingObject:
    """One object.

    Attributes:
        kind: e.g. "Secret".
        name: its name.
        created_at: when it was made (UTC); None when the host does not say.
        status: its state in a few words, such as "1/1 ready", "Bound" or "5 keys".
        manifest: the object as the host stores it, contents of Secrets and bearer tokens hidden, without
            `managedFields`.
    """

    kind: str
    name: str
    created_at: datetime | None
    status: str
    manifest: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Belongings:
    """What belongs to a control plane.

    Attributes:
        objects: workloads first, in a fixed order of kinds, then by name.
        hidden: kinds that this identity may not list, such as "networkpolicies".
    """

    objects: tuple[BelongingObject, ...]
    hidden: tuple[str, ...] = ()


async def list_objects(host: HostApi, identity: ControlPlaneId) -> Belongings:
    """Return every object of a control plane; one that Helm made will do.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: there is nothing of that name.
        K3kError: the host refuses or does not answer.
    """
    hidden: list[str] = []

    async def find(resource: Resource, label: str) -> list[BelongingObject]:
        try:
            listing = await host.list(resource, identity.namespace, labels=f"{label}={identity.name}")
        except ForbiddenError:
            hidden.append(resource.plural)
            return []
        return sorted((_shown(item) for item in listing.items), key=lambda each: each.name)

    for label in (LABEL_CONTROL_PLANE, LABEL_INSTANCE):
        hidden.clear()
        groups = await all_of(find(resource, label) for resource in _KINDS)
        objects = tuple(each for group in groups for each in group)
        if objects:
            return Belongings(objects, tuple(sorted(hidden)))
    if hidden:
        return Belongings((), tuple(sorted(hidden)))
    raise NotFoundError(
        f"control plane {identity} does not exist on host {host.name}",
        hint="`k3k list` shows what there is.",
    )


def _shown(item: Mapping[str, Any]) -> BelongingObject:
    metadata = item["metadata"]
    return BelongingObject(
        kind=item["kind"],
        name=metadata["name"],
        created_at=parse_time(metadata.get("creationTimestamp")),
        status=_status(item),
        manifest=without_secrets(item),
    )


def without_secrets(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object as it may be shown.

    Args:
        item: a Kubernetes object.
    """
    shown: dict[str, Any] = masked_headers(item)
    metadata = {key: value for key, value in shown["metadata"].items() if key != "managedFields"}
    annotations = metadata.get("annotations") or {}
    if _LAST_APPLIED in annotations:
        metadata["annotations"] = {key: text for key, text in annotations.items() if key != _LAST_APPLIED}
    shown["metadata"] = metadata
    if item.get("kind") == "Secret":
        for key in ("data", "stringData"):
            if shown.get(key):
                shown[key] = {name: _size(text, encoded=key == "data") for name, text in shown[key].items()}
    return shown


def _size(text: object, *, encoded: bool) -> str:
    try:
        raw = str(text).encode()
        size = len(base64.b64decode(raw, validate=True)) if encoded else len(raw)
    except (binascii.Error, ValueError):
        return "(hidden)"
    return f"(hidden, {size} bytes)"


def _status(item: Mapping[str, Any]) -> str:
    kind, spec, status = item["kind"], item.get("spec") or {}, item.get("status") or {}
    if "deletionTimestamp" in item["metadata"]:
        return "being deleted"
    if kind in {"StatefulSet", "Deployment"}:
        return f"{int(status.get('readyReplicas') or 0)}/{int(spec.get('replicas', 1))} ready"
    if kind == "Pod":
        return trouble_of(item) or _pod_status(status)
    if kind == "Service":
        ports = ", ".join(str(port.get("port", "")) for port in spec.get("ports") or ())
        return f"{spec.get('type', 'ClusterIP')} {ports}".strip()
    if kind == "PersistentVolumeClaim":
        size = (status.get("capacity") or {}).get("storage", "")
        return f"{status.get('phase', 'Pending')} {size}".strip()
    if kind in {"Secret", "ConfigMap"}:
        count = len(item.get("data") or {})
        return f"{count} key{'s' if count != 1 else ''}"
    if kind == "PodDisruptionBudget":
        return f"{int(status.get('disruptionsAllowed') or 0)} disruptions allowed"
    return ""


def _pod_status(status: Mapping[str, Any]) -> str:
    phase = str(status.get("phase", "Unknown"))
    conditions = {each.get("type"): each.get("status") for each in status.get("conditions") or ()}
    if phase == "Running":
        return "ready" if conditions.get("Ready") == "True" else "running, not ready"
    return phase
