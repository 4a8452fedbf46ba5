"""Moving a control plane from sqlite to an etcd or to an external database.

Its servers are stopped, its database is copied from the volume, written into the new datastore with its revisions,
read back from there and compared, and only then do servers start on it. The old volume stays until that is confirmed.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from k3k_core.backups.scratch import scratch_folder
from k3k_core.datastores import etcd_snapshot, kine, sql
from k3k_core.datastores.inventory import Inventory, compare, inventory
from k3k_core.datastores.rows import Row
from k3k_core.discovery.control_plane import format_time
from k3k_core.errors import ConflictError, Issue, K3kError, NotReadyError
from k3k_core.host import HostApi
from k3k_core.lifecycle.backup_data import capture
from k3k_core.lifecycle.claim import owner_of, refuse_applied, settled, stored_values
from k3k_core.lifecycle.databases import (
    dump_database,
    external_from,
    external_of,
    load_database,
    preflight_external,
)
from k3k_core.lifecycle.etcd_restore import restore_etcd
from k3k_core.lifecycle.etcd_snapshots import save_snapshot
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.migration import (
    BACK,
    COPYING,
    LOADED,
    PREPARING,
    RETURNED,
    VERB,
    Origin,
    Work,
    blueprint_of,
    old_claim,
    origin_of,
    record,
    start_on,
    stop,
    values_of_revision,
)
from k3k_core.lifecycle.operation import Operation, advance, operation_of, refuse_other_operation
from k3k_core.lifecycle.pause import paused_problem
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.rollout import Rollout, wait_for_rollout
from k3k_core.lifecycle.scaling import counted, stop_etcd
from k3k_core.manifests import render_applied, secret_data, stored_revision
from k3k_core.manifests import stored_values as values_text
from k3k_core.manifests.database_clients import engine_of
from k3k_core.names import ANNOTATION_MIGRATION, ANNOTATION_OPERATION, COMPONENT_ETCD, ControlPlaneId
from k3k_core.resources import SECRET
from k3k_core.values import Values, load_values

# The API answers meanwhile, but nobody should wait for an etcd that never comes.
_PREPARE_SECONDS = 300.0
Target = Literal["etcd", "external"]


@dataclass(frozen=True, slots=True)
class MigrateRequest:
    """Where to move a control plane's data.

    Attributes:
        id: the control plane.
        to: the kind of datastore.
        members: of the etcd.
        secret: the Secret with the DSN of the external database.
        assignments: `path=value` texts for the other values of the datastore.
        timeout: seconds for all of it.
    """

    id: ControlPlaneId
    to: Target
    members: int = 1
    secret: str = ""
    assignments: tuple[str, ...] = ()
    timeout: float = 1800.0

    @property
    def command(self) -> str:
        """The command that goes on with it, without the program's name."""
        where = f" --secret {self.secret}" if self.secret else ""
        return f"migrate {self.id.name} -n {self.id.namespace} --to {self.to}{where}"


@dataclass(frozen=True, slots=True)
class Migrated:
    """A control plane whose servers run on another datastore.

    Attributes:
        id: the control plane.
        to: the kind of datastore.
        objects: how many objects were moved, events and leases aside.
        kinds: of how many kinds they are.
        revision: its revision number.
        elapsed: seconds it took.
    """

    id: ControlPlaneId
    to: str
    objects: int
    kinds: int
    revision: int
    elapsed: float


async def plan_migration(host: HostApi, request: MigrateRequest) -> Plan:
    """Return what a move would do.

    Args:
        host: an open host.
        request: where to.

    Raises:
        NotFoundError: the control plane does not exist.
        ConflictError: another operation is under way.
        ValuesError: the values it would have are not usable.
    """
    identity = request.id
    root = await find_root(host, identity)
    refuse_other_operation(identity, root, VERB)
    refuse_applied(identity, root)
    stored, operation = stored_values(root).values, operation_of(root)
    facts = {"to": request.to, "revision": stored_revision(root)}
    if operation is not None:
        problems = tuple(_other_way(request, operation))
        summary = f"goes on moving its data to {operation.facts.get('to')} ({operation.phase})"
        return Plan(identity, VERB, summary, _steps(request, stored), problems, facts=facts)
    if stored.datastore.kind == request.to:
        return Plan(identity, VERB, f"its data is in {request.to} already", facts=facts)
    wanted = _wanted(request, values_text(root), stored)
    problems = (*_problems(identity, stored), *await _target_problems(host, request, wanted))
    if issue := paused_problem(identity, root):
        problems = (*problems, issue)
    return Plan(
        identity,
        VERB,
        f"moves its data from {stored.datastore.kind} to {request.to}",
        () if problems else _steps(request, wanted),
        problems,
        warnings=tuple(_warnings(request)),
        facts=facts,
    )


async def migrate(host: HostApi, request: MigrateRequest, progress: Progress = silent) -> Migrated:
    """Move a control plane's data and start its servers on the new datastore.

    Args:
        host: an open host.
        request: where to.
        progress: told about each step.

    Raises:
        ConflictError: it cannot be moved like this; nothing was changed.
        NotReadyError: a step does not come to its end in time; the same move, run again, goes on.
        K3kError: the host refuses, or the copy is not what was stored; going back is possible then.
    """
    started = time.monotonic()
    plan = await plan_migration(host, request)
    plan.refuse()
    work = Work(host, request.id, progress, started + request.timeout)
    root = await find_root(host, request.id)
    operation = operation_of(root)
    if operation is None and plan.nothing_to_do:
        return Migrated(request.id, request.to, 0, 0, stored_revision(root), time.monotonic() - started)
    if operation is None:
        operation, root = await _begin(work, request, root)
    if operation.phase == PREPARING:
        await _prepare(work, root)
        operation = await advance(host, request.id, operation, COPYING)
    if operation.phase == COPYING:
        with _told_where(request):
            await _copy(work, request, operation)
        operation = await _advanced(host, request.id)
    blueprint = await blueprint_of(work, root, stored_values(root).values)
    operation = await advance(host, request.id, operation, LOADED, switched="true")
    await start_on(work, blueprint)
    await _finish(work, operation)
    return Migrated(
        request.id,
        request.to,
        int(operation.facts.get("objects", "0")),
        int(operation.facts.get("kinds", "0")),
        blueprint.revision,
        time.monotonic() - started,
    )


async def _begin(
    work: Work, request: MigrateRequest, root: dict[str, object]
) -> tuple[Operation, dict[str, object]]:
    """Prove the target, then record the values asked for and what is under way."""
    host, identity = work.host, work.id
    stored = stored_values(root).values
    wanted = _wanted(request, values_text(root), stored)
    if request.to == "external":
        records = await preflight_external(
            host,
            await external_from(host, identity, wanted, owner_of(root)),
            work.progress,
            must_exist=True,
        )
        if records is None:
            raise ConflictError(
                "the client of the database cannot be started, so nothing can be moved; nothing was changed",
                hint="datastore.external.preflight.image names an image that the host can pull.",
            )
        if records:
            raise ConflictError(
                f"the database holds {records} records of k3s already, and they would be lost; nothing was changed",
                hint="Give it a database of its own.",
            )
    origin = Origin(
        stored_revision(root),
        request.to,
        switched=False,
        at=format_time(datetime.now(UTC)) or "",
        version=stored.version,
        persistence=stored.persistence.model_dump_json(),
    )
    facts = {"id": secrets.token_hex(4), **origin.facts()}
    phase = PREPARING if request.to == "etcd" else COPYING
    operation = Operation(VERB, phase, facts, request.command)
    return operation, await record(work, root, wanted, operation)


async def _prepare(work: Work, root: dict[str, object]) -> None:
    """Start the etcd beside the server that still runs: what keeps it from working costs nobody an answer.

    Nothing else is applied: a server that is started again meanwhile has to find what it had.
    """
    identity = work.id
    blueprint = await blueprint_of(work, root, stored_values(root).values)
    for item in render_applied(blueprint):
        if item["metadata"]["name"] == identity.etcd:
            await work.host.apply(item)
    members = counted(blueprint.values.datastore.etcd.members, COMPONENT_ETCD)
    work.progress(Step("etcd", "started", f"waiting for {members}", f"StatefulSet/{identity.etcd}"))
    rollout = Rollout(identity, identity.etcd, blueprint.values.datastore.etcd.members, frozenset(), VERB)
    timeout = min(work.left, _PREPARE_SECONDS)
    try:
        await wait_for_rollout(work.host, rollout, timeout=timeout, progress=work.progress)
    except NotReadyError as error:
        error.hint = (
            f"The server still runs on sqlite. The same command goes on waiting, `k3k migrate {identity.name} "
            f"-n {identity.namespace} --back` takes the etcd away again."
        )
        raise
    # What it has formed is replaced by the copy: it need not be waited for once the server is stopped.
    await stop_etcd(work.host, identity, timeout=work.left, progress=work.progress)


@contextmanager
def _told_where(request: MigrateRequest) -> Iterator[None]:
    """Say in every error that no server runs, and what can be done."""
    try:
        yield
    except K3kError as error:
        name = f"{request.id.name} -n {request.id.namespace}"
        ways = f"No server runs now. `k3k {request.command}` goes on, `k3k migrate {name} --back` starts it on sqlite."
        error.hint = f"{error.hint} {ways}".strip()
        raise


async def _copy(work: Work, request: MigrateRequest, operation: Operation) -> None:
    """Copy the database from its volume into the new datastore, and compare what is there then."""
    host, identity = work.host, work.id
    old = await values_of_revision(host, identity, int(operation.facts["from"]))
    await _see_nobody_ahead(host, identity, operation)
    await stop(work)
    with scratch_folder() as folder:
        captured = await capture(host, identity, old, folder, "cold", work.progress)
        rows = await asyncio.to_thread(kine.read_rows, captured.path)
        revision = await asyncio.to_thread(kine.current_revision, captured.path)
        before = inventory(rows)
        await _see_nobody_ahead(host, identity, operation)
        await _load(work, request, operation, folder, rows, revision)
        after = await _read_back(work, request, folder)
    _see_same(identity, request, before, after)
    text = f"{before.objects} objects of {len(before.kinds)} kinds are the same in {request.to}"
    work.progress(Step("verify", "done", text))
    await advance(
        host, identity, operation, LOADED, objects=str(before.objects), kinds=str(len(before.kinds))
    )


async def _see_nobody_ahead(host: HostApi, identity: ControlPlaneId, operation: Operation) -> None:
    """See that no other run of the same move has started servers on the new datastore meanwhile.

    What they have written there since would be lost.
    """
    now = operation_of(await find_root(host, identity))
    if now is None or now.phase != operation.phase or now.facts.get("id") != operation.facts["id"]:
        raise ConflictError(
            f"another run of the same move of control plane {identity} is ahead of this one",
            hint="Wait for its end.",
        )


async def _load(
    work: Work,
    request: MigrateRequest,
    operation: Operation,
    folder: Path,
    rows: Iterable[Row],
    revision: int,
) -> None:
    if request.to == "etcd":
        path = folder / "moved.db"
        await asyncio.to_thread(etcd_snapshot.write_snapshot, path, rows, revision=revision)
        # With its own revisions: nothing newer was ever seen by anybody.
        await restore_etcd(
            work.host,
            work.id,
            path,
            work.progress,
            attempt=operation.facts["id"],
            bump=False,
            verb=VERB,
            timeout=work.left,
        )
        return
    external = await external_of(work.host, work.id)
    dialect: sql.Dialect = "mysql" if engine_of(external.endpoint) == "mysql" else "postgres"
    path = folder / "moved.sql"
    await asyncio.to_thread(sql.write_sql, path, dialect, rows, revision=revision)
    await load_database(work.host, external, path, work.progress)


async def _read_back(work: Work, request: MigrateRequest, folder: Path) -> Inventory:
    path = folder / "read-back"
    if request.to == "etcd":
        await save_snapshot(work.host, work.id, path, work.progress)
        return inventory(await asyncio.to_thread(etcd_snapshot.read_rows, path))
    await dump_database(work.host, await external_of(work.host, work.id), path, work.progress)
    return inventory(await asyncio.to_thread(sql.read_rows, path))


def _see_same(identity: ControlPlaneId, request: MigrateRequest, before: Inventory, after: Inventory) -> None:
    if differences := compare(before, after):
        lines = "\n".join(f"  {each}" for each in differences)
        raise K3kError(
            f"what {request.to} holds is not what control plane {identity} has stored; no server was started on it\n"
            f"{lines}",
            hint="Nothing is lost: sqlite is as it was.",
        )


async def _advanced(host: HostApi, identity: ControlPlaneId) -> Operation:
    operation = operation_of(await find_root(host, identity))
    if operation is None or operation.verb != VERB:
        raise ConflictError(
            f"the move of control plane {identity} was ended by somebody else",
            hint="`k3k describe` shows where it is.",
        )
    return operation


async def _finish(work: Work, operation: Operation) -> None:
    """Take the note away and leave behind what a way back needs."""
    import json

    origin = origin_of({"metadata": {}}, operation)
    kept = json.dumps(origin.facts(), sort_keys=True) if origin is not None else None
    annotations = {ANNOTATION_OPERATION: None, ANNOTATION_MIGRATION: kept}
    patch = {"metadata": {"annotations": annotations}}
    await work.host.patch(SECRET, work.id.namespace, work.id.root, patch)


def _wanted(request: MigrateRequest, text: str, stored: Values) -> Values:
    """Return the values it is to have."""
    overrides = [f"datastore.kind={request.to}"]
    if request.to == "etcd":
        overrides.append(f"datastore.etcd.members={request.members}")
    elif request.secret:
        overrides.append(f"datastore.external.secret_name={request.secret}")
    source = f"The values of {request.id} with what is asked for"
    asked = load_values(text, source=source, overrides=[*overrides, *request.assignments])
    return settled(stored, replace(asked, warnings=()))


def _other_way(request: MigrateRequest, operation: Operation) -> Iterable[Issue]:
    if operation.phase in {BACK, RETURNED}:
        yield Issue("", "it is being taken back to sqlite", f"`k3k {operation.command}` goes on with that")
    elif operation.facts.get("to") != request.to:
        yield Issue(
            "", f"its data is being moved to {operation.facts.get('to')}", f"`k3k {operation.command}`"
        )


def _problems(identity: ControlPlaneId, stored: Values) -> tuple[Issue, ...]:
    if stored.datastore.kind != "sqlite":
        return (
            Issue(
                "datastore.kind",
                f"is {stored.datastore.kind}: only what is in sqlite can be moved",
                "take a backup and restore it where it is to be",
            ),
        )
    if not stored.persistence.enabled:
        return (
            Issue(
                "persistence.enabled",
                "is false: the data goes with its pod, and there is no volume to copy it from",
                f"`k3k backup create {identity.name} -n {identity.namespace}` copies it from the running server",
            ),
        )
    return ()


async def _target_problems(host: HostApi, request: MigrateRequest, wanted: Values) -> tuple[Issue, ...]:
    if request.to == "etcd":
        return ()
    name = wanted.datastore.external.secret_name
    if not name:
        return (Issue("--secret", "is needed", "name the Secret with the DSN under the key `endpoint`"),)
    secret = secret_data(await host.get(SECRET, request.id.namespace, name))
    endpoint = secret.get("endpoint", "").strip()
    if not endpoint:
        return (
            Issue("--secret", f"names {name}, which holds no DSN", "put it there under the key `endpoint`"),
        )
    if engine_of(endpoint) == "etcd":
        return (
            Issue(
                "--secret",
                "leads to an etcd that k3k does not run, and cannot fill",
                "use --to etcd, or a database",
            ),
        )
    return ()


def _warnings(request: MigrateRequest) -> Iterable[Issue]:
    yield Issue(
        "",
        "the API does not answer while the data is copied, and what watches it lists anew",
        "choose a quiet time",
    )
    if request.to == "external":
        yield Issue("", "what the database holds of k3s is replaced", "give it a database of its own")


def _steps(request: MigrateRequest, wanted: Values) -> tuple[str, ...]:
    identity = request.id
    members = wanted.datastore.etcd.members
    target = f"an etcd of {members} member{'s' if members != 1 else ''}"
    if request.to == "external":
        target = f"the database of Secret {wanted.datastore.external.secret_name}"
    confirm = f"`k3k migrate {identity.name} -n {identity.namespace} --confirm`"
    recorded = "Record the new values, and that the data is being moved."
    first = (recorded, f"Start {target} beside the server, and wait until it works.")
    if request.to == "external":
        first = (f"Prove that {target} can be used and is empty.", recorded)
    return (
        *first,
        f"Stop {identity.server}-0: the API does not answer from here on.",
        f"Copy the database from volume {old_claim(identity)} into {target}, with its revisions.",
        "Read it back and compare numbers and digests of all kinds of object.",
        "Start the server on it and wait until it is ready.",
        f"Keep {old_claim(identity)} and the old values for --back, until {confirm}.",
    )
