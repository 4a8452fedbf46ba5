"""Upgrading a control plane: check, record the values, apply, replace the servers, wait.

The root Secret is written first and holds what was asked for, so every later step can be repeated: whatever dies
half-way, the same upgrade goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from k3k_core import manifests
from k3k_core.concurrency import all_of, together
from k3k_core.discovery.addresses import load_balancer_host, url
from k3k_core.discovery.control_plane import format_time, parse_time
from k3k_core.errors import ConflictError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.addressing import await_other_address, cluster_ips, settle_address
from k3k_core.lifecycle.applying import apply_servers, apply_supports, store_kubeconfig
from k3k_core.lifecycle.claim import owner_of
from k3k_core.lifecycle.comparison import ObjectDiff
from k3k_core.lifecycle.diff import address_of
from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.revisions import revision_secrets
from k3k_core.lifecycle.rollout import Rollout, servers_of, wait_for_rollout
from k3k_core.lifecycle.standing import Standing, UpgradeRequest, look
from k3k_core.lifecycle.upgrade_plan import Strategy, UpgradePlan, plan_of, plan_upgrade
from k3k_core.manifests import Address, Blueprint
from k3k_core.names import ANNOTATION_EXPIRES_AT, ControlPlaneId
from k3k_core.resources import KNOWN, SECRET, SERVICE
from k3k_core.values import Values

__all__ = ["Strategy", "UpgradePlan", "UpgradeRequest", "Upgraded", "plan_upgrade", "upgrade"]

# How many revisions are kept for history and rollback.
KEPT_REVISIONS = 10


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A control plane as an upgrade leaves it.

    Attributes:
        id: the control plane.
        from_version: k3s version that ran before.
        version: k3s version it has now.
        revision: its revision number.
        endpoint: URL of its API.
        changed: whether any value changed; false when an earlier upgrade was gone on with, or nothing was to
            be done.
        ready: whether every server was seen ready.
        elapsed: seconds the upgrade took.
    """

    id: ControlPlaneId
    from_version: str
    version: str
    revision: int
    endpoint: str
    changed: bool
    ready: bool
    elapsed: float


async def upgrade(host: HostApi, request: UpgradeRequest, progress: Progress = silent) -> Upgraded:
    """Upgrade a control plane, or finish an upgrade that was stopped.

    Args:
        host: an open host.
        request: what is asked for.
        progress: told about each step.

    Returns:
        The control plane as it is now.

    Raises:
        NotFoundError: the control plane does not exist.
        ConflictError: it cannot become what is asked for, and nothing was changed; or somebody else changes it at
            the same time.
        NotReadyError: everything is applied, but the servers are not ready in time.
        K3kError: the host refuses or does not answer.
    """
    started = time.monotonic()
    standing = await look(host, request)
    plan = await plan_of(host, request, standing)
    refuse(plan)
    for warning in plan.warnings:
        progress(Step("check", "warning", str(warning)))
    progress(Step("check", "done", _checked(plan)))
    root = await _record(host, request.id, standing, plan, progress)
    before = await servers_of(host, request.id)
    blueprint = await _blueprint(host, request, standing, root, progress)
    await _apply(host, request, blueprint, before, started, progress)
    await _remove(host, request.id, blueprint, plan.objects, progress)
    servers = standing.wanted.servers
    if request.wait:
        progress(Step("ready", "started", f"waiting for {servers} server{'s' if servers != 1 else ''}"))
        rollout = Rollout(request.id, request.id.server, servers, before, "upgrade")
        await wait_for_rollout(host, rollout, timeout=_left(request, started), progress=progress)
        progress(Step("ready", "done", f"{servers} of {servers} servers ready"))
    await _forget(host, request.id, blueprint.revision)
    address = blueprint.address or Address(request.id.service)
    return Upgraded(
        id=request.id,
        from_version=plan.from_version,
        version=standing.wanted.version,
        revision=blueprint.revision,
        endpoint=url(address.host, address.port),
        changed=bool(plan.changes),
        ready=request.wait,
        elapsed=time.monotonic() - started,
    )


def refuse(plan: UpgradePlan) -> None:
    """See that an upgrade may go on.

    Args:
        plan: of the upgrade.

    Raises:
        ConflictError: it may not; the message holds every reason and what to do instead.
    """
    if plan.problems:
        lines = "\n".join(f"  {problem}" for problem in plan.problems)
        raise ConflictError(
            f"control plane {plan.id} cannot be upgraded like this; nothing was changed\n{lines}",
            hint=f"`k3k upgrade {plan.id.name} -n {plan.id.namespace} --dry-run` shows what an upgrade would do.",
        )


def _checked(plan: UpgradePlan) -> str:
    if plan.nothing_to_do:
        return "everything is as asked for already"
    if plan.resumes:
        return f"going on to revision {plan.revision} ({plan.to_version})"
    count = len(plan.changes)
    values = f"{count} value{'s' if count != 1 else ''}"
    if plan.from_version == plan.to_version:
        return f"{values} will change, at {plan.to_version}"
    return f"{values} will change, from {plan.from_version} to {plan.to_version}"


def _left(request: UpgradeRequest, started: float) -> float:
    return max(request.timeout - (time.monotonic() - started), 1.0)


async def _record(
    host: HostApi, identity: ControlPlaneId, standing: Standing, plan: UpgradePlan, progress: Progress
) -> Mapping[str, Any]:
    """Write the values into the root Secret as a new revision, if they changed; return the root."""
    if not plan.changes:
        return standing.root
    kept = [manifests.stored_revision(item) for item in await revision_secrets(host, identity)]
    # Not just the next one: a root that was restored from a backup is behind its own revisions.
    number = max([standing.revision, *kept]) + 1
    manifest = _new_root(identity, standing, number)
    try:
        root = await host.replace(manifest)
    except ConflictError as error:
        root = await _written_all_the_same(host, identity, manifest, error)
    progress(Step("revision", "done", f"recorded revision {number}", f"Secret/{identity.root}"))
    return root


def _new_root(identity: ControlPlaneId, standing: Standing, number: int) -> dict[str, Any]:
    metadata = standing.root["metadata"]
    expires_at = _expires_at(standing.root, standing.stored.values, standing.wanted)
    fresh = manifests.root_secret(identity, standing.wanted, revision=number, expires_at=expires_at)
    annotations = {**(metadata.get("annotations") or {}), **fresh["metadata"]["annotations"]}
    if expires_at is None:
        annotations.pop(ANNOTATION_EXPIRES_AT, None)
    labels = {**(metadata.get("labels") or {}), **fresh["metadata"]["labels"]}
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    return {**fresh, "metadata": {**kept, "annotations": annotations, "labels": labels}}


def _expires_at(root: Mapping[str, Any], stored: Values, wanted: Values) -> str | None:
    """Return the end of the time to live: it counts from the creation, and stays unless the value changes."""
    metadata = root["metadata"]
    if stored.ttl == wanted.ttl:
        return (metadata.get("annotations") or {}).get(ANNOTATION_EXPIRES_AT)
    created = parse_time(metadata.get("creationTimestamp")) or datetime.now(UTC)
    lifetime = wanted.ttl_seconds
    return format_time(created + timedelta(seconds=lifetime)) if lifetime else None


async def _written_all_the_same(
    host: HostApi, identity: ControlPlaneId, manifest: Mapping[str, Any], error: ConflictError
) -> dict[str, Any]:
    """Return the root if it is what was to be written: the answer to the first attempt was lost."""
    root = await host.get(SECRET, identity.namespace, identity.root)
    same_uid = root["metadata"].get("uid") == manifest["metadata"].get("uid")
    same_number = manifests.stored_revision(root) == manifests.stored_revision(manifest)
    if same_uid and same_number and root.get("data") == manifest["data"]:
        return root
    raise ConflictError(
        f"control plane {identity} was changed by somebody else meanwhile; nothing was changed",
        hint="Run the same command again: it looks at what there is now.",
        reason=error.reason,
    ) from None


async def _blueprint(
    host: HostApi,
    request: UpgradeRequest,
    standing: Standing,
    root: Mapping[str, Any],
    progress: Progress,
) -> Blueprint:
    """Settle the address and the kubeconfig, and return what everything else is made from."""
    now = datetime.now(UTC)
    owner, wanted = owner_of(root), standing.wanted
    address = await _address(host, request, wanted, root, progress)
    document = await store_kubeconfig(
        host, request.id, wanted, owner, standing.credentials.pki, address, now=now
    )
    return Blueprint(
        id=request.id,
        values=wanted,
        pki=standing.credentials.pki,
        tokens=standing.credentials.tokens,
        admin_kubeconfig=document,
        address=address,
        owner=owner,
        revision=manifests.stored_revision(root),
        etcd_pki=standing.credentials.etcd_pki,
        datastore_files=standing.credentials.datastore_files,
    )


async def _address(
    host: HostApi, request: UpgradeRequest, wanted: Values, root: Mapping[str, Any], progress: Progress
) -> Address:
    """Return where the API is, asking the load balancer again only when it may have changed.

    A host without one never answers, and an upgrade that has nothing to do with it must not wait for that.
    """
    identity = request.id
    before, document = await together(
        host.get(SERVICE, identity.namespace, identity.service), fetch_kubeconfig(host, identity)
    )
    manifest = manifests.front_service(identity, wanted, owner_of(root))
    service = await host.apply(manifest, force=request.force_conflicts)
    known = address_of(document)
    unchanged = before["spec"] == service["spec"]
    if unchanged and (not load_balancer_host(service) or load_balancer_host(service) == known.host):
        return Address(known.host, known.port, cluster_ips(service))
    current: Mapping[str, Any] = service
    if _moves(before, service):
        current = await await_other_address(host, service, timeout=request.address_timeout)
    address = await settle_address(host, current, timeout=request.address_timeout, progress=progress)
    progress(Step("address", "done", f"{address.host}:{address.port}", f"Service/{identity.service}"))
    return address


def _moves(before: Mapping[str, Any], service: Mapping[str, Any]) -> bool:
    """Tell whether the load balancer was just asked for another address than the one it reports."""
    wanted = service["spec"].get("loadBalancerIP", "")
    asked_before = before["spec"].get("loadBalancerIP", "")
    return wanted not in {"", asked_before} and load_balancer_host(service) not in {"", wanted}


async def _apply(
    host: HostApi,
    request: UpgradeRequest,
    blueprint: Blueprint,
    before: frozenset[str],
    started: float,
    progress: Progress,
) -> None:
    """Apply everything; a dedicated etcd is whole again before the servers are touched."""
    identity, values = blueprint.id, blueprint.values
    supports = await apply_supports(host, blueprint, force=request.force_conflicts)
    if values.datastore.kind == "etcd" and request.wait:
        members = Rollout(identity, identity.etcd, values.datastore.etcd.members, before, "upgrade")
        await wait_for_rollout(host, members, timeout=_left(request, started), progress=progress)
    await _still_ours(host, blueprint)
    await apply_servers(host, blueprint, supports, progress, force=request.force_conflicts)


async def _still_ours(host: HostApi, blueprint: Blueprint) -> None:
    """See that nobody has gone on to another revision: the servers would be given values of an earlier one.

    Raises:
        ConflictError: somebody has.
    """
    identity = blueprint.id
    root = await host.get(SECRET, identity.namespace, identity.root)
    if manifests.stored_revision(root) != blueprint.revision:
        raise ConflictError(
            f"control plane {identity} was taken from revision {blueprint.revision} to "
            f"{manifests.stored_revision(root)} by somebody else meanwhile",
            hint="That upgrade goes on; run this one again when it is over, if it is still wanted.",
        )


async def _remove(
    host: HostApi,
    identity: ControlPlaneId,
    blueprint: Blueprint,
    objects: tuple[ObjectDiff, ...],
    progress: Progress,
) -> None:
    """Delete objects of this control plane for which its values have no use any more."""
    by_kind = {resource.kind: resource for resource in KNOWN}
    for each in objects:
        if each.action != "remove":
            continue
        kind, _, name = each.subject.partition("/")
        try:
            live = await host.get(by_kind[kind], identity.namespace, name)
        except NotFoundError:
            continue
        owners = live["metadata"].get("ownerReferences") or ()
        if blueprint.owner is None or all(owner["uid"] != blueprint.owner.uid for owner in owners):
            continue
        await host.delete(by_kind[kind], identity.namespace, name, uid=live["metadata"]["uid"])
        progress(Step("remove", "done", f"removed {each.subject}", each.subject))


async def _forget(host: HostApi, identity: ControlPlaneId, current: int) -> None:
    """Delete the oldest revisions beyond those that are kept."""
    numbers = [manifests.stored_revision(item) for item in await revision_secrets(host, identity)]
    old = sorted(number for number in numbers if number != current)[: max(0, len(numbers) - KEPT_REVISIONS)]
    await all_of(host.delete(SECRET, identity.namespace, identity.revision(number)) for number in old)
