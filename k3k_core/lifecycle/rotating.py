"""What all rotations share: when they may begin, and starting servers and etcd members again one at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k3k_core.errors import Issue, K3kError
from k3k_core.host import HostApi
from k3k_core.lifecycle.applying import apply_servers
from k3k_core.lifecycle.operation import operation_of, refuse_other_operation
from k3k_core.lifecycle.pause import paused_problem
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.restart import ANNOTATION_RESTARTED
from k3k_core.lifecycle.rollout import Rollout, servers_of, wait_for_rollout
from k3k_core.lifecycle.standing_blueprint import stand_of
from k3k_core.lifecycle.supervisor import basic, open_supervisor
from k3k_core.manifests import Blueprint
from k3k_core.names import ControlPlaneId
from k3k_core.resources import STATEFUL_SET


@dataclass(frozen=True, slots=True)
class RotationStart:
    """A control plane as a rotation finds it.

    Attributes:
        root: its root Secret.
        blueprint: what it is made from.
        problems: why no rotation may begin now.
        loses_data: whether what it stores goes with its server.
        resumes: whether a rotation of the same verb is under way.
    """

    root: Mapping[str, Any]
    blueprint: Blueprint
    problems: tuple[Issue, ...]
    loses_data: bool
    resumes: bool


@dataclass(frozen=True, slots=True)
class Rotated:
    """A control plane whose credentials were exchanged.

    Attributes:
        id: the control plane.
        what: what was exchanged, in words.
        changed: whether anything was.
        elapsed: seconds it took.
        advice: what is left for people to do, one sentence each.
    """

    id: ControlPlaneId
    what: tuple[str, ...]
    changed: bool
    elapsed: float
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clock:
    """How long a verb may still take.

    Attributes:
        started: on the clock of `time.monotonic`.
        timeout: seconds for the whole verb.
    """

    started: float
    timeout: float

    def left(self) -> float:
        """Return the seconds that are left, at least one."""
        return max(self.timeout - self.elapsed(), 1.0)

    def elapsed(self) -> float:
        """Return the seconds that have passed."""
        return time.monotonic() - self.started


async def look_at(
    host: HostApi, identity: ControlPlaneId, verb: str, *, tells_k3s: bool = True
) -> RotationStart:
    """Read what a rotation depends on, and why it may not begin.

    Args:
        host: an open host.
        identity: the control plane.
        verb: the verb, as in its operation.
        tells_k3s: whether k3s itself has to be told of something.

    Raises:
        NotFoundError: the control plane does not exist.
        ConflictError: it is not ours to change, or another operation is under way.
    """
    standing, blueprint = await stand_of(host, identity)
    root, servers, values = standing.root, standing.servers, blueprint.values
    refuse_other_operation(identity, root, verb)
    resumes = operation_of(root) is not None
    problems: list[Issue] = []
    if paused := paused_problem(identity, root):
        problems.append(paused)
    else:
        unready = [server.name for server in servers if not server.ready]
        missing = values.servers - len(servers)
        if not resumes and (unready or missing > 0):
            problems.append(_unready(identity, unready, missing))
        elif tells_k3s and not resumes and (refused := await refused_by_k3s(host, blueprint)):
            problems.append(refused)
    loses = values.datastore.kind == "sqlite" and not values.persistence.enabled
    return RotationStart(root, blueprint, tuple(problems), loses, resumes)


async def restart_servers(
    host: HostApi, blueprint: Blueprint, verb: str, clock: Clock, progress: Progress
) -> None:
    """Apply the servers, and wait until every one runs with it; nothing happens to those that do already.

    Args:
        host: an open host.
        blueprint: the control plane as it is to be.
        verb: the verb, for messages.
        clock: how long it may take.
        progress: told about each server.

    Raises:
        NotReadyError: they are not ready in time.
    """
    identity, servers = blueprint.id, blueprint.values.servers
    before = await servers_of(host, identity)
    await apply_servers(host, blueprint, [], silent, force=False)
    progress(Step("restart", "started", _one_by_one("server", servers), f"StatefulSet/{identity.server}"))
    rollout = Rollout(identity, identity.server, servers, before, verb)
    await wait_for_rollout(host, rollout, timeout=clock.left(), progress=progress)
    progress(Step("restart", "done", f"{servers} of {servers} servers are ready"))


async def restart_anew(
    host: HostApi,
    identity: ControlPlaneId,
    workload: str,
    stamp: str,
    verb: str,
    clock: Clock,
    progress: Progress,
) -> None:
    """Start the pods of a StatefulSet again, one at a time; with the same stamp it is the same restart.

    Args:
        host: an open host.
        identity: the control plane.
        workload: name of the StatefulSet.
        stamp: what makes this restart another than those before, e.g. the time it was decided.
        verb: the verb, for messages.
        clock: how long it may take.
        progress: told about each pod.

    Raises:
        NotReadyError: they are not ready in time.
    """
    before = await servers_of(host, identity)
    patch = {"spec": {"template": {"metadata": {"annotations": {ANNOTATION_RESTARTED: stamp}}}}}
    stored = await host.patch(STATEFUL_SET, identity.namespace, workload, patch)
    pods = int(stored["spec"].get("replicas", 1))
    progress(Step("restart", "started", _one_by_one("pod", pods), f"StatefulSet/{workload}"))
    rollout = Rollout(identity, workload, pods, before, verb)
    await wait_for_rollout(host, rollout, timeout=clock.left(), progress=progress)
    progress(Step("restart", "done", f"{pods} of {pods} pods of {workload} are ready"))


async def refused_by_k3s(host: HostApi, blueprint: Blueprint) -> Issue | None:
    """Return why k3s could not be told of other tokens or authorities; None when it can.

    Asked before anything is changed: a server token that k3s does not know would stop a rotation half-way.

    Args:
        host: an open host.
        blueprint: the control plane.
    """
    try:
        async with open_supervisor(
            host, blueprint.id, authority_pem=blueprint.pki.server_ca.cert_pem
        ) as supervisor:
            known = basic("server", blueprint.tokens.server)
            reply = await supervisor.ask("GET", "/v1-k3s/encrypt/status", authorization=known)
    except K3kError as error:
        return Issue("", error.message, error.hint)
    if reply.refused or reply.status == 404:
        problem = f"server {supervisor.pod} does not take its own server token (status {reply.status})"
        where = f"{blueprint.id.name} -n {blueprint.id.namespace}"
        return Issue("", problem, f"`k3k doctor {where}` looks for the reason")
    return None


def restart_step(blueprint: Blueprint) -> str:
    """Return the sentence of a plan that tells of the restart of the servers."""
    servers = blueprint.values.servers
    if servers == 1:
        return "Start the server again; the API does not answer meanwhile."
    return f"Start the {servers} servers again, each when the one before it is ready."


def _one_by_one(noun: str, number: int) -> str:
    if number == 1:
        return f"starting the {noun} again"
    return f"starting {number} {noun}s again, each when the one before it is ready"


def _unready(identity: ControlPlaneId, unready: list[str], missing: int) -> Issue:
    names = f": {', '.join(unready)}" if unready else ""
    count = len(unready) + max(missing, 0)
    return Issue(
        "",
        f"{count} of its servers {'is' if count == 1 else 'are'} not ready{names}",
        f"`k3k doctor {identity.name} -n {identity.namespace}` looks for the reason",
    )
