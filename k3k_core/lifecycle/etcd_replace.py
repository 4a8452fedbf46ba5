"""Replacing a member of a dedicated etcd whose volume is lost, without the cluster ever losing its quorum.

The others first forget the old member, then they take in a new one that has no vote; only then do its claim and pod go,
and when the new one has caught up, it gets its vote. Every step can be repeated: whatever dies half-way, the same
command goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from k3k_core.datastores.etcd_client import EtcdClient, by_name
from k3k_core.datastores.etcd_cluster import EtcdCluster, View, open_etcd
from k3k_core.datastores.etcd_messages import FAILED_PRECONDITION, UNAVAILABLE, EtcdError, Member
from k3k_core.errors import (
    ConflictError,
    Issue,
    K3kError,
    NotFoundError,
    NotReadyError,
    UnreachableError,
    UsageError,
)
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import stored_values
from k3k_core.lifecycle.etcd_state import let_join
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.operation import (
    Operation,
    advance,
    begin,
    finish,
    operation_of,
    refuse_other_operation,
)
from k3k_core.lifecycle.pause import refuse_paused
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.readiness import trouble_of
from k3k_core.names import ControlPlaneId
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, POD, Resource

T = TypeVar("T")

VERB = "etcd replace-member"
# Seconds between two looks at a member that is catching up.
_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class ReplaceRequest:
    """Which member is to be replaced.

    Attributes:
        id: the control plane.
        number: of the member: 0, 1 or 2, as at the end of its pod's name.
        timeout: seconds for all of it.
    """

    id: ControlPlaneId
    number: int
    timeout: float = 600.0

    @property
    def pod(self) -> str:
        """Name of the member's pod."""
        return f"{self.id.etcd}-{self.number}"

    @property
    def claim(self) -> str:
        """Name of the claim of its volume."""
        return f"data-{self.pod}"

    @property
    def command(self) -> str:
        """The command that goes on with it."""
        return f"{VERB} {self.id.name} {self.number} -n {self.id.namespace}"


@dataclass(frozen=True, slots=True)
class Replaced:
    """A member that took the place of another.

    Attributes:
        id: the control plane.
        member: name of its pod.
        number: its own number in etcd, which is another than before.
        resumed: whether a replacement that was under way was gone on with.
        elapsed: seconds it took.
    """

    id: ControlPlaneId
    member: str
    number: int
    resumed: bool
    elapsed: float


async def plan_replacement(host: HostApi, request: ReplaceRequest) -> Plan:
    """Return what a replacement would do, and whether it may.

    Args:
        host: an open host.
        request: which member.

    Raises:
        NotFoundError: the control plane does not exist, or has no etcd of its own.
        ConflictError: another verb is under way.
        UsageError: there is no such member.
    """
    root = await find_root(host, request.id)
    refuse_other_operation(request.id, root, VERB)
    refuse_paused(request.id, root)
    async with open_etcd(host, request.id) as etcd:
        if request.pod not in etcd.pods:
            raise UsageError(
                f"the etcd of {request.id} has no member {request.number}",
                hint=f"Its members are {', '.join(each.rpartition('-')[2] for each in etcd.pods)}.",
            )
        view = await etcd.look()
    resumes = _under_way(request, root) is not None
    stored = stored_values(root).values.persistence.enabled
    return _plan(request, view, resumes=resumes, persistent=stored)


async def replace_member(host: HostApi, request: ReplaceRequest, progress: Progress = silent) -> Replaced:
    """Replace a member by one that takes its data from the others, or finish a replacement that was stopped.

    Args:
        host: an open host.
        request: which member.
        progress: told about each step.

    Raises:
        NotFoundError: the control plane does not exist, or has no etcd of its own.
        ConflictError: it may not be done now, and nothing was changed.
        NotReadyError: the new member does not come up or catch up in time; the same command goes on.
        K3kError: the host or a member refuses or does not answer.
    """
    started = time.monotonic()
    plan = await plan_replacement(host, request)
    plan.refuse()
    root = await find_root(host, request.id)
    resumed = _under_way(request, root) is not None
    facts = await _facts(host, request)
    operation, _ = await begin(host, request.id, Operation(VERB, "remove", facts, request.command))
    _see_same(request, operation)
    async with open_etcd(host, request.id) as etcd:
        work = _Work(host, request, etcd, progress, started + request.timeout)
        if operation.phase == "remove":
            await work.remove(operation)
            operation = await advance(host, request.id, operation, "add")
        if operation.phase == "add":
            await work.add()
            operation = await advance(host, request.id, operation, "restart")
        if operation.phase == "restart":
            await work.restart(operation)
            operation = await advance(host, request.id, operation, "join")
        number = await work.join()
    await let_join(host, request.id, frozenset())
    await finish(host, request.id)
    return Replaced(request.id, request.pod, number, resumed, time.monotonic() - started)


def _plan(request: ReplaceRequest, view: View, *, resumes: bool, persistent: bool) -> Plan:
    others = [answer for answer in view.answers if answer.pod != request.pod]
    healthy = [answer.pod for answer in others if answer.healthy]
    target = next(answer for answer in view.answers if answer.pod == request.pod)
    where = f"{request.id.name} -n {request.id.namespace}"
    problems: list[Issue] = []
    if not others:
        problem = f"{request.pod} is the only member: there is nobody to take its data from"
        problems.append(Issue("member", problem, f"go back to a backup with `k3k backup restore {where}`"))
    elif len(healthy) < len(others):
        silent_ones = ", ".join(each.pod for each in others if not each.healthy)
        remedy = f"bring {silent_ones} back first; `k3k etcd status {where}` shows each member"
        problems.append(Issue("quorum", f"without {request.pod} the others could not agree", remedy))
    warnings = []
    if target.healthy and not resumes:
        problem = f"{request.pod} works: its data will be copied anew from the others"
        warnings.append(Issue("member", problem, "leave it alone unless its volume has to go"))
    volume = (
        f"PersistentVolumeClaim {request.claim} and Pod {request.pod}" if persistent else f"Pod {request.pod}"
    )
    return Plan(
        id=request.id,
        verb=VERB,
        summary=f"{'go on replacing' if resumes else 'replace'} etcd member {request.pod}",
        steps=(
            f"Remove {request.pod} from the cluster; {' and '.join(healthy)} go on.",
            "Add it anew as a learner, which has no vote.",
            f"Delete {volume}; they are made anew, empty.",
            "Wait until it has caught up with the leader, and give it its vote.",
        ),
        problems=tuple(problems),
        warnings=tuple(warnings),
        facts={"member": request.pod, "resumes": resumes},
    )


def _under_way(request: ReplaceRequest, root: Mapping[str, Any]) -> Operation | None:
    """Return the replacement that is under way, of this member."""
    current = operation_of(root)
    if current is not None:
        _see_same(request, current)
    return current


def _see_same(request: ReplaceRequest, operation: Operation) -> None:
    if operation.facts.get("member") != request.pod:
        raise ConflictError(
            f"{operation.facts.get('member')} of control plane {request.id} is being replaced; nothing was changed",
            hint=f"`k3k {operation.command}` goes on with it; one member at a time.",
        )


async def _facts(host: HostApi, request: ReplaceRequest) -> dict[str, str]:
    """Return what is there before anything is touched, so that nothing made anew is taken for it."""
    facts = {"member": request.pod, "old": "", "claim": "", "pod": ""}
    for key, resource, name in (("claim", PERSISTENT_VOLUME_CLAIM, request.claim), ("pod", POD, request.pod)):
        found = await _find(host, request.id, resource, name)
        if found is not None:
            facts[key] = str(found["metadata"]["uid"])
    async with open_etcd(host, request.id) as etcd:
        client = await etcd.working(but=request.pod)
        member = by_name(await client.members()).get(request.pod)
        facts["old"] = str(member.id) if member else ""
    return facts


async def _find(
    host: HostApi, identity: ControlPlaneId, resource: Resource, name: str
) -> dict[str, Any] | None:
    try:
        return await host.get(resource, identity.namespace, name)
    except NotFoundError:
        return None


class _Work:
    """The steps of one replacement.

    Args:
        host: an open host.
        request: which member.
        etcd: the cluster.
        progress: told about each step.
        deadline: by `time.monotonic`.
    """

    def __init__(
        self, host: HostApi, request: ReplaceRequest, etcd: EtcdCluster, progress: Progress, deadline: float
    ) -> None:
        self._host = host
        self._request = request
        self._etcd = etcd
        self._progress = progress
        self._deadline = deadline

    async def remove(self, operation: Operation) -> None:
        """Have the others forget the member that is lost."""
        pod = self._request.pod
        await let_join(self._host, self._request.id, frozenset((pod,)))
        old = operation.facts.get("old", "")

        async def forget(client: EtcdClient) -> bool:
            listed = {str(each.id) for each in await client.members()}
            if old in listed:
                await client.remove_member(int(old))
            return True

        await self._until_taken(forget)
        self._progress(Step("remove", "done", f"{pod} is no member any more", f"Pod/{pod}"))

    async def add(self) -> None:
        """Take the member in anew, without a vote."""
        pod = self._request.pod

        async def take_in(client: EtcdClient) -> bool:
            if pod not in by_name(await client.members()):
                await client.add_member(self._etcd.peer_urls[pod], learner=True)
            return True

        await self._until_taken(take_in)
        self._progress(Step("add", "done", f"{pod} is a learner now", f"Pod/{pod}"))

    async def restart(self, operation: Operation) -> None:
        """Have claim and pod made anew, unless they are new already."""
        request, namespace = self._request, self._request.id.namespace
        claim = await _find(self._host, request.id, PERSISTENT_VOLUME_CLAIM, request.claim)
        pod = await _find(self._host, request.id, POD, request.pod)
        old_claim = claim is not None and claim["metadata"]["uid"] == operation.facts.get("claim")
        if claim is not None and old_claim:
            uid = claim["metadata"]["uid"]
            await self._host.delete(PERSISTENT_VOLUME_CLAIM, namespace, request.claim, uid=uid)
            name = f"PersistentVolumeClaim/{request.claim}"
            self._progress(Step("volume", "done", f"deleted {request.claim}", name))
        # A pod that uses a claim which is going is an old one, whatever its uid.
        old_pod = pod is not None and (old_claim or pod["metadata"]["uid"] == operation.facts.get("pod"))
        if pod is not None and old_pod:
            await self._host.delete(POD, namespace, request.pod, uid=pod["metadata"]["uid"])
            self._progress(Step("pod", "done", f"deleted {request.pod}", f"Pod/{request.pod}"))

    async def join(self) -> int:
        """Wait until the new member has caught up, give it its vote, and return its number."""
        pod = self._request.pod
        self._progress(Step("join", "started", f"waiting for {pod} to catch up", f"Pod/{pod}"))
        number = await self._until_taken(self._promoted)
        while not (await self._etcd.ask(pod)).healthy:
            await self._pause(None)
        self._progress(Step("join", "done", f"{pod} has caught up and votes", f"Pod/{pod}"))
        return number

    async def _promoted(self, client: EtcdClient) -> int | None:
        member: Member | None = by_name(await client.members()).get(self._request.pod)
        if member is None:
            raise ConflictError(
                f"{self._request.pod} was removed from the cluster by somebody else",
                hint=f"`k3k {self._request.command}` begins anew once `k3k etcd status` shows that nobody works on it.",
            )
        if member.learner and member.started:
            await client.promote_member(member.id)
        return member.id if member.started and not member.learner else None

    async def _until_taken(self, ask: Callable[[EtcdClient], Awaitable[T | None]]) -> T:
        """Ask a healthy member again and again until it has an answer.

        A cluster whose members have just come or gone refuses changes for some seconds.
        """
        last: K3kError | None = None
        while True:
            try:
                client = await self._etcd.working(but=self._request.pod)
                if (answer := await ask(client)) is not None:
                    return answer
            except EtcdError as error:
                if error.code not in {UNAVAILABLE, FAILED_PRECONDITION}:
                    raise
                last = error
            except (NotReadyError, UnreachableError) as error:
                # Electing a leader takes a moment, e.g. when it was the one that went; what was asked for may have
                # been done all the same, which the next look shows.
                last = error
            await self._pause(last)

    async def _pause(self, last: K3kError | None) -> None:
        if time.monotonic() + _PAUSE < self._deadline:
            await asyncio.sleep(_PAUSE)
            return
        pod = await _find(self._host, self._request.id, POD, self._request.pod)
        trouble = trouble_of(pod) if pod is not None else "its pod does not exist"
        reason = trouble or (last.message if last is not None else "it is still catching up")
        raise NotReadyError(
            f"etcd member {self._request.pod} was not ready in time: {reason}",
            hint=f"`k3k {self._request.command}` goes on with it.",
        )
