"""Restoring a backup: in place, or as a control plane that does not exist.

The root says what is under way before anything is touched, and every step looks at what there is: whatever dies
half-way, the same restore goes on.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from k3k_core import manifests
from k3k_core.backups.payloads import with_new_revisions
from k3k_core.discovery.addresses import url
from k3k_core.discovery.control_plane import format_time
from k3k_core.errors import ConflictError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.addressing import settle_address
from k3k_core.lifecycle.agent_pods import settle_agents
from k3k_core.lifecycle.applying import apply_supports, store_kubeconfig
from k3k_core.lifecycle.claim import ensure_namespace, owner_of
from k3k_core.lifecycle.credentials import create_once, find_datastore_files
from k3k_core.lifecycle.databases import restore_external
from k3k_core.lifecycle.etcd_restore import restore_etcd
from k3k_core.lifecycle.etcd_state import note_formed
from k3k_core.lifecycle.operation import Operation, begin, finish, noted
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.restore_credentials import Belongings, store_credentials
from k3k_core.lifecycle.restore_plan import plan_of
from k3k_core.lifecycle.restore_server import forget_restore, give_database, restore_config
from k3k_core.lifecycle.restore_situation import (
    BACKUP_FACT,
    DIGEST_FACT,
    ID_FACT,
    NEW_FACT,
    OPERATION,
    RestoreRequest,
    Situation,
    look,
)
from k3k_core.lifecycle.restore_source import Source
from k3k_core.lifecycle.revisions import revision_secrets
from k3k_core.lifecycle.root_marks import renewed_metadata
from k3k_core.lifecycle.scaling import start_pods, stop_pods
from k3k_core.lifecycle.storage import settle_access_mode, settle_persistence
from k3k_core.manifests import Blueprint
from k3k_core.manifests.metadata import labelled
from k3k_core.names import ANNOTATION_OPERATION, ANNOTATION_PAUSED_AT, COMPONENT_SERVER, ControlPlaneId
from k3k_core.pki import ControlPlanePki, EtcdPki, Tokens
from k3k_core.resources import SECRET

if TYPE_CHECKING:
    from k3k_core.values import Values

_ADDRESS_TIMEOUT = 8.0


@dataclass(frozen=True, slots=True)
class Restored:
    """A control plane as a restore leaves it.

    Attributes:
        id: the control plane.
        backup: name of the backup.
        version: its k3s version.
        revision: number of its revision.
        endpoint: URL of its API.
        objects: how many objects the backup holds.
        in_place: whether it existed before.
        elapsed: seconds it took.
    """

    id: ControlPlaneId
    backup: str
    version: str
    revision: int
    endpoint: str
    objects: int
    in_place: bool
    elapsed: float


async def restore(
    host: HostApi, request: RestoreRequest, source: Source, progress: Progress = silent
) -> Restored:
    """Make a control plane what a backup says, and wait until it is ready.

    Args:
        host: an open host.
        request: which control plane, and how.
        source: the backup, opened.
        progress: told about each step.

    Raises:
        ConflictError: it may not be; nothing was changed.
        NotReadyError: not everything is ready in time; the same restore goes on.
        K3kError: the host refuses or does not answer.
    """
    started = time.monotonic()
    found = await look(host, request, source)
    plan_of(request, source, found).refuse()
    work = _Work(host, request, source, progress, started + request.timeout)
    there = found.root is not None
    if not there:
        found = await _settled(work, found)
    operation, root = await _begin(work, found)
    restore_id = operation.facts[ID_FACT]
    # A root that an interrupted restore made is no control plane that was there.
    in_place = there and operation.facts.get(NEW_FACT) != "true"
    if there:
        await _stop(work)
    root = await _store_values(work, found, root)
    belongings = Belongings(host, request.id, owner_of(root), found.wanted)
    await store_credentials(belongings, source, progress)
    blueprint = await _blueprint(work, found.wanted, root)
    await _load(work, blueprint, restore_id)
    await forget_restore(host, request.id)
    await host.patch(
        SECRET,
        request.id.namespace,
        request.id.root,
        {"metadata": {"annotations": {ANNOTATION_PAUSED_AT: None}}},
    )
    await finish(host, request.id)
    address = blueprint.address
    return Restored(
        id=request.id,
        backup=str(source.manifest.name),
        version=found.wanted.version,
        revision=blueprint.revision,
        endpoint=url(address.host, address.port) if address else "",
        objects=source.manifest.inventory.objects,
        in_place=in_place,
        elapsed=time.monotonic() - started,
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """One run of a restore."""

    host: HostApi
    request: RestoreRequest
    source: Source
    progress: Progress
    deadline: float

    @property
    def id(self) -> ControlPlaneId:
        return self.request.id

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(self.deadline - time.monotonic(), 1.0)


async def _settled(work: _Work, found: Situation) -> Situation:
    """Decide about volumes that nobody asked for, as a create does."""
    values = found.wanted
    asked_for = any(each.startswith("persistence.enabled=") for each in work.request.overrides)
    if values.persistence.access_mode == "ReadWriteOncePod":
        # That may have been settled on another host, which had a driver for it.
        persistence = values.persistence.model_copy(update={"access_mode": "auto"})
        values = values.model_copy(update={"persistence": persistence})
    values = await settle_persistence(work.host, values, asked_for=asked_for, progress=work.progress)
    return replace(found, wanted=await settle_access_mode(work.host, values))


async def _begin(work: _Work, found: Situation) -> tuple[Operation, dict[str, Any]]:
    """Note the restore on the root, making one where there is none."""
    name = str(work.source.manifest.name)
    facts = {
        BACKUP_FACT: name,
        DIGEST_FACT: work.source.sha256,
        ID_FACT: f"{name}-{secrets.token_hex(4)}",
        NEW_FACT: "false" if found.root is not None else "true",
    }
    operation = Operation(OPERATION, "loading", facts, work.request.command)
    if found.root is not None:
        return await begin(work.host, work.id, operation)
    number = max([work.source.manifest.revision, 1])
    lifetime = found.wanted.ttl_seconds
    expires_at = format_time(datetime.now(UTC) + timedelta(seconds=lifetime)) if lifetime else None
    manifest = manifests.root_secret(work.id, found.wanted, revision=number, expires_at=expires_at)
    manifest["metadata"].setdefault("annotations", {})[ANNOTATION_OPERATION] = noted(operation)
    try:
        root, made = await create_once(work.host, manifest)
    except NotFoundError:
        await ensure_namespace(work.host, work.id, work.progress)
        root, made = await create_once(work.host, manifest)
    if not made:
        # Somebody else was faster, or the answer to our own attempt was lost.
        return await begin(work.host, work.id, operation)
    work.progress(Step("claim", "done", f"claimed the name {work.id}", f"Secret/{work.id.root}"))
    return operation, root


async def _stop(work: _Work) -> None:
    """Take the servers away, so that nothing writes meanwhile."""
    try:
        await stop_pods(work.host, work.id, COMPONENT_SERVER, timeout=work.left, progress=work.progress)
    except NotFoundError:
        # An earlier attempt has not come that far.
        return


async def _store_values(work: _Work, found: Situation, root: dict[str, Any]) -> dict[str, Any]:
    """Have the root hold the values that are wanted, as a new revision where it held others."""
    host, identity, wanted = work.host, work.id, found.wanted
    fresh = manifests.root_secret(identity, wanted, revision=manifests.stored_revision(root))
    if root.get("data") == fresh["data"]:
        return root
    kept = [manifests.stored_revision(item) for item in await revision_secrets(host, identity)]
    number = max([manifests.stored_revision(root), *kept]) + 1
    fresh = manifests.root_secret(identity, wanted, revision=number)
    before = found.stored if found.stored is not None else wanted
    changed = await host.replace({**fresh, "metadata": renewed_metadata(root, fresh, before, wanted)})
    work.progress(Step("revision", "done", f"recorded revision {number}", f"Secret/{identity.root}"))
    return changed


async def _blueprint(work: _Work, wanted: Values, root: Mapping[str, Any]) -> Blueprint:
    """Settle the address and the kubeconfig, and return what everything else is made from."""
    host, identity = work.host, work.id
    owner = owner_of(root)
    credentials = {
        name: manifests.secret_data(await host.get(SECRET, identity.namespace, name))
        for name in (identity.pki, identity.tokens)
    }
    pki = ControlPlanePki.from_secret_data(credentials[identity.pki])
    etcd_pki = None
    if wanted.datastore.kind == "etcd":
        live = await host.get(SECRET, identity.namespace, identity.etcd_pki)
        etcd_pki = EtcdPki.from_secret_data(manifests.secret_data(live))
    service = await host.apply(manifests.front_service(identity, wanted, owner))
    address = await settle_address(host, service, timeout=_ADDRESS_TIMEOUT, progress=work.progress)
    work.progress(Step("address", "done", f"{address.host}:{address.port}", f"Service/{identity.service}"))
    document = await store_kubeconfig(host, identity, wanted, owner, pki, address, now=datetime.now(UTC))
    return Blueprint(
        id=identity,
        values=wanted,
        pki=pki,
        tokens=Tokens.from_secret_data(credentials[identity.tokens]),
        admin_kubeconfig=document,
        address=address,
        owner=owner,
        revision=manifests.stored_revision(root),
        etcd_pki=etcd_pki,
        datastore_files=await find_datastore_files(host, identity, wanted),
    )


async def _load(work: _Work, blueprint: Blueprint, restore_id: str) -> None:
    """Apply everything, put the data where it belongs, and wait for the servers."""
    host, identity, values = work.host, work.id, blueprint.values
    owner = blueprint.owner
    if owner is None:
        raise ConflictError(f"control plane {identity} has no root", hint="Run the same command again.")
    supports = await apply_supports(host, blueprint, force=False)
    if values.datastore.kind == "sqlite":
        await host.apply(labelled(restore_config(identity, owner, restore_id), values.labels))
    *_, servers = manifests.render_applied(blueprint)
    if values.datastore.kind != "sqlite":
        # Nothing may write before the data is there.
        servers["spec"]["replicas"] = 0
    await host.apply(servers)
    work.progress(Step("apply", "done", f"applied {len(supports) + 1} objects"))
    payload = work.source.manifest.payload
    if values.datastore.kind == "etcd":
        await restore_etcd(
            host, identity, work.source.payload, work.progress, attempt=restore_id, verb="backup restore"
        )
    else:
        data = await asyncio.to_thread(with_new_revisions, payload, work.source.payload)
        if values.datastore.kind == "external":
            await restore_external(host, identity, data, work.progress)
        else:
            await give_database(
                host, identity, values, restore_id, data, timeout=work.left, progress=work.progress
            )
    await start_pods(
        host,
        identity,
        COMPONENT_SERVER,
        values.servers,
        timeout=work.left,
        verb="backup restore",
        progress=work.progress,
    )
    if values.datastore.kind == "etcd":
        await note_formed(host, identity, values)
    await settle_agents(host, blueprint, work.progress, verb="backup restore", force=False, timeout=None)
