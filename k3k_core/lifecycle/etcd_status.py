"""How the members of a dedicated etcd are, and what should be done about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from k3k_core.concurrency import together
from k3k_core.datastores.etcd_client import by_name
from k3k_core.datastores.etcd_cluster import View, open_etcd
from k3k_core.errors import Issue
from k3k_core.host import HostApi
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.pause import paused_problem
from k3k_core.lifecycle.readiness import trouble_of
from k3k_core.manifests.etcd import GUARD
from k3k_core.names import COMPONENT_ETCD, LABEL_COMPONENT, LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import POD

# etcd's own default of --quota-backend-bytes, beyond which it takes no more writes.
QUOTA = 2 * 1024**3
# A database of which less than half holds data, and which is not small, is worth a defragmentation.
_WORTH_IT = 64 * 1024**2
_FULL = 0.8


@dataclass(frozen=True, slots=True)
class MemberState:
    """One member, as its pod, itself and the others show it.

    Attributes:
        name: of its pod.
        id: as etcd numbers it; 0 when the others do not list it.
        role: "leader", "follower", "learner", or "" when it does not answer.
        version: of etcd; empty when it does not answer.
        size: bytes of its database.
        size_in_use: bytes of them that hold data.
        revision: of its data.
        behind: entries it has yet to take from the leader.
        trouble: why it does not work, one sentence; empty when it does.
    """

    name: str
    id: int
    role: str
    version: str
    size: int
    size_in_use: int
    revision: int
    behind: int
    trouble: str

    @property
    def healthy(self) -> bool:
        """Whether it has a vote and works."""
        return not self.trouble and self.role in {"leader", "follower"}

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form."""
        return {
            "name": self.name,
            "id": f"{self.id:x}" if self.id else "",
            "role": self.role,
            "healthy": self.healthy,
            "version": self.version,
            "sizeBytes": self.size,
            "sizeInUseBytes": self.size_in_use,
            "revision": self.revision,
            "behind": self.behind,
            "trouble": self.trouble,
        }


@dataclass(frozen=True, slots=True)
class EtcdStatus:
    """A dedicated etcd as a whole.

    Attributes:
        id: the control plane.
        members: by name; one that is listed and has no pod is among them.
        quorum: how many members have to agree.
        alarms: name of a member and kind of its alarm.
        advice: what should be done, the most urgent first.
    """

    id: ControlPlaneId
    members: tuple[MemberState, ...]
    quorum: int
    alarms: tuple[tuple[str, str], ...]
    advice: tuple[Issue, ...]

    @property
    def healthy(self) -> int:
        """How many members work."""
        return sum(member.healthy for member in self.members)

    @property
    def has_quorum(self) -> bool:
        """Whether enough members work for anything to be written."""
        return self.healthy >= self.quorum

    @property
    def well(self) -> bool:
        """Whether all members work and none has raised an alarm."""
        return not self.alarms and all(member.healthy for member in self.members)

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form (`k3k etcd status -o json`)."""
        return {
            "namespace": self.id.namespace,
            "name": self.id.name,
            "healthy": self.healthy,
            "quorum": self.quorum,
            "hasQuorum": self.has_quorum,
            "members": [member.to_dict() for member in self.members],
            "alarms": [{"member": name, "alarm": kind} for name, kind in self.alarms],
            "advice": [
                {"path": each.path, "problem": each.problem, "remedy": each.remedy} for each in self.advice
            ],
        }


async def etcd_status(host: HostApi, identity: ControlPlaneId) -> EtcdStatus:
    """Ask every member of a dedicated etcd how it is.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it does not exist, or has no etcd of its own.
        K3kError: the host refuses or does not answer; a member that does not is part of the result.
    """
    root = await find_root(host, identity)
    async with open_etcd(host, identity) as etcd:
        view, pods = await together(etcd.look(), _pods(host, identity))
    found = describe(identity, view, pods)
    paused = paused_problem(identity, root)
    return found if paused is None else replace(found, advice=(paused,))


def describe(identity: ControlPlaneId, view: View, pods: Mapping[str, Mapping[str, Any]]) -> EtcdStatus:
    """Return what the members' answers mean.

    Args:
        identity: the control plane.
        view: what its members said.
        pods: their pods, by name.
    """
    members = tuple(_states(view, pods))
    names = {member.id: member.name for member in members if member.id}
    alarms = tuple((names.get(each.member, f"{each.member:x}"), each.kind) for each in view.alarms)
    found = EtcdStatus(identity, members, view.quorum, alarms, ())
    return replace(found, advice=tuple(_advice(found)))


async def _pods(host: HostApi, identity: ControlPlaneId) -> dict[str, dict[str, Any]]:
    labels = f"{LABEL_CONTROL_PLANE}={identity.name},{LABEL_COMPONENT}={COMPONENT_ETCD}"
    listing = await host.list(POD, identity.namespace, labels=labels)
    return {pod["metadata"]["name"]: pod for pod in listing.items}


def _states(view: View, pods: Mapping[str, Mapping[str, Any]]) -> Iterator[MemberState]:
    listed = by_name(view.members)
    newest = max((each.status.raft_index for each in view.answers if each.status), default=0)
    for answer in view.answers:
        member, status = listed.get(answer.pod), answer.status
        if status is None:
            yield _silent(answer.pod, member.id if member else 0, _why(pods.get(answer.pod), answer.trouble))
            continue
        trouble = "" if status.leader else "it knows no leader: too few members can be reached"
        if view.members and member is None:
            trouble = "the other members do not know it"
        yield MemberState(
            name=answer.pod,
            id=status.id,
            role="learner" if status.learner else "leader" if status.leads else "follower",
            version=status.version,
            size=status.size,
            size_in_use=status.size_in_use,
            revision=status.revision,
            behind=max(newest - status.raft_applied_index, 0),
            trouble=trouble,
        )
    asked = {answer.pod for answer in view.answers}
    for name, member in listed.items():
        if name not in asked:
            yield _silent(name, member.id, "it is a member, but no pod is to be it")


def _silent(name: str, number: int, trouble: str) -> MemberState:
    return MemberState(name, number, "", "", 0, 0, 0, 0, trouble)


def _why(pod: Mapping[str, Any] | None, trouble: str) -> str:
    """Return why a member is silent: what its pod tells is nearer to the cause than a failed connection."""
    if pod is None:
        return "its pod does not exist"
    if _refused_by_guard(pod):
        return "it has no data, though its cluster has formed: its volume was lost"
    conditions = pod.get("status", {}).get("conditions") or ()
    not_ready = any(each.get("type") == "Ready" and each.get("status") != "True" for each in conditions)
    return trouble_of(pod) or ("its pod is not ready" if not_ready else trouble.rstrip("."))


def _refused_by_guard(pod: Mapping[str, Any]) -> bool:
    for container in pod.get("status", {}).get("initContainerStatuses") or ():
        states = {**(container.get("lastState") or {}), **(container.get("state") or {})}
        refused = (states.get("terminated") or {}).get("exitCode", 0) != 0
        if container.get("name") == GUARD and refused:
            return True
    return False


def _advice(status: EtcdStatus) -> Iterator[Issue]:
    where = f"{status.id.name} -n {status.id.namespace}"
    if not status.has_quorum:
        yield Issue(
            "quorum",
            f"{status.healthy} of {len(status.members)} members work and {status.quorum} are needed: nothing can be "
            "read or written",
            f"bring their pods back, or go back to a backup with `k3k backup restore {where}`",
        )
    for name, kind in status.alarms:
        if kind == "NOSPACE":
            remedy = f"`k3k etcd disarm {where}` makes room and ends the alarm"
            yield Issue(name, "its database is full, and nothing is written any more", remedy)
        else:
            remedy = (
                f"`k3k etcd replace-member {where} NUMBER`, once you know which member is the odd one out"
            )
            yield Issue(name, f"alarm {kind}: its data differs from that of the others", remedy)
    for member in status.members:
        yield from _member_advice(status, member, where)


def _member_advice(status: EtcdStatus, member: MemberState, where: str) -> Iterator[Issue]:
    number = member.name.rpartition("-")[2]
    replacing = f"etcd replace-member {status.id.name} {number} -n {status.id.namespace}"
    if member.role == "learner":
        yield Issue(
            member.name,
            "it has no vote yet",
            f"`k3k {replacing}` goes on with what was begun",
        )
    elif member.trouble and status.has_quorum and len(status.members) > 1:
        yield Issue(
            member.name,
            member.trouble,
            f"if its volume is lost, `k3k {replacing}` replaces it",
        )
    if member.size > QUOTA * _FULL:
        yield Issue(
            member.name,
            f"its database has {member.size >> 20} MiB, and at {QUOTA >> 20} MiB nothing is written any more",
            f"`k3k etcd defrag {where}` frees {(member.size - member.size_in_use) >> 20} MiB",
        )
    elif member.size > _WORTH_IT and member.size_in_use * 2 < member.size:
        yield Issue(
            member.name,
            f"less than half of its database holds data ({member.size_in_use >> 20} of {member.size >> 20} MiB)",
            f"`k3k etcd defrag {where}` makes it smaller",
        )
