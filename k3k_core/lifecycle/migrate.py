"""Moving a control plane from sqlite to an etcd or to an external database.

Its servers are stopped, its database is copied from the volume, written into the new datastore with its revisions,
read back from there and compared, and only then do servers start on it. The old volume stays until that is confirmed.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from k3k_core.discovery.control_plane import format_time
from k3k_core.errors import ConflictError, NotReadyError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import owner_of, stored_values
from k3k_core.lifecycle.databases import external_from, preflight_external
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.migrate_copy import copy_data
from k3k_core.lifecycle.migrate_plan import MigrateRequest, plan_migration, wanted_values
from k3k_core.lifecycle.migration import (
    COPYING,
    LOADED,
    PREPARING,
    VERB,
    Origin,
    Work,
    blueprint_of,
    origin_of,
    record,
    start_on,
)
from k3k_core.lifecycle.operation import Operation, advance, operation_of
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.rollout import Rollout, wait_for_rollout
from k3k_core.lifecycle.scaling import counted, stop_pods
from k3k_core.manifests import render_applied, stored_revision
from k3k_core.manifests import stored_values as values_text
from k3k_core.names import ANNOTATION_MIGRATION, ANNOTATION_OPERATION, COMPONENT_ETCD, ControlPlaneId
from k3k_core.resources import SECRET

# The API answers meanwhile, but nobody should wait for an etcd that never comes.
_PREPARE_SECONDS = 300.0


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


async def migrate(host: HostApi, request: MigrateRequest, progress: Progress = silent) -> Migrated:
    """Move a control plane's data and start its servers on the new datastore.

    Args:
        host: an open host.
        request: where to.
        progress: told about each step.

    Returns:
        What was moved; nothing when the data is there already.

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
        await copy_data(work, request, operation)
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
    wanted = wanted_values(request, values_text(root), stored)
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
    await stop_pods(work.host, identity, COMPONENT_ETCD, timeout=work.left, progress=work.progress)


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
