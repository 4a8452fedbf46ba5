"""Taking an upgrade back: the values of before as a new revision, the first set of servers on them, the Service there.

The order serves every point an upgrade can have come to. Whoever answers clients now goes on until the servers with the
values of before are ready; where those were never touched, that is at once.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace

from k3k_core import manifests
from k3k_core.errors import ConflictError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.blue_green import remove_green
from k3k_core.lifecycle.operation import Operation, finish
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.lifecycle.rollout import servers_of
from k3k_core.lifecycle.standing import UpgradeRequest, look
from k3k_core.lifecycle.upgrade_apply import (
    apply_all,
    lead_to,
    make_blueprint,
    remove_superfluous,
    settle_rest,
)
from k3k_core.lifecycle.upgrade_note import ANNOTATION_TAKEN_BACK, BACK
from k3k_core.lifecycle.upgrade_plan import plan_of
from k3k_core.lifecycle.upgrade_record import forget, record
from k3k_core.lifecycle.upgrade_work import Work
from k3k_core.manifests import Blueprint
from k3k_core.names import COMPONENT_SERVER, ControlPlaneId
from k3k_core.resources import SECRET
from k3k_core.values import LoadedValues, load_values


async def go_back(
    host: HostApi, request: UpgradeRequest, note: Operation, progress: Progress
) -> tuple[Blueprint, Work]:
    """Take an upgrade that is noted back to where it began, and take the note away.

    Args:
        host: an open host.
        request: of the upgrade, or of the rollback that takes it back; its time-out counts from now.
        note: of the upgrade.
        progress: told about each step.

    Returns:
        The control plane as it is now, and how it came about.

    Raises:
        ConflictError: the revision it began with is not kept any more.
        NotReadyError: the servers are not ready with the values of before either.
        K3kError: the host refuses or does not answer; done again, it goes on.
    """
    identity = request.id
    number = int(note.facts.get("from", "0") or 0)
    values = await values_of_revision(host, identity, number)
    back = replace(
        request,
        values=values,
        version=None,
        assignments=(),
        allow_downgrade=True,
        ignore_health=True,
        wait=True,
        strategy=None,
        canary=False,
        rollback_after=None,
        backup="skip",
        back_to=number,
    )
    standing = await look(host, back)
    plan = await plan_of(host, back, standing)
    text = f"taking it back to what revision {number} was ({standing.wanted.version})"
    progress(Step("back", "started", text, f"Secret/{identity.root}"))
    work = Work(host, back, standing, plan, progress, time.monotonic() + request.timeout)
    root = await record(work, replace(note, phase=BACK))
    await _mark_taken_back(host, identity, note)
    two_sets = note.facts.get("strategy") == "blue-green"
    blueprint = await make_blueprint(work, root, lead=not two_sets)
    before = await servers_of(host, identity)
    await apply_all(work, blueprint, before)
    await work.rollout(identity.server, standing.wanted.servers, before)
    if two_sets:
        await lead_to(work, blueprint, COMPONENT_SERVER)
        await asyncio.sleep(request.drain)
        await remove_green(host, identity, progress)
    await remove_superfluous(work, blueprint)
    await settle_rest(work, blueprint)
    await finish(host, identity)
    await forget(host, identity, blueprint.revision)
    progress(Step("back", "done", f"it is as revision {number} was", f"Secret/{identity.root}"))
    return blueprint, work


async def _mark_taken_back(host: HostApi, identity: ControlPlaneId, note: Operation) -> None:
    """Note on the revision that did not work that it was taken back, so that nobody rolls back to it."""
    number = int(note.facts.get("revision") or 0)
    if not number:
        return
    patch = {"metadata": {"annotations": {ANNOTATION_TAKEN_BACK: "true"}}}
    with suppress(NotFoundError):
        # It is kept only if the upgrade came far enough.
        await host.patch(SECRET, identity.namespace, identity.revision(number), patch)


async def values_of_revision(host: HostApi, identity: ControlPlaneId, number: int) -> LoadedValues:
    """Return the values of a revision that is kept.

    Args:
        host: an open host.
        identity: the control plane.
        number: of the revision.

    Raises:
        ConflictError: it is not kept.
    """
    name = identity.revision(number)
    try:
        secret = await host.get(SECRET, identity.namespace, name)
    except NotFoundError:
        raise ConflictError(
            f"revision {number} of control plane {identity} is not kept: Secret {name} does not exist",
            hint=f"`k3k history {identity.name} -n {identity.namespace}` shows which are.",
        ) from None
    # Every default is stored, and would be warned about as if somebody had asked for it.
    return replace(load_values(manifests.stored_values(secret), source=f"Secret/{name}"), warnings=())
