"""Waiting until the servers of a control plane are ready, and saying why when they are not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from k3k_core.errors import ConflictError, K3kError, NotReadyError
from k3k_core.host import HostApi, wait_for
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.names import LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import EVENT, POD, STATEFUL_SET

# Container states that do not mend themselves soon; others are ordinary steps of a start.
_TROUBLE = {
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
}

# The reason of events that tell why a StatefulSet gets no pod.
_REFUSED = "FailedCreate"


async def wait_until_ready(
    host: HostApi, identity: ControlPlaneId, *, servers: int, timeout: float, progress: Progress
) -> None:
    """Wait on watches until every server runs the newest specification and is ready.

    Args:
        host: an open host.
        identity: the control plane.
        servers: how many servers are wanted.
        timeout: seconds.
        progress: told about pods in trouble, once for each trouble.

    Raises:
        NotReadyError: not ready in time; the message names the pods and their trouble.
        ConflictError: the servers were deleted meanwhile.
    """
    name = identity.server

    def ready(objects: Mapping[str, dict[str, Any]]) -> bool | None:
        if name not in objects:
            raise ConflictError(
                f"StatefulSet {identity.namespace}/{name} was deleted while its servers were waited for",
                hint="Somebody else works on this control plane; `k3k list` shows what there is.",
            )
        return True if is_ready(objects[name], servers) else None

    watcher = asyncio.create_task(_tell_trouble(host, identity, timeout, progress))
    try:
        await wait_for(
            host,
            STATEFUL_SET,
            identity.namespace,
            ready,
            fields=f"metadata.name={name}",
            timeout=timeout,
            what=f"Control plane {identity}",
        )
    except NotReadyError as error:
        raise await explained(host, identity, error, verb="create") from None
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)


def is_ready(stateful_set: Mapping[str, Any], servers: int) -> bool:
    """Tell whether a StatefulSet runs its newest specification on enough ready pods."""
    status = stateful_set.get("status", {})
    seen = int(status.get("observedGeneration", 0)) >= int(stateful_set["metadata"].get("generation", 0))
    return (
        seen
        and int(status.get("readyReplicas", 0)) >= servers
        and int(status.get("updatedReplicas", 0)) >= servers
    )


def trouble_of(pod: Mapping[str, Any]) -> str:
    """Return what keeps a pod from starting, as "Reason: message"; empty when nothing does."""
    status = pod.get("status", {})
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"{condition.get('reason', 'Unschedulable')}: {condition.get('message', '')}".rstrip(": ")
    for container in (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ):
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _TROUBLE:
            last = (container.get("lastState") or {}).get("terminated") or {}
            exited = f" (last exit code {last['exitCode']})" if "exitCode" in last else ""
            return f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ") + exited
    return ""


async def _tell_trouble(host: HostApi, identity: ControlPlaneId, timeout: float, progress: Progress) -> None:
    told: set[tuple[str, str]] = set()

    def look(pods: Mapping[str, dict[str, Any]]) -> None:
        for name, pod in pods.items():
            trouble = trouble_of(pod)
            key = (name, trouble.partition(":")[0])
            if trouble and key not in told:
                told.add(key)
                progress(Step("ready", "warning", f"pod {name}: {trouble}", f"Pod/{name}"))

    # Only a companion of the real wait: what it cannot see, the real wait reports.
    try:
        await wait_for(
            host,
            POD,
            identity.namespace,
            look,
            labels=f"{LABEL_CONTROL_PLANE}={identity.name}",
            timeout=timeout,
            what="pods",
        )
    except K3kError:
        return


async def explained(
    host: HostApi, identity: ControlPlaneId, error: NotReadyError, *, verb: str
) -> NotReadyError:
    """Return the error of a wait that ran out with the state of each pod added to it.

    Args:
        host: an open host.
        identity: the control plane.
        error: what the wait ended with.
        verb: the verb that goes on waiting when it is run again.
    """
    try:
        pods = await host.list(POD, identity.namespace, labels=f"{LABEL_CONTROL_PLANE}={identity.name}")
    except K3kError:
        return error
    lines = [f"  pod {pod['metadata']['name']}: {trouble_of(pod) or _phase(pod)}" for pod in pods.items]
    refusals = await refused_pods(host, identity)
    if not lines and not refusals:
        lines = ["  no pod exists: does the host run its StatefulSet controller?"]
    detail = "\n".join([*lines, *refusals])
    hint = (
        f"Look at it with `k3k describe {identity.name} -n {identity.namespace}`; "
        f"the same {verb}, run again, goes on waiting."
    )
    return NotReadyError(f"{error.message}\n{detail}", hint=hint)


async def refused_pods(host: HostApi, identity: ControlPlaneId) -> list[str]:
    """Return why the host does not let pods be made, e.g. a ResourceQuota: only events tell that.

    Args:
        host: an open host.
        identity: the control plane.

    Returns:
        One indented line for each StatefulSet that lacks pods; none when this user may not read events.
    """
    try:
        events = await host.list(EVENT, identity.namespace, fields=f"reason={_REFUSED}")
    except K3kError:
        return []
    newest: dict[str, str] = {}
    for event in sorted(events.items, key=lambda each: str(each.get("lastTimestamp") or "")):
        about = event.get("involvedObject") or {}
        name = str(about.get("name", ""))
        ours = about.get("kind") == STATEFUL_SET.kind and name.startswith(f"{identity.root}-")
        if ours and event.get("reason") == _REFUSED:
            newest[name] = str(event.get("message", "")).strip()
    if not newest:
        return []
    try:
        sets = await host.list(
            STATEFUL_SET, identity.namespace, labels=f"{LABEL_CONTROL_PLANE}={identity.name}"
        )
    except K3kError:
        return []
    # What was refused once and made later is no news.
    lacking = {item["metadata"]["name"] for item in sets.items if _lacks_pods(item)}
    return [f"  StatefulSet {name}: {text}" for name, text in sorted(newest.items()) if name in lacking]


def _lacks_pods(stateful_set: Mapping[str, Any]) -> bool:
    wanted = int(stateful_set["spec"].get("replicas", 1))
    return int(stateful_set.get("status", {}).get("replicas") or 0) < wanted


def _phase(pod: Mapping[str, Any]) -> str:
    status = pod.get("status", {})
    conditions = {item.get("type"): item.get("status") for item in status.get("conditions") or ()}
    if conditions.get("Ready") == "True":
        return "ready"
    if status.get("phase") == "Running":
        return "running, but its readiness probe has not passed yet"
    return str(status.get("phase", "Unknown"))
