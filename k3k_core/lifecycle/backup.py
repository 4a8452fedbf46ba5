"""Taking a backup: what is stored, the authorities, the tokens, the values; encrypted for who holds the key."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import k3k_core
from k3k_core import manifests
from k3k_core.backups.archive import Written, write_archive
from k3k_core.backups.keys import ensure_key, key_path
from k3k_core.backups.manifest import Manifest, Summary
from k3k_core.backups.naming import BackupName, new_name
from k3k_core.backups.scratch import scratch_folder
from k3k_core.concurrency import all_of
from k3k_core.discovery.addresses import load_balancer_host
from k3k_core.discovery.control_plane import format_time
from k3k_core.errors import ConflictError, ForbiddenError, Issue, NotFoundError, NotReadyError
from k3k_core.host import HostApi
from k3k_core.lifecycle.backup_data import Captured, Mode, capture
from k3k_core.lifecycle.backup_target import Target, check_target, open_store, target_of
from k3k_core.lifecycle.claim import stored_values
from k3k_core.lifecycle.databases import external_of
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.operation import Operation, begin, finish, operation_of, refuse_other_operation
from k3k_core.lifecycle.pause import paused_at
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.scaling import start_pods, stop_pods
from k3k_core.lifecycle.upgrade_record import KEPT_REVISIONS
from k3k_core.manifests.secrets import VALUES_KEY
from k3k_core.names import ANNOTATION_BACKED_UP_AT, ANNOTATION_LAST_BACKUP, COMPONENT_SERVER, ControlPlaneId
from k3k_core.resources import SECRET, SERVICE

if TYPE_CHECKING:
    from k3k_core.values import Values

VERB = "backup create"
# Paths in an archive.
VALUES_PART = "values.yaml"
SECRETS_PART = "secrets/{}.json"
REVISIONS_PART = "revisions.json"
# While one of these is under way, what is stored is half of one thing and half of another.
_UNSETTLED = frozenset({"restore", "migrate"})


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """What to back up, and where to.

    Attributes:
        id: the control plane.
        to: a folder, `s3://BUCKET/PREFIX`, `volume` or `volume:CLAIM`; None for what the values say.
        recipients: public keys of who can open it; empty for those of the values, then the user's own.
        cold: with sqlite: stop the server for the copy instead of holding it still for a moment.
    """

    id: ControlPlaneId
    to: str | None = None
    recipients: tuple[str, ...] = ()
    cold: bool = False


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was taken.

    Attributes:
        summary: of the backup.
        place: where it is.
        key_made: the file of the key that was made for it; None when there was one.
        elapsed: seconds it took.
    """

    summary: Summary
    place: str
    key_made: Path | None
    elapsed: float

    @property
    def name(self) -> BackupName:
        """Name of the backup."""
        return self.summary.name


async def plan_backup(host: HostApi, request: BackupRequest) -> Plan:
    """Say what a backup would do; nothing is changed.

    Args:
        host: an open host.
        request: what is asked for.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, or is being deleted.
    """
    standing = await _look(host, request)
    values, identity = standing.values, request.id
    steps = []
    if standing.stops_servers:
        steps.append("stop its server: the API does not answer until the copy is made")
    steps.append(_HOW[values.datastore.kind][standing.mode])
    steps.append(f"encrypt it for {_who(request, values)}, with the authorities, the tokens and the values")
    if standing.stops_servers:
        steps.insert(-1, "start its server again")
    steps.append(f"store it in {standing.target}, and note on the root when that was")
    return Plan(
        id=identity,
        verb=VERB,
        summary=f"a backup of its {values.datastore.kind} datastore, to {standing.target}",
        steps=tuple(steps),
        problems=standing.problems,
        warnings=standing.warnings,
        facts={
            "target": str(standing.target),
            "datastore": values.datastore.kind,
            "mode": standing.mode,
            "version": values.version,
        },
    )


_HOW: Mapping[str, Mapping[Mode, str]] = {
    "sqlite": {
        "online": "copy the database while its server is held still, for seconds",
        "cold": "copy the database from its volume",
    },
    "etcd": dict.fromkeys(("online", "cold"), "take a snapshot of its etcd"),
    "external": dict.fromkeys(("online", "cold"), "dump its database with a Job"),
}


async def create_backup(host: HostApi, request: BackupRequest, progress: Progress = silent) -> BackedUp:
    """Take a backup.

    Nothing of the control plane changes but the note on its root of when that was. Run again after an interruption,
    another one is taken; a server that was stopped for the copy is started again.

    Args:
        host: an open host.
        request: what to back up, and where to.
        progress: told about each step.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, is being deleted, or in the middle of something else.
        NotReadyError: nothing of it runs that could be asked.
        K3kError: it cannot be copied or stored.
    """
    started = time.monotonic()
    standing = await _look(host, request)
    if standing.problems:
        raise ConflictError(
            f"control plane {request.id} cannot be backed up: {standing.problems[0].problem}",
            hint=f"{standing.problems[0].remedy[:1].upper()}{standing.problems[0].remedy[1:]}.",
        )
    await check_target(host, request.id, standing.values, standing.target)
    recipients, made = _recipients(request, standing.values, progress)
    with scratch_folder() as folder:
        captured = await _captured(host, request, standing, folder, progress)
        # The time of the copy: what was written after it is not in it.
        backup = new_name(request.id, datetime.now(UTC))
        parts = await _parts(host, request.id, standing.values, standing.root)
        manifest = await _described(host, _manifest(host, standing, backup, captured))
        archive = folder / backup.archive
        written = await asyncio.to_thread(write_archive, archive, manifest, parts, captured.path, recipients)
        summary = _summary(written, recipients)
        progress(Step("archive", "done", f"encrypted for {len(recipients)} key(s), {written.size} bytes"))
        async with open_store(host, request.id, standing.values, standing.target, write=True) as store:
            progress(Step("store", "started", f"storing it in {store.place}"))
            await store.put(archive, summary)
            place = store.place
    progress(Step("store", "done", f"{backup} is in {place}"))
    await _note(host, request.id, backup)
    return BackedUp(summary, place, made, time.monotonic() - started)


@dataclass(frozen=True, slots=True)
class _Standing:
    """A control plane as it stands before a backup."""

    root: Mapping[str, Any]
    values: Values
    target: Target
    mode: Mode
    stops_servers: bool
    problems: tuple[Issue, ...]
    warnings: tuple[Issue, ...]


async def _look(host: HostApi, request: BackupRequest) -> _Standing:
    identity = request.id
    root = await find_root(host, identity)
    values = stored_values(root).values
    paused = paused_at(root) is not None
    sqlite = values.datastore.kind == "sqlite"
    under_way = operation_of(root)
    # An earlier one was stopped while there was no server.
    resumed = under_way is not None and under_way.verb == VERB
    mode: Mode = "cold" if sqlite and (request.cold or paused or resumed) else "online"
    if under_way is not None and under_way.verb in _UNSETTLED:
        refuse_other_operation(identity, root, VERB)
    problems = []
    if mode == "cold" and not values.persistence.enabled:
        problems.append(
            Issue("", "its database is in its pod, and gone with it", "leave out --cold, or resume it first")
        )
    if values.datastore.kind == "external" and await _is_etcd(host, identity):
        text = "its datastore is an etcd of somebody else's"
        problems.append(Issue("datastore.external", text, "take snapshots of that etcd where it is run"))
    if paused and values.datastore.kind == "etcd":
        remedy = f"`k3k resume {identity.name} -n {identity.namespace}` first"
        problems.append(Issue("", "it is paused: its etcd does not run", remedy))
    warnings = []
    if request.cold and not sqlite:
        text = f"--cold is for sqlite alone: {values.datastore.kind} is copied while it runs"
        warnings.append(Issue("", text))
    return _Standing(
        root=root,
        values=values,
        target=target_of(identity, values, request.to),
        mode=mode,
        stops_servers=mode == "cold" and not paused,
        problems=tuple(problems),
        warnings=tuple(warnings),
    )


async def _is_etcd(host: HostApi, identity: ControlPlaneId) -> bool:
    return (await external_of(host, identity)).database().engine == "etcd"


def _who(request: BackupRequest, values: Values) -> str:
    count = len(request.recipients or values.backup.recipients)
    if count:
        return f"{count} key{'s' if count != 1 else ''}"
    path = key_path()
    return f"your key in {path}" if path.is_file() else f"a key that is made for it in {path}"


def _recipients(
    request: BackupRequest, values: Values, progress: Progress
) -> tuple[tuple[str, ...], Path | None]:
    named = request.recipients or tuple(values.backup.recipients)
    if named:
        return named, None
    key = ensure_key(key_path())
    if not key.made:
        return (key.recipient,), None
    text = f"made the key {key.path}: KEEP IT somewhere else too, nobody can restore the backup without it"
    progress(Step("key", "warning", text))
    return (key.recipient,), key.path


async def _captured(
    host: HostApi, request: BackupRequest, standing: _Standing, folder: Path, progress: Progress
) -> Captured:
    identity, values = request.id, standing.values
    if not standing.stops_servers:
        return await capture(host, identity, values, folder, standing.mode, progress)
    command = f"{VERB} {identity.name} -n {identity.namespace} --cold"
    await begin(host, identity, Operation(VERB, "copy", command=command))
    await stop_pods(host, identity, COMPONENT_SERVER, progress=progress)
    try:
        return await capture(host, identity, values, folder, "cold", progress)
    finally:
        # Whether there is a copy or not: nobody is left without a server for the sake of one.
        await start_pods(host, identity, COMPONENT_SERVER, values.servers, verb=VERB, progress=progress)
        await finish(host, identity)


async def _parts(
    host: HostApi, identity: ControlPlaneId, values: Values, root: Mapping[str, Any]
) -> dict[str, bytes]:
    """Return the small files of an archive: values, Secrets, and the revisions that are kept."""

    async def data_of(name: str) -> dict[str, str] | None:
        try:
            return manifests.secret_data(await host.get(SECRET, identity.namespace, name))
        except NotFoundError:
            return None

    async def revision(number: int) -> dict[str, str] | None:
        try:
            return await data_of(identity.revision(number))
        except ForbiddenError:
            # What a schedule's identity may read was settled when its rights were applied last.
            return None

    names = {
        "pki": identity.pki,
        "tokens": identity.tokens,
        "kubeconfig": identity.kubeconfig,
    }
    if values.datastore.kind == "etcd":
        names["etcd-pki"] = identity.etcd_pki
    found = await all_of(data_of(name) for name in names.values())
    parts = {VALUES_PART: manifests.stored_values(root).encode()}
    for short, data in zip(names, found, strict=True):
        if data is not None:
            parts[SECRETS_PART.format(short)] = json.dumps(data, sort_keys=True).encode()
    missing = [names[each] for each in ("pki", "tokens") if SECRETS_PART.format(each) not in parts]
    if missing:
        raise NotReadyError(
            f"control plane {identity} has no Secret {' and no Secret '.join(missing)}",
            hint="Its create was stopped early; the same `k3k create`, run again, goes on.",
        )
    # By their names: a schedule's identity may read them, and nothing else.
    current = manifests.stored_revision(root)
    numbers = range(max(1, current - KEPT_REVISIONS + 1), current + 1)
    revisions = await all_of(revision(number) for number in numbers)
    kept = {
        str(number): data[VALUES_KEY]
        for number, data in zip(numbers, revisions, strict=True)
        if data is not None and VALUES_KEY in data
    }
    parts[REVISIONS_PART] = json.dumps(kept, sort_keys=True).encode()
    return parts


def _manifest(host: HostApi, standing: _Standing, name: BackupName, captured: Captured) -> Manifest:
    return Manifest(
        name=name,
        uid=str(standing.root["metadata"].get("uid", "")),
        host=host.name,
        version=standing.values.version,
        revision=manifests.stored_revision(standing.root),
        payload=captured.payload,
        inventory=captured.inventory,
        made_by=f"k3k {k3k_core.__version__}",
    )


async def _described(host: HostApi, manifest: Manifest) -> Manifest:
    """Add where it is reached, which a restore asks for again."""
    identity = manifest.name.id
    try:
        service = await host.get(SERVICE, identity.namespace, identity.service)
    except NotFoundError:
        return manifest
    spec = service["spec"]
    ports = [int(port.get("nodePort") or 0) for port in spec.get("ports") or ()]
    node_port = ports[0] if spec.get("type") == "NodePort" and ports else 0
    return replace(manifest, load_balancer=load_balancer_host(service), node_port=node_port)


def _summary(written: Written, recipients: tuple[str, ...]) -> Summary:
    manifest = written.manifest
    return Summary(
        name=manifest.name,
        size=written.size,
        sha256=written.sha256,
        version=manifest.version,
        datastore=manifest.payload.kind,
        how=manifest.payload.how,
        objects=manifest.inventory.objects,
        recipients=recipients,
    )


async def _note(host: HostApi, identity: ControlPlaneId, name: BackupName) -> None:
    annotations = {ANNOTATION_BACKED_UP_AT: format_time(name.at), ANNOTATION_LAST_BACKUP: str(name)}
    await host.patch(SECRET, identity.namespace, identity.root, {"metadata": {"annotations": annotations}})
