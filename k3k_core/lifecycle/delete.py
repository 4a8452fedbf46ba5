"""Deleting a control plane by its root: the host's own garbage collector takes the rest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from k3k_core.concurrency import all_of
from k3k_core.discovery.control_plane import format_time
from k3k_core.errors import ConflictError, K3kError, NotFoundError, NotReadyError
from k3k_core.host import HostApi, wait_for
from k3k_core.lifecycle.belongings import Belonging, find_belongings, is_for_backups, kinds_of
from k3k_core.lifecycle.comparison import subject
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.protect import is_protected, refuse_protected
from k3k_core.lifecycle.ttl import expires_at_of
from k3k_core.names import (
    ANNOTATION_DATASTORE,
    ANNOTATION_KEPT,
    LABEL_CONTROL_PLANE,
    LABEL_MANAGED_BY,
    TYPE_ROOT,
    ControlPlaneId,
)
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, SECRET, Resource


@dataclass(frozen=True, slots=True)
class DeleteRequest:
    """What to delete, and how.

    Attributes:
        id: the control plane.
        keep_data: keep the volumes, and with them (or with an external datastore) the CAs and tokens without
            which the data are of no use.
        delete_backups: delete the volume that backups were written to as well, which is kept otherwise.
        timeout: seconds to wait for everything to be gone.
        only_expired_by: go on only when its time to live is over by then (UTC); None for in any case.
    """

    id: ControlPlaneId
    keep_data: bool = False
    delete_backups: bool = False
    timeout: float = 120.0
    only_expired_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeletePlan:
    """What a delete would take away.

    Attributes:
        id: the control plane.
        objects: "Kind/name" of everything but volumes.
        volumes: "PersistentVolumeClaim/name" of the volumes, which hold the data.
        backups: the same of the volume that holds backups, which stays unless it is asked for.
        protected: whether it is refused for now.
    """

    id: ControlPlaneId
    objects: tuple[str, ...]
    volumes: tuple[str, ...]
    backups: tuple[str, ...] = ()
    protected: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a delete left behind on purpose.

    Attributes:
        id: the control plane.
        kept: "Kind/name" of volumes and credentials that were kept.
    """

    id: ControlPlaneId
    kept: tuple[str, ...] = ()


async def plan_delete(host: HostApi, identity: ControlPlaneId) -> DeletePlan:
    """Name everything a delete would take away; nothing is changed.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: there is nothing of that name.
        ConflictError: it was made by Helm.
    """
    root = await _root(host, identity)
    found = await find_belongings(host, identity)
    volumes = tuple(item.subject for item in found if item.is_volume)
    objects = tuple(item.subject for item in found if not item.is_volume and not item.holds_backups)
    backups = tuple(item.subject for item in found if item.holds_backups)
    if not objects and not volumes and not backups:
        await _refuse_missing(host, identity)
    protected = root is not None and is_protected(root)
    return DeletePlan(identity, objects, volumes, backups, protected)


async def delete(host: HostApi, request: DeleteRequest, progress: Progress = silent) -> Deleted:
    """Delete a control plane and wait until the host holds nothing of it.

    What the root does not own is put under it first, so that one deletion takes everything, whatever dies
    half-way. Run again, it goes on where it stopped.

    Args:
        host: an open host.
        request: what to delete, and how.
        progress: told about each step.

    Raises:
        NotFoundError: there is nothing of that name.
        ConflictError: it was made by Helm, is protected, or has not expired though only that is asked for.
        NotReadyError: something is still there when time is up; the message says what holds it.
    """
    deadline = time.monotonic() + request.timeout
    identity = request.id
    root = await _root(host, identity)
    if root is not None:
        _refuse(request, root)
    found = await find_belongings(host, identity, kinds_of(root))
    backups = [item for item in found if item.holds_backups]
    if not request.delete_backups:
        found = [item for item in found if not item.holds_backups]
        _tell_backups(identity, backups, progress)
    if root is None:
        return await _delete_leftovers(host, request, found, backups, progress)
    claims = [item for item in found if item.is_volume]
    kept: tuple[str, ...] = () if request.delete_backups else tuple(item.subject for item in backups)
    outside = (root["metadata"].get("annotations") or {}).get(ANNOTATION_DATASTORE) == "external"
    if request.keep_data:
        kept += await _keep(host, identity, root, claims) if claims or outside else ()
        progress(Step("keep", "skipped", f"kept: {', '.join(kept) or 'nothing, there are no volumes'}"))
    elif outside:
        text = (
            "the external datastore is not touched: drop its database before another control plane uses it, "
            "or keep the authorities that go with it (--keep-data)"
        )
        progress(Step("datastore", "warning", text))
    elif claims:
        names = ", ".join(claim.metadata["name"] for claim in claims)
        progress(Step("volumes", "done", f"will go with the control plane: {names}"))
    await all_of(_take_along(host, identity, root, item) for item in found if item.subject not in kept)
    progress(Step("delete", "started", f"deleting control plane {identity}", f"Secret/{identity.root}"))
    uid = root["metadata"]["uid"]
    await host.delete(SECRET, identity.namespace, identity.root, propagation="Foreground", uid=uid)
    await _gone(host, identity, deadline)
    if not request.keep_data:
        await _sweep(host, request)
    progress(Step("delete", "done", f"control plane {identity} is gone"))
    return Deleted(identity, kept)


def _refuse(request: DeleteRequest, root: Mapping[str, Any]) -> None:
    """See that a control plane may be deleted; what is being deleted already goes on.

    Raises:
        ConflictError: it may not.
    """
    identity = request.id
    if "deletionTimestamp" in root["metadata"]:
        return
    refuse_protected(identity, root)
    if request.only_expired_by is None:
        return
    ends = expires_at_of(root)
    if ends is None or ends > request.only_expired_by:
        said = f"ends at {format_time(ends)}" if ends else "has no time to live"
        raise ConflictError(
            f"control plane {identity} {said} now; nothing was deleted",
            hint="Somebody gave it longer meanwhile; `k3k list` shows what is left to each.",
        )


def _tell_backups(identity: ControlPlaneId, backups: list[Belonging], progress: Progress) -> None:
    if backups:
        names = ", ".join(item.subject for item in backups)
        command = f"`k3k delete {identity.name} -n {identity.namespace} --delete-backups`"
        progress(Step("backups", "skipped", f"kept, for it holds backups: {names}; {command} removes it"))


async def _root(host: HostApi, identity: ControlPlaneId) -> dict[str, Any] | None:
    try:
        root = await host.get(SECRET, identity.namespace, identity.root)
    except NotFoundError:
        return None
    if root.get("type") != TYPE_ROOT:
        raise ConflictError(
            f"Secret {identity.namespace}/{identity.root} is no control plane's root; nothing was deleted",
            hint="Check the name with `k3k list`.",
        )
    return root


async def _take_along(
    host: HostApi, identity: ControlPlaneId, root: Mapping[str, Any], item: Belonging
) -> None:
    """See that an object goes with the root, whose own objects do by themselves.

    Volumes are their StatefulSet's, and what was applied from rendered manifests is nobody's.
    """
    uid, name = root["metadata"]["uid"], item.metadata["name"]
    owners = item.metadata.get("ownerReferences") or []
    if item.subject == f"Secret/{identity.root}" or any(owner["uid"] == uid for owner in owners):
        return
    if "deletionTimestamp" in root["metadata"]:
        # Too late to be put under the root: the garbage collector has looked at what it owns.
        await host.delete(item.resource, identity.namespace, name)
        return
    mine = {
        "apiVersion": "v1",
        "kind": "Secret",
        "name": identity.root,
        "uid": uid,
        "blockOwnerDeletion": True,
    }
    patch = {"metadata": {"ownerReferences": [*owners, mine]}}
    await _patch_if_there(host, item.resource, identity, name, patch)


async def _keep(
    host: HostApi, identity: ControlPlaneId, root: Mapping[str, Any], claims: list[Belonging]
) -> tuple[str, ...]:
    """Take volumes, CAs and tokens out of the root's ownership."""
    uid = root["metadata"]["uid"]
    kept = []
    for claim in claims:
        before = claim.metadata.get("ownerReferences") or []
        owners = [owner for owner in before if owner["uid"] != uid]
        if len(owners) != len(before):
            patch: dict[str, Any] = {"metadata": {"ownerReferences": owners}}
            await _patch_if_there(host, PERSISTENT_VOLUME_CLAIM, identity, claim.metadata["name"], patch)
        kept.append(claim.subject)
    orphan = {"metadata": {"ownerReferences": [], "annotations": {ANNOTATION_KEPT: "true"}}}
    for name in (identity.pki, identity.tokens, identity.etcd_pki):
        if await _patch_if_there(host, SECRET, identity, name, orphan):
            kept.append(f"Secret/{name}")
    return tuple(kept)


async def _patch_if_there(
    host: HostApi, resource: Resource, identity: ControlPlaneId, name: str, patch: dict[str, Any]
) -> bool:
    try:
        await host.patch(resource, identity.namespace, name, patch)
    except NotFoundError:
        return False
    return True


async def _gone(host: HostApi, identity: ControlPlaneId, deadline: float) -> None:
    """Wait until the root is gone: with foreground deletion that is when all it owns is gone."""

    def absent(objects: Mapping[str, dict[str, Any]]) -> bool | None:
        return None if identity.root in objects else True

    try:
        await wait_for(
            host,
            SECRET,
            identity.namespace,
            absent,
            fields=f"metadata.name={identity.root}",
            timeout=max(deadline - time.monotonic(), 1.0),
            what=f"The end of control plane {identity}",
        )
    except NotReadyError as error:
        try:
            left = await plan_delete(host, identity)
        except K3kError:
            raise error from None
        remaining = "\n".join(f"  {name}" for name in (*left.volumes, *left.objects))
        raise NotReadyError(
            f"control plane {identity} is being deleted, but still there when time was up:\n{remaining}",
            hint="Look for finalizers on these objects; the same delete, run again, goes on waiting.",
        ) from None


async def _sweep(host: HostApi, request: DeleteRequest) -> None:
    """Delete volumes that a create going on meanwhile had pods claim too late for the root to take them."""
    identity = request.id
    listing = await host.list(
        PERSISTENT_VOLUME_CLAIM,
        identity.namespace,
        labels=f"{LABEL_CONTROL_PLANE}={identity.name}",
        metadata_only=True,
    )
    claims = [
        item["metadata"]
        for item in listing.items
        if "deletionTimestamp" not in item["metadata"]
        and (request.delete_backups or not is_for_backups(identity, item["metadata"]))
    ]
    if not claims or await _root(host, identity) is not None:
        return
    await all_of(
        host.delete(PERSISTENT_VOLUME_CLAIM, identity.namespace, claim["name"], uid=claim["uid"])
        for claim in claims
    )


async def _delete_leftovers(
    host: HostApi,
    request: DeleteRequest,
    found: list[Belonging],
    backups: list[Belonging],
    progress: Progress,
) -> Deleted:
    """Finish a delete whose root is gone already, or remove what `--keep-data` once left.

    What has an owner is left to the garbage collector.
    """
    identity = request.id
    left = [item for item in found if item.is_volume or not item.metadata.get("ownerReferences")]
    if not left:
        if backups:
            return Deleted(identity, tuple(item.subject for item in backups))
        await _refuse_missing(host, identity)
    credentials = {f"Secret/{name}" for name in (identity.pki, identity.tokens, identity.etcd_pki)}
    kept = tuple(
        item.subject for item in left if request.keep_data and (item.is_volume or item.subject in credentials)
    )
    going = [item for item in left if item.subject not in kept]
    if kept:
        progress(Step("keep", "skipped", f"control plane {identity} is gone; kept: {', '.join(kept)}"))
    await all_of(host.delete(item.resource, identity.namespace, item.metadata["name"]) for item in going)
    if going:
        names = ", ".join(item.subject for item in going)
        progress(Step("delete", "done", f"removed what was left of {identity}: {names}"))
    return Deleted(identity, kept)


async def _refuse_missing(host: HostApi, identity: ControlPlaneId) -> None:
    try:
        secret = await host.get(SECRET, identity.namespace, identity.kubeconfig)
    except NotFoundError:
        raise NotFoundError(
            f"control plane {identity} does not exist on host {host.name}",
            hint="`k3k list` shows what there is.",
        ) from None
    if (secret["metadata"].get("labels") or {}).get(LABEL_MANAGED_BY) == "Helm":
        raise ConflictError(
            f"control plane {identity} was made by Helm; k3k only shows it",
            hint=f"`helm uninstall {identity.name} -n {identity.namespace}` removes it.",
        )
    raise NotFoundError(
        f"control plane {identity} does not exist on host {host.name}; only {subject(secret)} does",
        hint="`k3k list` shows what there is.",
    )
