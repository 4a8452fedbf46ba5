"""What a restore would do, and whether it may: looked at before anything is touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k3k_core.errors import Issue
from k3k_core.lifecycle.immutable import immutable_changes
from k3k_core.lifecycle.operation import Operation
from k3k_core.lifecycle.pause import paused_at
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.restore_situation import BACKUP_FACT, RestoreRequest, Situation
from k3k_core.lifecycle.restore_source import Source
from k3k_core.names import ANNOTATION_MIGRATION
from k3k_core.pki import Tokens
from k3k_core.versions import K3sVersion

if TYPE_CHECKING:
    from k3k_core.values import Values

VERB = "backup restore"


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


def is_unconfirmed(root: Mapping[str, Any]) -> bool:
    """Tell whether a control plane was moved to another datastore and can still go back.

    Args:
        root: its root Secret.
    """
    return bool((root["metadata"].get("annotations") or {}).get(ANNOTATION_MIGRATION))
