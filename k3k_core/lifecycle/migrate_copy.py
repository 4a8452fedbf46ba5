"""Copying what a control plane stores into another datastore, while no server of it runs.

What was written is read back from there and compared, kind by kind: only a copy that is the same is started on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from k3k_core.backups.scratch import scratch_folder
from k3k_core.datastores import etcd_snapshot, kine, sql
from k3k_core.datastores.inventory import Inventory, compare, inventory
from k3k_core.datastores.rows import Row
from k3k_core.errors import ConflictError, K3kError
from k3k_core.host import HostApi
from k3k_core.lifecycle.backup_data import capture
from k3k_core.lifecycle.databases import dump_database, external_of, load_database
from k3k_core.lifecycle.etcd_restore import restore_etcd
from k3k_core.lifecycle.etcd_snapshots import save_snapshot
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.migrate_plan import MigrateRequest
from k3k_core.lifecycle.migration import LOADED, VERB, Work, stop, values_of_revision
from k3k_core.lifecycle.operation import Operation, advance, operation_of
from k3k_core.lifecycle.progress import Step
from k3k_core.manifests.database_clients import engine_of
from k3k_core.names import ControlPlaneId


async def copy_data(work: Work, request: MigrateRequest, operation: Operation) -> None:
    """Stop the servers, copy their database into the new datastore, and compare what is there then.

    Args:
        work: the move.
        request: where to.
        operation: the note of it; it says on which values sqlite was, and goes on to the next phase.

    Raises:
        ConflictError: another run of the same move is ahead, or its old values are not known any more.
        NotReadyError: a step does not come to its end in time.
        K3kError: the host refuses, or the copy is not what was stored. Every error says what can be done now.
    """
    with _told_where(request):
        await _copy(work, request, operation)


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
