"""Control planes that this project made: root Secrets and what hangs from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from k3k_core.discovery.addresses import endpoint, service_essence
from k3k_core.discovery.control_plane import ControlPlane, parse_time
from k3k_core.discovery.source import Objects, Source
from k3k_core.discovery.verdict import Servers, judge
from k3k_core.discovery.workload import servers_of, workload_essence
from k3k_core.host import Key
from k3k_core.names import (
    ANNOTATION_BACKED_UP_AT,
    ANNOTATION_DATASTORE,
    ANNOTATION_EXPIRES_AT,
    ANNOTATION_OPERATION,
    ANNOTATION_PAUSED_AT,
    ANNOTATION_PROTECTED,
    ANNOTATION_RESUMED_AT,
    ANNOTATION_SERVERS,
    ANNOTATION_VERSION,
    LABEL_CONTROL_PLANE,
    TYPE_ROOT,
    ControlPlaneId,
)
from k3k_core.resources import SECRET, SERVICE, STATEFUL_SET

_ROOT_SUFFIX = "-k3k"

# Small pages: what is thrown away of an object is many times what is kept.
_PAGE = 100


def root_essence(root: dict[str, Any]) -> dict[str, Any]:
    """Return what a row needs of a root Secret."""
    metadata = root["metadata"]
    kept = ("name", "namespace", "labels", "annotations", "creationTimestamp", "deletionTimestamp")
    return {"metadata": {key: metadata[key] for key in kept if key in metadata}}


ROOTS = Source(
    SECRET, root_essence, labels=LABEL_CONTROL_PLANE, fields=f"type={TYPE_ROOT}", metadata_only=True
)
STATEFUL_SETS = Source(STATEFUL_SET, workload_essence, labels=LABEL_CONTROL_PLANE, page_size=_PAGE)
SERVICES = Source(SERVICE, service_essence, labels=LABEL_CONTROL_PLANE, page_size=_PAGE)


def rows(
    host: str, roots: Objects, stateful_sets: Objects, services: Objects, *, now: datetime
) -> Iterator[tuple[ControlPlane, Mapping[str, Any] | None]]:
    """Yield the control planes made by k3k, each with the Service in front of it.

    Args:
        host: name of the host.
        roots: of `ROOTS`.
        stateful_sets: of `STATEFUL_SETS`.
        services: of `SERVICES`.
        now: current time (UTC), for expiry and grace periods.
    """
    for root in roots.values():
        metadata = root["metadata"]
        if not metadata["name"].endswith(_ROOT_SUFFIX):
            continue
        # Every verb finds a control plane by its root's name; the label may have been edited.
        identity = ControlPlaneId(metadata["namespace"], metadata["name"].removesuffix(_ROOT_SUFFIX))
        workload = stateful_sets.get(Key(identity.namespace, identity.server))
        front = services.get(Key(identity.namespace, identity.service))
        etcd = stateful_sets.get(Key(identity.namespace, identity.etcd))
        yield _row(host, identity, root, workload, etcd, front, now), front


def _row(
    host: str,
    identity: ControlPlaneId,
    root: Mapping[str, Any],
    workload: Mapping[str, Any] | None,
    etcd: Mapping[str, Any] | None,
    front: Mapping[str, Any] | None,
    now: datetime,
) -> ControlPlane:
    metadata = root["metadata"]
    annotations = metadata.get("annotations") or {}
    servers = _since_resumed(servers_of(workload), parse_time(annotations.get(ANNOTATION_RESUMED_AT)))
    expires_at = parse_time(annotations.get(ANNOTATION_EXPIRES_AT))
    paused_at = parse_time(annotations.get(ANNOTATION_PAUSED_AT))
    verdict, reason = judge(
        servers,
        now=now,
        deleting="deletionTimestamp" in metadata,
        expires_at=expires_at,
        paused=paused_at is not None,
        etcd_asked_for=etcd is not None and etcd["spec"]["replicas"] > 0,
        operation=_operation(annotations.get(ANNOTATION_OPERATION)),
    )
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
        labels=metadata.get("labels") or {},
        paused_at=paused_at,
        backed_up_at=parse_time(annotations.get(ANNOTATION_BACKED_UP_AT)),
        protected=annotations.get(ANNOTATION_PROTECTED) == "true",
    )


def _since_resumed(servers: Servers | None, resumed_at: datetime | None) -> Servers | None:
    """Count the grace of a start from when the servers were last asked for."""
    if servers is None or resumed_at is None or (servers.since is not None and servers.since > resumed_at):
        return servers
    return replace(servers, since=resumed_at)


def _operation(text: object) -> str:
    """Return the verb that is noted on a root, with its phase, e.g. "restore (copying)"; empty for none."""
    if not isinstance(text, str) or not text:
        return ""
    try:
        noted = json.loads(text)
        verb, phase = str(noted["verb"]), str(noted.get("phase", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "an unknown operation"
    return f"{verb} ({phase})" if phase else verb


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() else 1
