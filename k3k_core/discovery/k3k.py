"""Control planes that this project made: root Secrets and what hangs from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from k3k_core.concurrency import together
from k3k_core.discovery.addresses import endpoint, service_essence
from k3k_core.discovery.control_plane import ControlPlane, parse_time
from k3k_core.discovery.verdict import judge
from k3k_core.discovery.workload import servers_of, workload_essence
from k3k_core.host import HostApi
from k3k_core.names import (
    ANNOTATION_DATASTORE,
    ANNOTATION_EXPIRES_AT,
    ANNOTATION_SERVERS,
    ANNOTATION_VERSION,
    LABEL_CONTROL_PLANE,
    TYPE_ROOT,
    ControlPlaneId,
)
from k3k_core.resources import SECRET, SERVICE, STATEFUL_SET

_ROOT_SUFFIX = "-k3k"

Key = tuple[str, str]

# Small pages: what is thrown away of an object is many times what is kept.
_PAGE = 100


async def discover(host: HostApi, *, namespace: str | None, now: datetime) -> tuple[ControlPlane, ...]:
    """List the control planes made by k3k on one host.

    Args:
        host: an open host.
        namespace: only this namespace; None for all.
        now: current time (UTC), for expiry and grace periods.

    Raises:
        K3kError: the host refuses or does not answer.
    """
    roots, stateful_sets, services = await together(
        host.list(
            SECRET,
            namespace,
            labels=LABEL_CONTROL_PLANE,
            fields=f"type={TYPE_ROOT}",
            metadata_only=True,
            project=root_essence,
        ),
        host.list(
            STATEFUL_SET, namespace, labels=LABEL_CONTROL_PLANE, page_size=_PAGE, project=workload_essence
        ),
        host.list(SERVICE, namespace, labels=LABEL_CONTROL_PLANE, page_size=_PAGE, project=service_essence),
    )
    workloads = by_name(stateful_sets.items)
    fronts = by_name(services.items)
    return tuple(
        _row(host.name, root, workloads, fronts, now)
        for root in roots.items
        if root["metadata"]["name"].endswith(_ROOT_SUFFIX)
    )


def by_name(objects: Iterable[Mapping[str, Any]]) -> dict[Key, Mapping[str, Any]]:
    """Index objects by (namespace, name)."""
    return {(item["metadata"].get("namespace", ""), item["metadata"]["name"]): item for item in objects}


def _row(
    host: str,
    root: Mapping[str, Any],
    workloads: Mapping[Key, Mapping[str, Any]],
    fronts: Mapping[Key, Mapping[str, Any]],
    now: datetime,
) -> ControlPlane:
    metadata = root["metadata"]
    annotations = metadata.get("annotations") or {}
    # Every verb finds a control plane by its root's name; the label may have been edited.
    identity = ControlPlaneId(metadata["namespace"], metadata["name"].removesuffix(_ROOT_SUFFIX))
    servers = servers_of(workloads.get((identity.namespace, identity.server)))
    front = fronts.get((identity.namespace, identity.service))
    expires_at = parse_time(annotations.get(ANNOTATION_EXPIRES_AT))
    verdict, reason = judge(servers, now=now, deleting="deletionTimestamp" in metadata, expires_at=expires_at)
    return ControlPlane(
        host=host,
        namespace=identity.namespace,
        name=identity.name,
        system="k3k",
        made_by="k3k",
        version=annotations.get(ANNOTATION_VERSION, ""),
        servers_ready=servers.ready if servers else 0,
        servers_wanted=servers.wanted if servers else _number(annotations.get(ANNOTATION_SERVERS)),
        datastore=annotations.get(ANNOTATION_DATASTORE, ""),
        verdict=verdict,
        reason=reason,
        endpoint=endpoint(front) if front else "",
        created_at=parse_time(metadata.get("creationTimestamp")),
        expires_at=expires_at,
        read_only=False,
    )


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() else 1


def root_essence(root: dict[str, Any]) -> dict[str, Any]:
    """Return what a row needs of a root Secret."""
    metadata = root["metadata"]
    kept = ("name", "namespace", "labels", "annotations", "creationTimestamp", "deletionTimestamp")
    return {"metadata": {key: metadata[key] for key in kept if key in metadata}}
