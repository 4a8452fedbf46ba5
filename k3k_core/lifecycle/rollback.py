"""Going back: to the values of a revision that is kept, or out of an upgrade that is under way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from k3k_core import manifests
from k3k_core.discovery.addresses import url
from k3k_core.errors import ConflictError, Issue, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.going_back import go_back, values_of_revision
from k3k_core.lifecycle.operation import Operation, refuse_other_operation
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, silent
from k3k_core.lifecycle.revisions import revisions
from k3k_core.lifecycle.servers import list_servers, newest_started
from k3k_core.lifecycle.standing import UpgradeRequest
from k3k_core.lifecycle.upgrade import Upgraded, plan_upgrade, upgrade
from k3k_core.lifecycle.upgrade_note import back_at, under_way
from k3k_core.lifecycle.upgrade_plan import UpgradePlan
from k3k_core.lifecycle.upgrade_steps import where_it_is
from k3k_core.manifests import Address
from k3k_core.names import ControlPlaneId
from k3k_core.versions import K3sVersion


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """Where to go back to, and how.

    Attributes:
        id: the control plane.
        to: number of the revision whose values it is to have; None for the one before, or for where an upgrade
            that is under way came from. Said again, None stays where it went.
        allow_downgrade: go back to an older minor version of k3s, by one at most.
        options: everything else, as of an upgrade; its values, version and verb do not matter.
    """

    id: ControlPlaneId
    to: int | None = None
    allow_downgrade: bool = False
    options: UpgradeRequest | None = None


async def plan_rollback(host: HostApi, request: RollbackRequest) -> UpgradePlan | Plan:
    """Find out what going back would do and whether it may; nothing is changed.

    Args:
        host: an open host.
        request: where to.

    Returns:
        The plan; of another kind where it goes back out of an upgrade that is under way.

    Raises:
        NotFoundError: the control plane or the revision does not exist.
        ConflictError: there is nothing to go back to, or another verb is under way.
    """
    root = await find_root(host, request.id)
    note = under_way(root)
    if note is not None and note.verb == "upgrade":
        return _plan_out(request, note)
    refuse_other_operation(request.id, root, "rollback")
    asked = await _as_upgrade(host, request, root, note)
    return await plan_upgrade(host, asked)


async def rollback(host: HostApi, request: RollbackRequest, progress: Progress = silent) -> Upgraded:
    """Go back to the values of an earlier revision, or out of an upgrade that is under way.

    The values become a new revision: history only grows. Stopped anywhere, the same call goes on.

    Args:
        host: an open host.
        request: where to.
        progress: told about each step.

    Raises:
        NotFoundError: the control plane or the revision does not exist.
        ConflictError: there is nothing to go back to, or it may not.
        NotReadyError: the servers are not ready in time.
        K3kError: the host refuses or does not answer.
    """
    started = time.monotonic()
    root = await find_root(host, request.id)
    note = under_way(root)
    if note is not None and note.verb == "upgrade":
        _plan_out(request, note).refuse()
        return await _out(host, request, note, started, progress)
    refuse_other_operation(request.id, root, "rollback")
    return await upgrade(host, await _as_upgrade(host, request, root, note), progress)


async def _as_upgrade(
    host: HostApi, request: RollbackRequest, root: Mapping[str, Any], note: Operation | None
) -> UpgradeRequest:
    """Return the upgrade that makes the control plane what it was."""
    number = await _target(host, request, root, note)
    values = await values_of_revision(host, request.id, number)
    options = request.options or UpgradeRequest(request.id)
    return replace(
        options,
        id=request.id,
        verb="rollback",
        values=values,
        version=None,
        assignments=(),
        allow_downgrade=request.allow_downgrade or await _same_minor(host, request.id, values.values.version),
        # What is broken is what one goes back from.
        ignore_health=True,
        back_to=number,
    )


async def _target(
    host: HostApi, request: RollbackRequest, root: Mapping[str, Any], note: Operation | None
) -> int:
    identity, current = request.id, manifests.stored_revision(root)
    noted = int(note.facts.get("to") or 0) if note is not None else 0
    if noted:
        if request.to not in {None, noted}:
            raise ConflictError(
                f"control plane {identity} is being rolled back to revision {noted}; nothing was changed",
                hint=f"`k3k rollback {identity.name} -n {identity.namespace}` goes on with that.",
            )
        return noted
    kept = await revisions(host, identity)
    if request.to is not None:
        if request.to not in {each.number for each in kept}:
            raise NotFoundError(
                f"control plane {identity} has no revision {request.to}",
                hint=f"Kept are: {', '.join(str(each.number) for each in reversed(kept))}.",
            )
        return request.to
    if (back := back_at(root)) in {each.number for each in kept}:
        # Said twice, or its answer was lost: it is there already.
        return back
    now = next((each.values for each in kept if each.current), "")
    for each in kept:
        # Not one that did not work, nor one that was the same: going there would be no way back.
        if each.number < current and not each.taken_back and each.values != now:
            return each.number
    raise ConflictError(
        f"control plane {identity} has no revision before {current} to go back to",
        hint=f"`k3k history {identity.name} -n {identity.namespace}` shows which are kept; --to names one.",
    )


async def _same_minor(host: HostApi, identity: ControlPlaneId, version: str) -> bool:
    """Tell whether only the patch is older: the same minor version keeps what it stores in the same form."""

    newest = newest_started(await list_servers(host, identity))
    return newest is None or newest.minor <= K3sVersion.parse(version).minor


def _plan_out(request: RollbackRequest, note: Operation) -> Plan:
    """Return the plan of going back out of an upgrade that is under way."""

    number = note.facts.get("from", "")
    where = f"-n {request.id.namespace}"
    problems = []
    if request.to is not None and str(request.to) != number:
        problems.append(
            Issue(
                "",
                f"an upgrade is under way that began at revision {number}, and goes back to that one only",
                f"leave out --to; afterwards `k3k rollback {request.id.name} {where} --to {request.to}`",
            )
        )
    elif note.phase in {"return", "clean"}:
        problems.append(
            Issue(
                "",
                "the upgrade has come too far to be taken back: every server is replaced",
                f"finish it (`k3k {note.command}`), then roll back",
            )
        )
    return Plan(
        id=request.id,
        verb="rollback",
        summary=f"an upgrade to {note.facts.get('version', '')} is under way ({where_it_is(note)}), and is taken back "
        f"to what revision {number} was",
        steps=(
            f"Store the values of revision {number} as a new revision.",
            "Give the servers these values, one after the other, as far as they have others; wait until all are ready.",
            *(
                ("Lead the Service to them, remove the second set of servers.",)
                if note.facts.get("strategy") == "blue-green"
                else ()
            ),
        ),
        problems=tuple(problems),
        warnings=(
            Issue(
                "version",
                "a new version that has started may have changed what is stored",
                "the way back that is always right is `k3k backup restore`",
            ),
        ),
        facts={"revision": number},
    )


async def _out(
    host: HostApi, request: RollbackRequest, note: Operation, started: float, progress: Progress
) -> Upgraded:
    options = replace(request.options or UpgradeRequest(request.id), id=request.id)
    blueprint, work = await go_back(host, options, note, progress)
    address = blueprint.address or Address(request.id.service)
    return Upgraded(
        id=request.id,
        from_version=note.facts.get("version", ""),
        version=work.standing.wanted.version,
        revision=blueprint.revision,
        endpoint=url(address.host, address.port),
        changed=bool(work.plan.changes),
        ready=True,
        elapsed=time.monotonic() - started,
    )
