"""Making room in a dedicated etcd: defragmentation, one member at a time, and the end of its alarms."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from k3k_core.datastores.etcd_cluster import EtcdCluster, View, open_etcd
from k3k_core.errors import Issue, NotReadyError
from k3k_core.host import HostApi
from k3k_core.lifecycle.etcd_status import QUOTA, EtcdStatus, etcd_status
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.operation import refuse_other_operation
from k3k_core.lifecycle.pause import refuse_paused
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.names import ControlPlaneId

DEFRAGMENT, DISARM = "etcd defrag", "etcd disarm"
_PAUSE = 0.5
# Seconds for a member to be itself again once it has answered.
_BACK = 60.0


@dataclass(frozen=True, slots=True)
class Defragmented:
    """What a defragmentation freed.

    Attributes:
        id: the control plane.
        members: name, bytes before and bytes after, in the order it was done.
        disarmed: names of the members whose alarm was ended.
    """

    id: ControlPlaneId
    members: tuple[tuple[str, int, int], ...]
    disarmed: tuple[str, ...] = ()

    @property
    def freed(self) -> int:
        """Bytes that all databases together are smaller by."""
        return sum(before - after for _, before, after in self.members)


async def plan_defragmentation(host: HostApi, identity: ControlPlaneId) -> Plan:
    """Return what a defragmentation would do, and whether it may.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it does not exist, or has no etcd of its own.
        ConflictError: another verb is under way.
    """
    status = await _status(host, identity, DEFRAGMENT)
    order = _order(status)
    return Plan(
        id=identity,
        verb=DEFRAGMENT,
        summary=f"defragment {len(order)} etcd member{'s' if len(order) != 1 else ''}, the leader last",
        steps=tuple(_defragment_steps(status, order)),
        problems=_problems(status),
        warnings=_warnings(status),
        facts={"order": list(order)},
    )


async def plan_disarming(host: HostApi, identity: ControlPlaneId) -> Plan:
    """Return what ending the alarms would do, and whether it may.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it does not exist, or has no etcd of its own.
        ConflictError: another verb is under way.
    """
    status = await _status(host, identity, DISARM)
    if not status.alarms and status.has_quorum:
        return Plan(identity, DISARM, "no member has raised an alarm")
    problems = list(_problems(status))
    for name, kind in status.alarms:
        if kind != "NOSPACE":
            where = f"{identity.name} NUMBER -n {identity.namespace}"
            remedy = f"`k3k etcd replace-member {where}` for the one that differs"
            problems.append(Issue(name, f"alarm {kind} is not about space: its data differs", remedy))
    order = _order(status)
    names = ", ".join(name for name, _ in status.alarms)
    steps = (
        "Forget what was before the newest revision; the API server does so every five minutes as long as it can.",
        *_defragment_steps(status, order),
        f"See that every database is below {QUOTA >> 20} MiB, and end the alarm of {names}.",
    )
    return Plan(
        id=identity,
        verb=DISARM,
        summary=f"make room and end the alarm of {names or 'nobody'}",
        steps=steps,
        problems=tuple(problems),
        warnings=_warnings(status),
        facts={"alarms": [{"member": name, "alarm": kind} for name, kind in status.alarms]},
    )


async def defragment(
    host: HostApi, identity: ControlPlaneId, progress: Progress = silent, *, timeout: float = 600.0
) -> Defragmented:
    """Have every member write its database anew without holes, each when the one before it works again.

    A member answers nobody meanwhile; the leader is last, so that there is one election at most. Nothing of what is
    stored changes, so it can be stopped and begun again at any time.

    Args:
        host: an open host.
        identity: the control plane.
        progress: told about each member.
        timeout: seconds one member may take.

    Raises:
        ConflictError: a member does not work, and nothing was changed.
        NotReadyError: a member does not come back.
        K3kError: the host or a member refuses or does not answer.
    """
    plan = await plan_defragmentation(host, identity)
    plan.refuse()
    async with open_etcd(host, identity) as etcd:
        return Defragmented(identity, await _defragment(etcd, plan.facts["order"], progress, timeout))


async def disarm(
    host: HostApi, identity: ControlPlaneId, progress: Progress = silent, *, timeout: float = 600.0
) -> Defragmented:
    """Make room in a full etcd and end its alarms, so that it takes writes again.

    Args:
        host: an open host.
        identity: the control plane.
        progress: told about each step.
        timeout: seconds one member may take.

    Raises:
        ConflictError: a member does not work or differs from the others, and nothing was changed.
        NotReadyError: a database is still too large, and the alarms stand.
        K3kError: the host or a member refuses or does not answer.
    """
    plan = await plan_disarming(host, identity)
    plan.refuse()
    if plan.nothing_to_do:
        return Defragmented(identity, ())
    async with open_etcd(host, identity) as etcd:
        await _compact(etcd, progress)
        view = await etcd.look()
        members = await _defragment(etcd, _in_order(view), progress, timeout)
        full = [f"{name} ({after >> 20} MiB)" for name, _, after in members if after >= QUOTA]
        if full:
            raise NotReadyError(
                f"the alarms stand: {', '.join(full)} still has no room below {QUOTA >> 20} MiB",
                hint="Delete what the control plane does not need with `kubectl delete`, or go back to a backup.",
            )
        disarmed = await _disarm(etcd, view, progress)
    return Defragmented(identity, members, disarmed)


async def _status(host: HostApi, identity: ControlPlaneId, verb: str) -> EtcdStatus:
    root = await find_root(host, identity)
    refuse_other_operation(identity, root, verb)
    refuse_paused(identity, root)
    return await etcd_status(host, identity)


def _order(status: EtcdStatus) -> tuple[str, ...]:
    """Return the members in the order to take them: the leader last, so that it need not change often."""
    members = sorted(status.members, key=lambda each: (each.role == "leader", each.name))
    return tuple(member.name for member in members)


def _in_order(view: View) -> tuple[str, ...]:
    return tuple(sorted((each.pod for each in view.answers), key=lambda pod: (pod == view.leader, pod)))


def _defragment_steps(status: EtcdStatus, order: Sequence[str]) -> list[str]:
    by_name = {member.name: member for member in status.members}
    return [
        f"Defragment {name}: {by_name[name].size >> 20} MiB, of which {by_name[name].size_in_use >> 20} MiB hold data."
        for name in order
    ]


def _problems(status: EtcdStatus) -> tuple[Issue, ...]:
    where = f"{status.id.name} -n {status.id.namespace}"
    return tuple(
        Issue(
            member.name,
            member.trouble or "it has no vote yet",
            f"bring it back first: `k3k etcd status {where}`",
        )
        for member in status.members
        if not member.healthy
    )


def _warnings(status: EtcdStatus) -> tuple[Issue, ...]:
    if len(status.members) > 1:
        return ()
    problem = "it is the only member: the API does not answer while its database is written anew"
    return (Issue(status.members[0].name, problem, "choose a quiet time"),)


async def _compact(etcd: EtcdCluster, progress: Progress) -> None:
    client = await etcd.working()
    revision = (await client.status()).revision
    await client.compact(revision)
    progress(Step("compact", "done", f"forgot what was before revision {revision}"))


async def _defragment(
    etcd: EtcdCluster, order: Sequence[str], progress: Progress, timeout: float
) -> tuple[tuple[str, int, int], ...]:
    done: list[tuple[str, int, int]] = []
    for pod in order:
        client = await etcd.member(pod)
        before = (await client.status()).size
        progress(Step("defrag", "started", f"defragmenting {pod}", f"Pod/{pod}"))
        await client.defragment(timeout=timeout)
        after = await _back(etcd, pod)
        done.append((pod, before, after))
        progress(Step("defrag", "done", f"{pod}: {before >> 10} KiB, now {after >> 10} KiB", f"Pod/{pod}"))
    return tuple(done)


async def _back(etcd: EtcdCluster, pod: str) -> int:
    """Wait until a member works again, and return the size of its database."""
    deadline = time.monotonic() + _BACK
    while True:
        answer = await etcd.ask(pod)
        if answer.healthy and answer.status is not None:
            return answer.status.size
        if time.monotonic() > deadline:
            reason = answer.trouble or "it knows no leader"
            raise NotReadyError(
                f"etcd member {pod} did not come back after its defragmentation: {reason}",
                hint=f"The others were left alone; `k3k etcd status {etcd.id.name} -n {etcd.id.namespace}` shows them.",
            )
        await asyncio.sleep(_PAUSE)


async def _disarm(etcd: EtcdCluster, view: View, progress: Progress) -> tuple[str, ...]:
    client = await etcd.working()
    names = {each.status.id: each.pod for each in view.answers if each.status}
    disarmed: list[str] = []
    for alarm in await client.alarms():
        await client.disarm(alarm)
        name = names.get(alarm.member, f"{alarm.member:x}")
        disarmed.append(name)
        progress(Step("disarm", "done", f"ended alarm {alarm.kind} of {name}", f"Pod/{name}"))
    return tuple(disarmed)
