"""Proving that a backup can be restored: into a control plane of its own, which is compared and deleted again."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k3k_core.backups.archive import Opened, damaged
from k3k_core.backups.manifest import Payload
from k3k_core.backups.payloads import read_payload
from k3k_core.backups.scratch import scratch_folder
from k3k_core.datastores import kine
from k3k_core.datastores.inventory import VOLATILE, compare, inventory, kind_of
from k3k_core.datastores.rows import Row
from k3k_core.errors import Issue, K3kError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.backup import SECRETS_PART, VALUES_PART
from k3k_core.lifecycle.backup_data import SQLITE_PAYLOAD, capture
from k3k_core.lifecycle.delete import DeleteRequest, delete
from k3k_core.lifecycle.own_api import open_control_plane
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.restore import restore
from k3k_core.lifecycle.restore_situation import RestoreRequest
from k3k_core.lifecycle.restore_source import Source
from k3k_core.manifests.secrets import dump_values
from k3k_core.names import MAX_NAME_LENGTH, ControlPlaneId
from k3k_core.resources import NAMESPACE

if TYPE_CHECKING:
    from k3k_core.values import Values

VERB = "backup verify"
# If nobody deletes it: long enough to look at it, short enough to be no burden.
_LIFETIME = "2h"


@dataclass(frozen=True, slots=True)
class KindVerified:
    """What became of the objects of one kind.

    Attributes:
        kind: the resource.
        count: how many the backup holds.
        changed: how many k3s has changed since, of its own.
        missing: how many are not there.
    """

    kind: str
    count: int
    changed: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Verified:
    """A backup that was looked into, and what it was restored to.

    Attributes:
        backup: its name.
        objects: how many objects it holds.
        restored: whether it was restored; else only the archive was checked.
        kinds: by kind, those that change of themselves left out.
        elapsed: seconds it took.
    """

    backup: str
    objects: int
    restored: bool
    kinds: tuple[KindVerified, ...]
    elapsed: float


def scratch_id(source: Source) -> ControlPlaneId:
    """Return the name of the control plane that a backup is restored to for a while.

    The same for every attempt with the same backup, so that the next one finds what an earlier one left.

    Args:
        source: the backup.
    """
    of = source.manifest.name.id
    mark = f"-verify-{hashlib.sha256(str(source.manifest.name).encode()).hexdigest()[:6]}"
    return ControlPlaneId(of.namespace, f"{of.name[: MAX_NAME_LENGTH - len(mark)].rstrip('-')}{mark}")


def plan_verify(source: Source, *, quick: bool) -> Plan:
    """Say what a verification would do.

    Args:
        source: the backup, opened.
        quick: whether only the archive is checked.
    """
    manifest, scratch = source.manifest, scratch_id(source)
    steps = [f"compare what is in the archive with its description ({manifest.inventory.objects} objects)"]
    if not quick:
        steps += [
            f"restore it as {scratch}, with a database of its own in its pod, reachable inside the host only",
            "compare every object with the backup",
            f"delete {scratch}",
        ]
    warnings: tuple[Issue, ...] = ()
    if not quick and manifest.payload.kind != "sqlite":
        text = f"what the {manifest.payload.kind} datastore held is put into sqlite for it"
        warnings = (Issue("", text),)
    return Plan(
        id=manifest.name.id,
        verb=VERB,
        summary=f"{'the archive of ' if quick else ''}{manifest.name} in {source.place}",
        steps=tuple(steps),
        warnings=warnings,
        facts={"backup": str(manifest.name), "scratch": "" if quick else str(scratch)},
    )


async def verify(
    host: HostApi,
    source: Source,
    progress: Progress = silent,
    *,
    quick: bool = False,
    timeout: float = 600.0,
) -> Verified:
    """Check a backup: its archive, and unless that is enough, what comes of restoring it.

    What it is restored to is deleted at the end, whatever comes of it. Run again after an interruption, the same
    backup is restored to the same control plane again, and that is deleted.

    Args:
        host: an open host.
        source: the backup, opened.
        progress: told about each step.
        quick: whether only the archive is checked.
        timeout: seconds for all of it.

    Raises:
        K3kError: the backup is damaged, cannot be restored, or not everything is there afterwards.
    """
    started = time.monotonic()
    rows = await asyncio.to_thread(_checked_rows, source)
    progress(Step("archive", "done", f"{len(rows)} rows, as its description says"))
    if quick:
        return _verified(source, rows, None, time.monotonic() - started)
    scratch = scratch_id(source)
    values = _scratch_values(source)
    with scratch_folder() as folder:
        try:
            given = await asyncio.to_thread(_scratch_source, source, rows, values, folder)
            command = f"{VERB} {source.manifest.name.id.name} {source.manifest.name} -n {scratch.namespace}"
            request = RestoreRequest(scratch, timeout=timeout, command=command)
            await restore(host, request, given, progress)
            copied = folder / "copied"
            await asyncio.to_thread(copied.mkdir, 0o700)
            captured = await capture(host, scratch, values, copied, "online", progress)
            found = await asyncio.to_thread(read_payload, captured.payload, captured.path)
            await _check_api(host, scratch, rows)
        finally:
            await _remove(host, scratch, progress)
    result = _verified(source, rows, found, time.monotonic() - started)
    if lost := [each for each in result.kinds if each.missing]:
        lines = "\n".join(f"  {each.kind}: {each.missing} of {each.count} missing" for each in lost)
        raise K3kError(
            f"backup {result.backup} was restored, but not everything is there:\n{lines}",
            hint="Take another backup and verify that one.",
        )
    changed = sum(each.changed for each in result.kinds)
    progress(Step("compare", "done", f"nothing is missing; k3s has changed {changed} of its own objects"))
    return result


def _checked_rows(source: Source) -> list[Row]:
    """Return the rows of a backup, if they are those that its description says."""
    manifest = source.manifest
    rows = read_payload(manifest.payload, source.payload)
    if differences := compare(manifest.inventory, inventory(rows)):
        said = "; ".join(str(each) for each in differences[:5])
        raise damaged(source.payload, f"its contents are not what its description says: {said}")
    return rows


def _scratch_values(source: Source) -> Values:
    """Return the values for the time of a verification: one server, its data in the pod, nobody's address."""
    from k3k_core.values import load_given

    given: dict[str, Any] = dict(source.values().given)
    for name in ("backup", "agents", "ingress", "monitoring", "protect", "tenancy", "servers"):
        given.pop(name, None)
    own: Mapping[str, Any] = {
        "loadbalancer": {"enabled": False},
        "service": {"type": "ClusterIP"},
        "datastore": {"kind": "sqlite"},
        "persistence": {"enabled": False},
        "ttl": _LIFETIME,
    }
    return load_given({**given, **own}, source="the values for the verification").values


def _scratch_source(source: Source, rows: list[Row], values: Values, folder: Path) -> Source:
    """Return the backup as one of sqlite with other values."""
    database = folder / "state.db"
    kine.write_database(database, rows)
    kept = {SECRETS_PART.format(name) for name in ("pki", "tokens")}
    parts = {path: data for path, data in source.opened.parts.items() if path in kept}
    parts[VALUES_PART] = dump_values(values).encode()
    payload = Payload("sqlite", "sqlite", source.manifest.payload.how, SQLITE_PAYLOAD)
    manifest = replace(source.manifest, payload=payload, load_balancer="", node_port=0)
    return replace(source, opened=Opened(manifest, parts, database))


async def _check_api(host: HostApi, scratch: ControlPlaneId, rows: list[Row]) -> None:
    """See that the API of the restored control plane gives what is stored."""
    prefix = "/registry/namespaces/"
    stored = {row.key.removeprefix(prefix) for row in rows if row.key.startswith(prefix)}
    async with open_control_plane(host, scratch) as own:
        listing = await own.list(NAMESPACE, metadata_only=True)
    if missing := stored - {item["metadata"]["name"] for item in listing.items}:
        raise K3kError(
            f"the API of what was restored does not give these namespaces: {', '.join(sorted(missing))}",
            hint="Take another backup and verify that one.",
        )


async def _remove(host: HostApi, scratch: ControlPlaneId, progress: Progress) -> None:
    try:
        await delete(host, DeleteRequest(scratch), progress)
    except NotFoundError:
        # Nothing of it was ever made.
        return


def _verified(source: Source, rows: list[Row], found: list[Row] | None, elapsed: float) -> Verified:
    there = {row.key: row.value for row in found} if found is not None else None
    counts: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for row in rows:
        kind = kind_of(row.key)
        if kind in VOLATILE:
            continue
        counts[kind] += 1
        if there is not None and row.key not in there:
            missing[kind] += 1
        elif there is not None and there[row.key] != row.value:
            changed[kind] += 1
    kinds = tuple(KindVerified(kind, counts[kind], changed[kind], missing[kind]) for kind in sorted(counts))
    return Verified(str(source.manifest.name), len(rows), found is not None, kinds, elapsed)
