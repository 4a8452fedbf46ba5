"""What a restore would do, and whether it may: looked at before anything is touched."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from k3k_core import manifests
from k3k_core.concurrency import together
from k3k_core.errors import ForbiddenError, Issue, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import check_root, refuse_applied, stored_values
from k3k_core.lifecycle.immutable import immutable_changes
from k3k_core.lifecycle.leftovers import refuse_foreign
from k3k_core.lifecycle.operation import Operation, operation_of, refuse_other_operation
from k3k_core.lifecycle.pause import paused_at
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.restore_source import Source
from k3k_core.names import ANNOTATION_MIGRATION, LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.pki import ControlPlanePki, Tokens
from k3k_core.pki.tokens import DATASTORE_KEY
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, SECRET
from k3k_core.values import join_secrets, load_given
from k3k_core.versions import K3sVersion

if TYPE_CHECKING:
    from k3k_core.values import LoadedValues, Values

VERB = "backup restore"
OPERATION = "restore"
# Facts of the operation's note.
BACKUP_FACT = "backup"
DIGEST_FACT = "sha256"
ID_FACT = "id"
NEW_FACT = "new"


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What to restore a backup to.

    Attributes:
        id: the control plane that is to be as the backup says; it may not exist.
        keep_values: in place: keep the values it has, and with them its k3s version.
        overrides: `path=value` texts laid over the values.
        timeout: seconds for all of it.
        command: what goes on after an interruption, without the program's name.
    """

    id: ControlPlaneId
    keep_values: bool = False
    overrides: tuple[str, ...] = ()
    timeout: float = 900.0
    command: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What there is where a backup is to be restored, and what it is to become.

    Attributes:
        root: the root Secret; None when the control plane does not exist.
        stored: the values it has; None with the root.
        wanted: the values it is to have.
        loaded: the same as they were read.
        same: whether it has the authorities that are in the backup.
        volumes: names of volumes that exist and are overwritten.
        operation: a restore that is under way.
    """

    root: Mapping[str, Any] | None
    stored: Values | None
    wanted: Values
    loaded: LoadedValues
    same: bool
    volumes: tuple[str, ...]
    operation: Operation | None


async def look(host: HostApi, request: RestoreRequest, source: Source) -> Situation:
    """Read everything that a restore depends on.

    Args:
        host: an open host.
        request: what is asked for.
        source: the backup.

    Raises:
        ConflictError: the name is somebody else's, or another verb is under way.
        ValuesError: the values cannot be used.
    """
    identity = request.id
    root = await _root(host, identity)
    if root is None:
        await refuse_foreign(host, identity)
    else:
        check_root(identity, root)
        refuse_applied(identity, root)
        refuse_other_operation(identity, root, OPERATION)
    stored = stored_values(root) if root is not None else None
    operation = operation_of(root) if root is not None else None
    # What an interrupted restore has made holds what it settled: that it goes on with.
    made_by_us = operation is not None and operation.facts.get(NEW_FACT) == "true"
    if root is not None and (request.keep_values or made_by_us):
        from k3k_core.values import load_values

        text = manifests.stored_values(root)
        loaded = load_values(text, source=f"the values of {identity}", overrides=request.overrides)
    else:
        again = _address_again(source) if root is None and source.manifest.name.id == identity else ()
        loaded = source.values((*again, *request.overrides))
    loaded = _with_endpoint(loaded, await _endpoint(host, identity, source))
    same, volumes = await together(_has_authorities(host, identity, source), _volumes(host, identity))
    return Situation(
        root=root,
        stored=stored.values if stored is not None else None,
        wanted=loaded.values,
        loaded=loaded,
        same=same,
        volumes=volumes,
        operation=operation,
    )


def plan_of(request: RestoreRequest, source: Source, found: Situation) -> Plan:
    """Return what a restore would do.

    Args:
        request: what is asked for.
        source: the backup.
        found: what there is.
    """
    identity, manifest = request.id, source.manifest
    there = found.root is not None
    summary = f"{'in place' if there else 'as a new control plane'}, from {manifest.name} in {source.place}"
    problems = tuple(_problems(request, source, found))
    overwrites = there or bool(found.volumes)
    return Plan(
        id=identity,
        verb=VERB,
        summary=summary,
        steps=tuple(_steps(source, found)),
        problems=problems,
        warnings=tuple(_warnings(request, source, found)),
        facts={
            "backup": str(manifest.name),
            "version": manifest.version,
            "objects": manifest.inventory.objects,
            "inPlace": there,
            "overwrites": list(found.volumes),
        },
        # Going on with a restore loses no more than its beginning did.
        loses_data=overwrites and found.operation is None,
    )


def restored_from(operation: Operation) -> str:
    """Return the name of the backup that a restore under way is from."""
    return operation.facts.get(BACKUP_FACT, "")


def _steps(source: Source, found: Situation) -> list[str]:
    wanted, kind = found.wanted, source.manifest.payload.kind
    count = source.manifest.inventory.objects
    steps = []
    if found.root is not None:
        steps.append("stop its servers: the API does not answer until the restore is over")
    else:
        steps.append("make the control plane anew, with the authorities and tokens of the backup")
        if found.wanted.loadbalancer.enabled and found.wanted.loadbalancer.ip:
            steps.append(f"ask the load balancer for {found.wanted.loadbalancer.ip}")
    if found.root is not None and not found.same:
        steps.append("put the authorities and tokens of the backup in the place of those it has")
    if found.stored is not None and found.stored != wanted:
        steps.append("record the values of the backup as a new revision")
    what = {
        "sqlite": "send the database to its server, which waits for it before it starts k3s",
        "etcd": "write the snapshot to the volumes of its etcd, under new revisions, and start it",
        "external": "load the dump into its database with a Job",
    }[kind]
    steps.append(f"{what} ({count} objects)")
    steps.append(f"start {wanted.servers} server{'s' if wanted.servers != 1 else ''} and wait until ready")
    return steps


def _problems(request: RestoreRequest, source: Source, found: Situation) -> list[Issue]:
    manifest, wanted = source.manifest, found.wanted
    problems = []
    if wanted.datastore.kind != manifest.payload.kind:
        problems.append(
            Issue(
                "datastore.kind",
                f"the backup is of {manifest.payload.kind}, and the values ask for {wanted.datastore.kind}",
                "restore it as it was, and move it afterwards with `k3k migrate`",
            )
        )
    if wanted.datastore.kind == "etcd" and not wanted.persistence.enabled:
        problems.append(
            Issue(
                "persistence.enabled",
                "an etcd without volumes cannot be given a snapshot",
                "restore it with --set persistence.enabled=true",
            )
        )
    if found.stored is not None:
        anew = f"restore it as another one (--as NAME), or delete {request.id.name} first"
        problems += [
            Issue(each.path, each.problem, anew)
            for each in immutable_changes(found.stored, wanted)
            # A snapshot is written to empty volumes, whatever etcd wrote on them last.
            if each.path != "datastore.etcd.image"
        ]
    if found.root is not None and is_unconfirmed(found.root):
        problems.append(
            Issue(
                "",
                "its move to another datastore is not confirmed",
                f"`k3k migrate {request.id.name} -n {request.id.namespace}` with --confirm or --back first",
            )
        )
    theirs, ours = K3sVersion.parse(manifest.version), K3sVersion.parse(wanted.version)
    if (ours.major, ours.minor) < (theirs.major, theirs.minor):
        problems.append(
            Issue(
                "version",
                f"k3s {ours} does not read what {theirs} has stored",
                f"restore with {theirs} or a later one of the same minor (leave out --keep-values and --set version)",
            )
        )
    elif ours.minor > theirs.minor + 1:
        problems.append(
            Issue(
                "version",
                f"k3s {ours} is more than one minor after {theirs}",
                f"restore with {theirs}, then upgrade one minor at a time",
            )
        )
    if found.operation is not None and restored_from(found.operation) != str(manifest.name):
        problems.append(
            Issue(
                "",
                f"the restore of {restored_from(found.operation)} is under way",
                f"finish it first: `k3k {found.operation.command}`",
            )
        )
    if source.manifest.name.id != request.id and _shares_database(source, wanted):
        problems.append(
            Issue(
                "datastore.external",
                f"that is the database of {source.manifest.name.id}, which would be overwritten",
                "name another one with --set datastore.external.endpoint=DSN or datastore.external.secret_name",
            )
        )
    return problems


def _warnings(request: RestoreRequest, source: Source, found: Situation) -> list[Issue]:
    identity, manifest = request.id, source.manifest
    at = manifest.name.at.strftime("%Y-%m-%d %H:%M:%S UTC")
    warnings = list(found.loaded.warnings) if found.root is None else []
    if found.root is not None and found.operation is None:
        text = f"what was stored after {at} is lost"
        warnings.append(
            Issue("", text, f"`k3k backup create {identity.name} -n {identity.namespace}` keeps it")
        )
    if found.root is not None and not found.same:
        text = "it has other authorities than the backup: kubeconfigs and agents of today will not be known any more"
        warnings.append(Issue("", text))
    if found.root is not None and paused_at(found.root) is not None:
        warnings.append(Issue("", "it is paused, and will run after the restore"))
    if found.root is None and found.volumes:
        names = ", ".join(found.volumes)
        warnings.append(Issue("", f"volumes of an earlier control plane are overwritten: {names}"))
    if manifest.name.id != identity:
        text = (
            f"it will have the authorities and tokens of {manifest.name.id}: whoever has the rights to the one has "
            "those to the other"
        )
        warnings.append(Issue("", text))
        if found.wanted.loadbalancer.enabled and found.wanted.loadbalancer.ip:
            warnings.append(
                Issue(
                    "loadbalancer.ip",
                    f"asks for the address of {manifest.name.id}",
                    "choose another one with --set loadbalancer.ip=ADDRESS",
                )
            )
    return warnings


def _address_again(source: Source) -> tuple[str, ...]:
    """Return what has to be added to the values for the address it had, so that kubeconfigs go on working."""
    manifest, values = source.manifest, source.values().values
    if values.loadbalancer.enabled:
        fixed = values.loadbalancer.ip or not _is_address(manifest.load_balancer)
        return () if fixed else (f"loadbalancer.ip={manifest.load_balancer}",)
    if values.service.type == "NodePort" and values.service.node_port is None and manifest.node_port:
        return (f"service.node_port={manifest.node_port}",)
    return ()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _shares_database(source: Source, wanted: Values) -> bool:
    if wanted.datastore.kind != "external":
        return False
    original = source.values().values.datastore.external
    tokens = source.secret("tokens") or {}
    was = Tokens.from_secret_data(tokens).datastore_endpoint if tokens else ""
    asked = wanted.datastore.external
    if original.secret_name is not None or asked.secret_name is not None:
        # Secrets of the same name in different namespaces may well lead to the same database.
        return original.secret_name == asked.secret_name
    return asked.endpoint == was


async def _endpoint(host: HostApi, identity: ControlPlaneId, source: Source) -> str:
    """Return the DSN that values mean which do not name one: that of today, where there is one."""
    try:
        live = manifests.secret_data(await host.get(SECRET, identity.namespace, identity.tokens))
    except NotFoundError:
        live = {}
    return live.get(DATASTORE_KEY) or (source.secret("tokens") or {}).get(DATASTORE_KEY, "")


def _with_endpoint(loaded: LoadedValues, actual: str) -> LoadedValues:
    """Put the address of the datastore back, where the values hold what stands for it."""
    endpoint = loaded.values.datastore.external.endpoint
    if endpoint is None or not manifests.is_stand_in(endpoint):
        return loaded
    given = join_secrets(loaded.given, {"datastore.external.endpoint": actual})
    return replace(load_given(given), warnings=loaded.warnings)


def is_unconfirmed(root: Mapping[str, Any]) -> bool:
    """Tell whether a control plane was moved to another datastore and can still go back.

    Args:
        root: its root Secret.
    """
    return bool((root["metadata"].get("annotations") or {}).get(ANNOTATION_MIGRATION))


async def _root(host: HostApi, identity: ControlPlaneId) -> dict[str, Any] | None:
    try:
        return await host.get(SECRET, identity.namespace, identity.root)
    except NotFoundError:
        return None


async def _has_authorities(host: HostApi, identity: ControlPlaneId, source: Source) -> bool:
    try:
        live = manifests.secret_data(await host.get(SECRET, identity.namespace, identity.pki))
    except NotFoundError:
        return False
    theirs = ControlPlanePki.from_secret_data(source.secret("pki") or {})
    return live == theirs.to_secret_data()


async def _volumes(host: HostApi, identity: ControlPlaneId) -> tuple[str, ...]:
    labels = f"{LABEL_CONTROL_PLANE}={identity.name}"
    try:
        listing = await host.list(
            PERSISTENT_VOLUME_CLAIM, identity.namespace, labels=labels, metadata_only=True
        )
    except ForbiddenError:
        return ()
    found = [item["metadata"] for item in listing.items]
    data = [each["name"] for each in found if each["name"].startswith(f"data-{identity.root}-")]
    return tuple(sorted(data))
