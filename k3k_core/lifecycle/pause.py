"""Pausing a control plane: no pod of it runs, its data, its address and its credentials stay; and resuming it.

The root is marked first and cleared when the servers have been asked for again, so both can be repeated after whatever
stops them, and each can follow a half-done other.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from k3k_core.concurrency import together
from k3k_core.discovery.control_plane import format_time, parse_time
from k3k_core.errors import ConflictError, Issue, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import refuse_applied, stored_values
from k3k_core.lifecycle.existing import find_root, find_workload
from k3k_core.lifecycle.operation import refuse_other_operation
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.rollout import servers_of
from k3k_core.lifecycle.scaling import counted, scale, start_pods, stop_pods, wait_for_pods
from k3k_core.names import (
    ANNOTATION_PAUSED_AT,
    ANNOTATION_RESUMED_AT,
    COMPONENT_AGENT,
    COMPONENT_ETCD,
    COMPONENT_SERVER,
    LABEL_COMPONENT,
    LABEL_CONTROL_PLANE,
    ControlPlaneId,
)
from k3k_core.resources import CONFIG_MAP, PERSISTENT_VOLUME_CLAIM, POD, SECRET, STATEFUL_SET
from k3k_core.values import Values

_SLEEPING = frozenset({COMPONENT_SERVER, COMPONENT_ETCD, COMPONENT_AGENT})


@dataclass(frozen=True, slots=True)
class PauseRequest:
    """What to pause.

    Attributes:
        id: the control plane.
        lose_data: go on where what is stored is on no volume and is lost with the pods.
        timeout: seconds to wait until no pod is left.
    """

    id: ControlPlaneId
    lose_data: bool = False
    timeout: float = 180.0


@dataclass(frozen=True, slots=True)
class Paused:
    """A control plane of which no pod runs.

    Attributes:
        id: the control plane.
        since: when it was paused (UTC).
        servers: how many servers a resume brings back.
        changed: whether it was not paused before.
        elapsed: seconds it took.
    """

    id: ControlPlaneId
    since: datetime
    servers: int
    changed: bool
    elapsed: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """A control plane that runs again.

    Attributes:
        id: the control plane.
        servers: how many servers it has.
        changed: whether it was paused before.
        ready: whether every server was seen ready.
        elapsed: seconds it took.
    """

    id: ControlPlaneId
    servers: int
    changed: bool
    ready: bool
    elapsed: float


def paused_at(root: Mapping[str, Any]) -> datetime | None:
    """Return since when a control plane is paused, or is being paused; None when it is not.

    Args:
        root: its root Secret.
    """
    return parse_time((root["metadata"].get("annotations") or {}).get(ANNOTATION_PAUSED_AT))


def paused_problem(identity: ControlPlaneId, root: Mapping[str, Any]) -> Issue | None:
    """Return why a verb that needs servers cannot be done to a paused control plane; None when it is not paused.

    Args:
        identity: the control plane.
        root: its root Secret.
    """
    if paused_at(root) is None:
        return None
    return Issue("", "it is paused", f"`k3k resume {identity.name} -n {identity.namespace}` first")


def refuse_paused(identity: ControlPlaneId, root: Mapping[str, Any]) -> None:
    """See that a control plane is not paused.

    Args:
        identity: the control plane.
        root: its root Secret.

    Raises:
        ConflictError: it is.
    """
    if paused_at(root) is not None:
        raise ConflictError(
            f"control plane {identity} is paused; nothing was changed",
            hint=f"`k3k resume {identity.name} -n {identity.namespace}` brings its servers back.",
        )


async def plan_pause(host: HostApi, identity: ControlPlaneId) -> Plan:
    """Say what a pause would do; nothing is changed.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, applied by others, is being deleted, or another verb is under way.
    """
    standing = await _look(host, identity, "pause")
    already = standing.since is not None and standing.rests
    steps = () if already else _pause_steps(standing.values)
    warnings = []
    if standing.loses and not already:
        warnings.append(Issue("", f"what {identity} stores is on no volume: it is lost with its pods", ""))
    summary = "it is paused already" if already else "no pod of it will run until it is resumed"
    return Plan(
        id=identity,
        verb="pause",
        summary=summary,
        steps=steps,
        warnings=tuple(warnings),
        facts={"servers": standing.values.servers},
        loses_data=standing.loses and not already,
    )


async def pause(host: HostApi, request: PauseRequest, progress: Progress = silent) -> Paused:
    """Take every pod of a control plane away and keep all else.

    Run again after an interruption, it goes on.

    Args:
        host: an open host.
        request: what to pause.
        progress: told about each step.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, applied by others, is being deleted, another verb is under way, or its data
            would be lost.
        NotReadyError: a pod is still there when time is up.
        K3kError: the host refuses or does not answer.
    """
    started = time.monotonic()
    identity = request.id
    standing = await _look(host, identity, "pause")
    if standing.loses and standing.since is None and not request.lose_data:
        raise ConflictError(
            f"what control plane {identity} stores is on no volume and would be lost with its pods; "
            "nothing was changed",
            hint=f"`k3k pause {identity.name} -n {identity.namespace}`, by itself, asks whether that may be.",
        )
    since = standing.since or datetime.now(UTC).replace(microsecond=0)
    if standing.since is None:
        await _annotate(
            host, identity, {ANNOTATION_PAUSED_AT: format_time(since), ANNOTATION_RESUMED_AT: None}
        )
        progress(Step("mark", "done", "noted that it is paused", f"Secret/{identity.root}"))

    def left() -> float:
        return max(request.timeout - (time.monotonic() - started), 1.0)

    await stop_pods(host, identity, COMPONENT_AGENT, timeout=left(), progress=progress)
    await stop_pods(host, identity, COMPONENT_SERVER, timeout=left(), progress=progress)
    if standing.values.datastore.kind == "etcd":
        await stop_pods(host, identity, COMPONENT_ETCD, timeout=left(), progress=progress)
        if standing.loses:
            # Its members have nothing to come back to: they form a cluster anew.
            await host.delete(CONFIG_MAP, identity.namespace, identity.etcd)
    return Paused(
        identity, since, standing.values.servers, standing.since is None, time.monotonic() - started
    )


async def plan_resume(host: HostApi, identity: ControlPlaneId) -> Plan:
    """Say what a resume would do; nothing is changed.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, applied by others, is being deleted, or another verb is under way.
    """
    standing = await _look(host, identity, "resume")
    running = standing.since is None and not standing.scaled_to_zero
    return Plan(
        id=identity,
        verb="resume",
        summary="it is not paused" if running else "its pods will run again",
        steps=() if running else _resume_steps(standing.values),
        facts={"servers": standing.values.servers},
    )


async def resume(
    host: HostApi,
    identity: ControlPlaneId,
    progress: Progress = silent,
    *,
    wait: bool = True,
    timeout: float = 600.0,
) -> Resumed:
    """Bring the pods of a paused control plane back, those of its datastore first.

    Run again after an interruption, it goes on; of one that runs it only waits until it is ready.

    Args:
        host: an open host.
        identity: the control plane.
        progress: told about each step.
        wait: whether to wait until every server is ready.
        timeout: seconds for all of it.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, applied by others, is being deleted, or another verb is under way.
        NotReadyError: not everything is ready in time.
        K3kError: the host refuses or does not answer.
    """
    started = time.monotonic()

    def left() -> float:
        return max(timeout - (time.monotonic() - started), 1.0)

    standing = await _look(host, identity, "resume")
    values = standing.values
    if values.datastore.kind == "etcd":
        members = values.datastore.etcd.members
        if wait:
            await start_pods(host, identity, COMPONENT_ETCD, members, timeout=left(), progress=progress)
        else:
            await scale(host, identity, identity.etcd, members)
    before = await servers_of(host, identity)
    await start_pods(
        host, identity, COMPONENT_SERVER, values.servers, wait=False, progress=silent if wait else progress
    )
    await _start_agents(host, identity, values.agents.replicas)
    if standing.since is not None or standing.scaled_to_zero:
        now = format_time(datetime.now(UTC))
        await _annotate(host, identity, {ANNOTATION_PAUSED_AT: None, ANNOTATION_RESUMED_AT: now})
    if wait:
        await wait_for_pods(
            host, identity, COMPONENT_SERVER, values.servers, before=before, timeout=left(), progress=progress
        )
    changed = standing.since is not None or standing.scaled_to_zero
    return Resumed(identity, values.servers, changed, wait, time.monotonic() - started)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What a pause and a resume depend on.

    Attributes:
        values: its values.
        since: when it was marked as paused.
        scaled_to_zero: whether no servers are asked for.
        rests: whether nothing of it is asked for, and nothing runs any more.
        loses: whether its data end with its pods.
    """

    values: Values
    since: datetime | None
    scaled_to_zero: bool
    rests: bool
    loses: bool


async def _look(host: HostApi, identity: ControlPlaneId, verb: str) -> _Standing:
    root = await find_root(host, identity)
    refuse_applied(identity, root)
    refuse_other_operation(identity, root, verb)
    labels = f"{LABEL_CONTROL_PLANE}={identity.name}"
    servers, others, pods, volumes = await together(
        find_workload(host, identity),
        host.list(STATEFUL_SET, identity.namespace, labels=labels),
        host.list(POD, identity.namespace, labels=labels, metadata_only=True),
        host.list(PERSISTENT_VOLUME_CLAIM, identity.namespace, labels=labels, metadata_only=True),
    )
    values = stored_values(root).values
    sleeping = {identity.server, identity.etcd, identity.agent}
    asked = [_replicas(item) for item in others.items if item["metadata"]["name"] in sleeping]
    runs = [item for item in pods.items if _component(item) in _SLEEPING]
    return _Standing(
        values=values,
        since=paused_at(root),
        scaled_to_zero=_replicas(servers) == 0,
        rests=not any(asked) and not runs,
        loses=_loses_data(identity, values, [item["metadata"]["name"] for item in volumes.items]),
    )


def _replicas(workload: Mapping[str, Any]) -> int:
    return int(workload["spec"].get("replicas", 1))


def _component(pod: Mapping[str, Any]) -> str:
    return str((pod["metadata"].get("labels") or {}).get(LABEL_COMPONENT, ""))


def _loses_data(identity: ControlPlaneId, values: Values, volumes: Iterable[str]) -> bool:
    """Tell whether what is stored is in pods alone; an external datastore is somewhere else."""
    if values.datastore.kind == "external":
        return False
    # Others hold backups.
    data = [name for name in volumes if name.startswith(f"data-{identity.root}-")]
    return not (values.persistence.enabled and data)


async def _annotate(host: HostApi, identity: ControlPlaneId, annotations: Mapping[str, str | None]) -> None:
    patch = {"metadata": {"annotations": dict(annotations)}}
    await host.patch(SECRET, identity.namespace, identity.root, patch)


async def _start_agents(host: HostApi, identity: ControlPlaneId, replicas: int) -> None:
    if not replicas:
        return
    try:
        await scale(host, identity, identity.agent, replicas)
    except NotFoundError:
        # Asked for and not made yet: an upgrade that was stopped makes it when it goes on.
        return


def _pause_steps(values: Values) -> tuple[str, ...]:
    steps = ["note on its root that it is paused"]
    if values.agents.replicas:
        steps.append(f"take {counted(values.agents.replicas, COMPONENT_AGENT)} away")
    steps.append(f"take {counted(values.servers, COMPONENT_SERVER)} away: the API does not answer any more")
    if values.datastore.kind == "etcd":
        steps.append(f"take {counted(values.datastore.etcd.members, COMPONENT_ETCD)} away")
    return tuple(steps)


def _resume_steps(values: Values) -> tuple[str, ...]:
    steps = []
    if values.datastore.kind == "etcd":
        steps.append(
            f"start {counted(values.datastore.etcd.members, COMPONENT_ETCD)} and wait until they are ready"
        )
    steps.append(f"start {counted(values.servers, COMPONENT_SERVER)}")
    if values.agents.replicas:
        steps.append(f"start {counted(values.agents.replicas, COMPONENT_AGENT)}")
    steps.append("take the note off its root, and wait until it is ready")
    return tuple(steps)
