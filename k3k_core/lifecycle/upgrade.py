"""Upgrading a control plane: check, record the values, apply, replace the servers, wait.

The root Secret is written first and holds what was asked for, so every later step can be repeated: whatever dies
half-way, the same upgrade goes on where it stopped. Upgrades that have phases, or that can go back, note on the root
which phase they are at (`upgrade_note`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k3k_core import manifests
from k3k_core.discovery.addresses import url
from k3k_core.errors import ConflictError, NotReadyError
from k3k_core.host import HostApi
from k3k_core.lifecycle.blue_green import run_blue_green
from k3k_core.lifecycle.canary import CanaryError, run_canary
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.going_back import go_back
from k3k_core.lifecycle.operation import Operation, advance, finish, operation_of, refuse_other_operation
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.revisions import revision_secrets
from k3k_core.lifecycle.rollout import servers_of
from k3k_core.lifecycle.scaling import stop_pods
from k3k_core.lifecycle.standing import Standing, UpgradeRequest, look
from k3k_core.lifecycle.upgrade_apply import apply_all, make_blueprint, remove_superfluous, settle_rest
from k3k_core.lifecycle.upgrade_backup import take_backup
from k3k_core.lifecycle.upgrade_note import BACK, new_note, under_way
from k3k_core.lifecycle.upgrade_plan import Strategy, UpgradePlan, plan_of, plan_upgrade
from k3k_core.lifecycle.upgrade_record import KEPT_REVISIONS, forget, record
from k3k_core.lifecycle.upgrade_steps import where_it_is
from k3k_core.lifecycle.upgrade_work import Work
from k3k_core.manifests import Address, Blueprint
from k3k_core.names import COMPONENT_SERVER, ControlPlaneId

__all__ = [
    "KEPT_REVISIONS",
    "Strategy",
    "UpgradePlan",
    "UpgradeRequest",
    "Upgraded",
    "plan_upgrade",
    "refuse",
    "upgrade",
]


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A control plane as an upgrade leaves it.

    Attributes:
        id: the control plane.
        from_version: k3s version that ran before.
        version: k3s version it has now.
        revision: its revision number.
        endpoint: URL of its API.
        changed: whether any value changed; false when an earlier upgrade was gone on with, or nothing was to
            be done.
        ready: whether every server was seen ready.
        elapsed: seconds the upgrade took.
    """

    id: ControlPlaneId
    from_version: str
    version: str
    revision: int
    endpoint: str
    changed: bool
    ready: bool
    elapsed: float


async def upgrade(host: HostApi, request: UpgradeRequest, progress: Progress = silent) -> Upgraded:
    """Upgrade a control plane, or finish an upgrade that was stopped.

    Args:
        host: an open host.
        request: what is asked for.
        progress: told about each step.

    Returns:
        The control plane as it is now.

    Raises:
        NotFoundError: the control plane does not exist.
        ConflictError: it cannot become what is asked for, and nothing was changed; or somebody else changes it at
            the same time.
        NotReadyError: everything is applied, but the servers are not ready in time; or that is why it was taken
            back.
        K3kError: the host refuses or does not answer.
    """
    started = time.monotonic()
    standing = await look(host, request)
    refuse_other_operation(request.id, standing.root, request.verb)
    plan = await plan_of(host, request, standing)
    refuse(plan, verb=request.verb)
    for warning in plan.warnings:
        progress(Step("check", "warning", str(warning)))
    progress(Step("check", "done", _checked(plan)))
    if plan.takes_backup:
        await take_backup(host, request.id, progress)
        # The backup is noted on the root, which is written next.
        standing = await look(host, request)
    note = await _note(host, request, standing, plan)
    if note is not None and note.phase == BACK:
        await go_back(host, request, note, progress)
        raise _went_back(request, note, "an earlier run of it had failed")
    # A backup that was taken before does not count.
    work = Work(host, request, standing, plan, progress, time.monotonic() + _limit(request))
    try:
        blueprint = await _carry_out(work, note)
    except NotReadyError as error:
        if note is None:
            raise
        if request.rollback_after is not None or isinstance(error, CanaryError):
            return await _taken_back(host, request, error, progress)
        raise await _stuck(host, request, error) from None
    return _upgraded(work, blueprint, started)


def refuse(plan: UpgradePlan, *, verb: str = "upgrade") -> None:
    """See that an upgrade may go on.

    Args:
        plan: of the upgrade.
        verb: "upgrade" or "rollback".

    Raises:
        ConflictError: it may not; the message holds every reason and what to do instead.
    """
    if plan.problems:
        lines = "\n".join(f"  {problem}" for problem in plan.problems)
        done = "rolled back" if verb == "rollback" else "upgraded"
        raise ConflictError(
            f"control plane {plan.id} cannot be {done} like this; nothing was changed\n{lines}",
            hint=f"`k3k {verb} {plan.id.name} -n {plan.id.namespace} --dry-run` shows what "
            f"{'a rollback' if verb == 'rollback' else 'an upgrade'} would do.",
        )


def _checked(plan: UpgradePlan) -> str:
    if plan.nothing_to_do:
        return "everything is as asked for already"
    if plan.resumes:
        return f"going on to revision {plan.revision} ({plan.to_version})"
    count = len(plan.changes)
    values = f"{count} value{'s' if count != 1 else ''}"
    if plan.from_version == plan.to_version:
        return f"{values} will change, at {plan.to_version}"
    return f"{values} will change, from {plan.from_version} to {plan.to_version}"


def _limit(request: UpgradeRequest) -> float:
    """Return the seconds the way forward may take."""
    if request.rollback_after is None:
        return request.timeout
    return min(request.timeout, request.rollback_after)


async def _note(
    host: HostApi, request: UpgradeRequest, standing: Standing, plan: UpgradePlan
) -> Operation | None:
    """Return the note that stands, or the one that is to be made."""
    standing_note = under_way(standing.root)
    if standing_note is not None or plan.nothing_to_do:
        return standing_note
    revision = standing.revision
    if not plan.changes:
        # An upgrade without a note was stopped: what it came from is the revision before.
        kept = [manifests.stored_revision(item) for item in await revision_secrets(host, request.id)]
        revision = max((number for number in kept if number < revision), default=revision)
    version, stops = plan.to_version, plan.stops_servers
    return new_note(request, plan.strategy, revision=revision, version=version, stops=stops)


async def _carry_out(work: Work, note: Operation | None) -> Blueprint:
    """Go from what is recorded to servers that run it, and take the note away."""
    root = await record(work, note)
    if work.plan.strategy == "blue-green" and note is not None:
        blueprint = await run_blue_green(work, root, operation_of(root) or note)
        await remove_superfluous(work, blueprint)
    else:
        blueprint = await _replace_in_place(work, root, note)
    await settle_rest(work, blueprint)
    if note is not None:
        # Without waiting, too: what is left is the host's to do.
        await finish(work.host, work.id)
    await forget(work.host, work.id, blueprint.revision)
    return blueprint


async def _replace_in_place(work: Work, root: Mapping[str, Any], note: Operation | None) -> Blueprint:
    before = await servers_of(work.host, work.id)
    blueprint = await make_blueprint(work, root)
    if note is not None and note.phase == "canary":
        await run_canary(work, blueprint, before, note)
    elif note is not None and note.phase == "stop":
        await stop_pods(work.host, work.id, COMPONENT_SERVER, timeout=work.left(), progress=work.progress)
        await advance(work.host, work.id, note, "roll")
    await apply_all(work, blueprint, before)
    await remove_superfluous(work, blueprint)
    servers = blueprint.values.servers
    if work.request.wait:
        text = f"waiting for {servers} server{'s' if servers != 1 else ''}"
        work.progress(Step("ready", "started", text))
        await work.rollout(work.id.server, servers, before)
        work.progress(Step("ready", "done", f"{servers} of {servers} servers ready"))
    return blueprint


async def _stuck(host: HostApi, request: UpgradeRequest, error: NotReadyError) -> NotReadyError:
    """Return the error of an upgrade with phases with how far it has come, and both ways on."""
    identity = request.id
    note = under_way(await find_root(host, identity))
    if note is None:
        return error
    back = (
        f"`k3k rollback {identity.name} -n {identity.namespace}` takes it back"
        if note.verb == "upgrade"
        else ""
    )
    return NotReadyError(
        f"{error.message}\n  how far it has come: {where_it_is(note)}",
        hint=f"`k3k {note.command}` goes on with it" + (f", {back}." if back else "."),
    )


async def _taken_back(
    host: HostApi, request: UpgradeRequest, error: NotReadyError, progress: Progress
) -> Upgraded:
    """Go back to where it began, and say so.

    Raises:
        NotReadyError: always; it says what failed and where it is now.
    """
    progress(Step("back", "warning", error.message.partition("\n")[0]))
    note = under_way(await find_root(host, request.id))
    if note is None:
        raise error
    try:
        await go_back(host, request, note, progress)
    except NotReadyError as second:
        raise NotReadyError(
            f"{error.message}\nTaking it back has not come to its end either: {second.message}",
            hint=f"`k3k {note.command}`, run again, goes on taking it back; `k3k backup restore` may be the way.",
        ) from None
    raise _went_back(request, note, error.message)


def _went_back(request: UpgradeRequest, note: Operation, why: str) -> NotReadyError:
    identity = request.id
    return NotReadyError(
        f"control plane {identity} was taken back to what revision {note.facts.get('from', '')} was: {why}",
        hint=f"`k3k history {identity.name} -n {identity.namespace}` shows its revisions; `k3k doctor "
        f"{identity.name} -n {identity.namespace}` how it is now.",
    )


def _upgraded(work: Work, blueprint: Blueprint, started: float) -> Upgraded:
    address = blueprint.address or Address(work.id.service)
    return Upgraded(
        id=work.id,
        from_version=work.plan.from_version,
        version=work.standing.wanted.version,
        revision=blueprint.revision,
        endpoint=url(address.host, address.port),
        changed=bool(work.plan.changes),
        ready=work.request.wait,
        elapsed=time.monotonic() - started,
    )
