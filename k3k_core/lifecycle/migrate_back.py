"""Going back to sqlite after a move, or in the middle of one; and confirming a move, which ends that.

What was written since the move is brought along, unless it is to be discarded: then, and when no server has run on the
new datastore yet, sqlite is as it was at the move.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k3k_core.backups.scratch import scratch_folder
from k3k_core.datastores import etcd_snapshot, kine, sql
from k3k_core.errors import ConflictError, Issue, K3kError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import owner_of, refuse_applied, stored_values
from k3k_core.lifecycle.databases import dump_database, external_from, forget_tasks
from k3k_core.lifecycle.etcd_snapshots import save_snapshot
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.migration import (
    BACK,
    PREPARING,
    RETURNED,
    VERB,
    Origin,
    Work,
    ask_for_servers,
    blueprint_of,
    old_claim,
    origin_of,
    record,
    start_on,
    stop,
    values_back,
    values_of_revision,
)
from k3k_core.lifecycle.operation import Operation, advance, operation_of, refuse_other_operation
from k3k_core.lifecycle.pause import paused_problem
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.restore_server import forget_restore, give_database, restore_config
from k3k_core.lifecycle.tasks import remove_task
from k3k_core.lifecycle.volume_pod import remove_pod
from k3k_core.manifests import stored_revision
from k3k_core.names import (
    ANNOTATION_MIGRATION,
    ANNOTATION_OPERATION,
    COMPONENT_ETCD,
    LABEL_COMPONENT,
    LABEL_CONTROL_PLANE,
    ControlPlaneId,
)
from k3k_core.releases import check_step
from k3k_core.resources import (
    CONFIG_MAP,
    NETWORK_POLICY,
    PERSISTENT_VOLUME_CLAIM,
    POD_DISRUPTION_BUDGET,
    SECRET,
    SERVICE,
    STATEFUL_SET,
)
from k3k_core.versions import VersionError

_MOST_MEMBERS = 3
_CONFIRM = f"{VERB} --confirm"
_GO_BACK = f"{VERB} --back"


@dataclass(frozen=True, slots=True)
class WentBack:
    """A control plane that is on sqlite again.

    Attributes:
        id: the control plane.
        revision: its revision number.
        elapsed: seconds it took.
    """

    id: ControlPlaneId
    revision: int
    elapsed: float


async def plan_back(host: HostApi, identity: ControlPlaneId, *, discard: bool = False) -> Plan:
    """Return what going back to sqlite would do, and lose.

    Args:
        host: an open host.
        identity: the control plane.
        discard: whether what was written since the move is left behind.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: another operation is under way.
    """
    root, operation, origin = await _look(host, identity)
    if origin is None:
        problem = Issue("", "it was not moved, or the move is confirmed", "restore a backup instead")
        return Plan(identity, _GO_BACK, "cannot go back", problems=(problem,))
    issue = paused_problem(identity, root)
    problems = (*([issue] if issue else []), *_version_problems(root, origin, discard=discard))
    over = operation is not None and (operation.phase == RETURNED or operation.facts.get("carry") == "false")
    lost = discard and origin.switched and not over
    warnings = [
        Issue(
            "",
            f"what was written since {origin.at or 'the move'} is only in {origin.to} and is lost",
            "back it up",
        )
    ]
    what = "the etcd with its volumes" if origin.to == "etcd" else "nothing of the database: its table stays"
    brought = f"Bring what {origin.to} holds now into the database on it, with its revisions."
    steps = (
        f"Record today's values with one server on the datastore and the volumes of revision {origin.revision}.",
        "Stop the servers.",
        *((brought,) if origin.switched and not discard else ()),
        f"Start the server on volume {old_claim(identity)} and wait until it is ready.",
        f"Remove {what}.",
    )
    return Plan(
        identity,
        _GO_BACK,
        f"goes back from {origin.to} to sqlite" + (", as it was at the move" if discard else ""),
        () if problems else steps,
        problems,
        tuple(warnings) if lost else (),
        {"revision": origin.revision, "from": origin.to},
        loses_data=lost,
    )


async def go_back(
    host: HostApi,
    identity: ControlPlaneId,
    progress: Progress = silent,
    *,
    discard: bool = False,
    timeout: float = 900.0,
) -> WentBack:
    """Take a control plane back to the sqlite database it was moved from.

    Args:
        host: an open host.
        identity: the control plane.
        progress: told about each step.
        discard: whether what was written since the move is left behind.
        timeout: seconds for all of it.

    Raises:
        ConflictError: there is no way back; nothing was changed.
        NotReadyError: the server is not ready in time; the same command goes on.
        K3kError: the host refuses or does not answer.
    """
    started = time.monotonic()
    (await plan_back(host, identity, discard=discard)).refuse()
    work = Work(host, identity, progress, started + timeout)
    root, operation, origin = await _look(host, identity)
    if origin is None:
        raise ConflictError(
            f"control plane {identity} cannot go back", hint="`k3k describe` shows where it is."
        )
    await _see_volume(host, identity)
    if operation is None or operation.phase not in {BACK, RETURNED}:
        untouched = operation is not None and operation.phase == PREPARING
        carry = origin.switched and not discard
        operation, root = await _begin(work, root, origin, carry=carry, untouched=untouched)
    elif discard and operation.facts.get("carry") == "true":
        operation = await advance(host, identity, operation, operation.phase, carry="false")
    if operation.phase == BACK:
        await _return(work, root, operation)
        operation = await advance(host, identity, operation, RETURNED)
    await _remove_target(work, origin)
    annotations = {ANNOTATION_OPERATION: None, ANNOTATION_MIGRATION: None}
    await host.patch(SECRET, identity.namespace, identity.root, {"metadata": {"annotations": annotations}})
    return WentBack(identity, stored_revision(root), time.monotonic() - started)


async def plan_confirmation(host: HostApi, identity: ControlPlaneId) -> Plan:
    """Return what confirming a move would do.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: an operation is under way.
    """
    _, operation, origin = await _look(host, identity)
    if operation is not None:
        problem = Issue(
            "", f"the move is not over ({operation.phase})", f"`k3k {operation.command}` goes on with it"
        )
        return Plan(identity, _CONFIRM, "cannot be confirmed yet", problems=(problem,))
    if origin is None:
        return Plan(identity, _CONFIRM, "there is no move to confirm")
    return Plan(
        identity,
        _CONFIRM,
        f"confirms the move to {origin.to} of {origin.at}",
        (f"Delete the volume claim {old_claim(identity)}: there is no way back then.",),
        warnings=(Issue("", "the database before the move is deleted", "back it up, if it may be needed"),),
        facts={"to": origin.to},
    )


async def confirm(host: HostApi, identity: ControlPlaneId, progress: Progress = silent) -> None:
    """Confirm a move: the old volume is deleted.

    Args:
        host: an open host.
        identity: the control plane.
        progress: told about it.

    Raises:
        ConflictError: the move is not over.
    """
    plan = await plan_confirmation(host, identity)
    plan.refuse()
    if plan.nothing_to_do:
        return
    claim = old_claim(identity)
    await host.delete(PERSISTENT_VOLUME_CLAIM, identity.namespace, claim)
    patch = {"metadata": {"annotations": {ANNOTATION_MIGRATION: None}}}
    await host.patch(SECRET, identity.namespace, identity.root, patch)
    progress(Step("confirm", "done", f"deleted {claim}", f"PersistentVolumeClaim/{claim}"))


async def _look(
    host: HostApi, identity: ControlPlaneId
) -> tuple[dict[str, Any], Operation | None, Origin | None]:
    root = await find_root(host, identity)
    refuse_other_operation(identity, root, VERB)
    refuse_applied(identity, root)
    operation = operation_of(root)
    return root, operation, origin_of(root, operation)


def _version_problems(root: Mapping[str, Any], origin: Origin, *, discard: bool) -> Iterator[Issue]:
    """Of what is brought along, today's version wrote the last; what lies on the old volume may be too old for it."""
    if not discard:
        return
    try:
        check_step(origin.version, stored_values(root).values.version, allow_downgrade=True)
    except VersionError as error:
        yield Issue(
            "version", f"the old volume is of k3s {origin.version}: {error.problem}", "go without --discard"
        )


async def _see_volume(host: HostApi, identity: ControlPlaneId) -> None:
    claim = old_claim(identity)
    try:
        await host.get(PERSISTENT_VOLUME_CLAIM, identity.namespace, claim)
    except NotFoundError:
        raise ConflictError(
            f"the volume claim {identity.namespace}/{claim} is gone: there is nothing to go back to; "
            "nothing was changed",
            hint=f"`k3k migrate {identity.name} -n {identity.namespace} --confirm` ends the move.",
        ) from None


async def _begin(
    work: Work, root: dict[str, Any], origin: Origin, *, carry: bool, untouched: bool
) -> tuple[Operation, dict[str, Any]]:
    identity = work.id
    values = values_back(stored_values(root).values, origin)
    facts = {
        **origin.facts(),
        "moved": str(stored_revision(root)),
        "carry": str(carry).lower(),
        # Whether the server has gone on all the time.
        "untouched": str(untouched).lower(),
        "id": secrets.token_hex(4),
    }
    command = f"migrate {identity.name} -n {identity.namespace} --back"
    operation = Operation(VERB, BACK, facts, command)
    return operation, await record(work, root, values, operation)


async def _return(work: Work, root: dict[str, Any], operation: Operation) -> None:
    """Start the server on sqlite, with what the other datastore holds where that is to be brought along."""
    if operation.facts.get("untouched") != "true":
        await stop(work)
    blueprint = await blueprint_of(work, root, stored_values(root).values)
    if operation.facts.get("carry") != "true":
        await start_on(work, blueprint)
        return
    host, identity, token = work.host, work.id, operation.facts["id"]
    with scratch_folder() as folder:
        database = await _brought(work, root, operation, folder)
        await host.apply(restore_config(identity, owner_of(root), token), force=True)
        await ask_for_servers(work, blueprint)
        await give_database(
            host,
            identity,
            blueprint.values,
            token,
            database,
            timeout=work.left,
            progress=work.progress,
        )
    await start_on(work, blueprint)
    await forget_restore(host, identity)


async def _brought(work: Work, root: dict[str, Any], operation: Operation, folder: Path) -> Path:
    """Return a sqlite database with all that the other datastore holds, at its revisions."""
    host, identity = work.host, work.id
    copy, database = folder / "copy", folder / "state.db"
    try:
        if operation.facts["to"] == "etcd":
            await save_snapshot(host, identity, copy, work.progress)
            rows = await asyncio.to_thread(etcd_snapshot.read_rows, copy)
            revision = await asyncio.to_thread(etcd_snapshot.current_revision, copy)
        else:
            moved = await values_of_revision(host, identity, int(operation.facts["moved"]))
            external = await external_from(host, identity, moved, owner_of(root))
            await dump_database(host, external, copy, work.progress)
            rows = await asyncio.to_thread(sql.read_rows, copy)
            revision = await asyncio.to_thread(sql.current_revision, copy)
    except K3kError as error:
        raise type(error)(
            f"what {operation.facts['to']} holds cannot be brought along: {error.message}",
            hint="Mend it and run the same command again, or leave it behind with --discard.",
        ) from None
    await asyncio.to_thread(kine.write_database, database, rows, revision=revision)
    return database


async def _remove_target(work: Work, origin: Origin) -> None:
    """Take away what the move has made."""
    host, identity = work.host, work.id
    await remove_pod(host, identity.namespace, identity.task("copy"))
    if origin.to != "etcd":
        await forget_tasks(host, identity)
        return
    for number in range(_MOST_MEMBERS):
        await remove_task(host, identity.namespace, identity.task(f"etcd-restore-{number}"))
    for resource in (STATEFUL_SET, SERVICE, NETWORK_POLICY, POD_DISRUPTION_BUDGET, CONFIG_MAP):
        await host.delete(resource, identity.namespace, identity.etcd)
    await host.delete(SECRET, identity.namespace, identity.etcd_pki)
    labels = f"{LABEL_CONTROL_PLANE}={identity.name},{LABEL_COMPONENT}={COMPONENT_ETCD}"
    for claim in (await host.list(PERSISTENT_VOLUME_CLAIM, identity.namespace, labels=labels)).items:
        await host.delete(PERSISTENT_VOLUME_CLAIM, identity.namespace, claim["metadata"]["name"])
    work.progress(Step("remove", "done", "removed the etcd with its volumes", f"StatefulSet/{identity.etcd}"))
