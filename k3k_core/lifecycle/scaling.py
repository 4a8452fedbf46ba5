"""Taking the pods of a control plane away for a while and bringing them back: volumes and addresses stay.

Every function here can be repeated: it looks at what there is and asks only for what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from k3k_core.errors import ConflictError, NotFoundError, NotReadyError
from k3k_core.host import HostApi, wait_for
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.rollout import Rollout, servers_of, wait_for_rollout
from k3k_core.names import (
    COMPONENT_AGENT,
    COMPONENT_ETCD,
    COMPONENT_SERVER,
    LABEL_COMPONENT,
    LABEL_CONTROL_PLANE,
    ControlPlaneId,
)
from k3k_core.resources import POD, STATEFUL_SET

_WORDS = {COMPONENT_SERVER: "server", COMPONENT_ETCD: "etcd member", COMPONENT_AGENT: "agent"}
# What starting them is called when it is told about.
_STARTS = {COMPONENT_SERVER: "start", COMPONENT_ETCD: "etcd", COMPONENT_AGENT: "agents"}


async def stop_pods(
    host: HostApi,
    identity: ControlPlaneId,
    component: str,
    *,
    timeout: float = 120.0,
    progress: Progress = silent,
) -> None:
    """Take every pod of a kind away and wait until none is left; agents need not run on the host at all.

    Without servers nothing writes to the datastore any more. The members of an etcd go after the servers.

    Args:
        host: an open host.
        identity: the control plane.
        component: one of the COMPONENT_ names.
        timeout: seconds.
        progress: told about it.

    Raises:
        NotFoundError: it has no servers, or no etcd.
        NotReadyError: a pod is still there when time is up.
        K3kError: the host refuses or does not answer.
    """
    started = time.monotonic()
    name, word = _workload(identity, component), _WORDS[component]
    if component == COMPONENT_AGENT:
        try:
            await host.get(STATEFUL_SET, identity.namespace, name)
        except NotFoundError:
            return
    progress(Step("stop", "started", f"taking the {word}s away", f"StatefulSet/{name}"))
    await scale(host, identity, name, 0)
    left = max(timeout - (time.monotonic() - started), 1.0)
    await _wait_until_gone(host, identity, component, timeout=left)
    progress(Step("stop", "done", f"no {word} runs any more", f"StatefulSet/{name}"))


async def start_pods(
    host: HostApi,
    identity: ControlPlaneId,
    component: str,
    number: int,
    *,
    wait: bool = True,
    timeout: float = 600.0,
    verb: str = "resume",
    progress: Progress = silent,
) -> None:
    """Bring the pods of a kind back.

    Args:
        host: an open host.
        identity: the control plane.
        component: one of the COMPONENT_ names.
        number: how many there are to be.
        wait: whether to wait until all are ready.
        timeout: seconds to wait.
        verb: the verb that goes on waiting when it is run again, for the message.
        progress: told about each.

    Raises:
        NotFoundError: it has none of them.
        NotReadyError: not all are ready in time.
        K3kError: the host refuses or does not answer.
    """
    before, name = await servers_of(host, identity), _workload(identity, component)
    await scale(host, identity, name, number)
    if wait:
        await wait_for_pods(
            host, identity, component, number, before=before, timeout=timeout, verb=verb, progress=progress
        )
    else:
        text = f"asked for {counted(number, component)}"
        progress(Step(_STARTS[component], "done", text, f"StatefulSet/{name}"))


async def wait_for_pods(
    host: HostApi,
    identity: ControlPlaneId,
    component: str,
    number: int,
    *,
    before: frozenset[str] = frozenset(),
    timeout: float = 600.0,
    verb: str = "resume",
    progress: Progress = silent,
) -> None:
    """Wait until the pods that were asked for are ready.

    Args:
        host: an open host.
        identity: the control plane.
        component: one of the COMPONENT_ names.
        number: how many were asked for.
        before: uids of the pods there were before; they are not told about.
        timeout: seconds to wait.
        verb: the verb that goes on waiting when it is run again, for the message.
        progress: told about each.

    Raises:
        NotReadyError: not all are ready in time.
        K3kError: the host refuses or does not answer.
    """
    step, name, count = _STARTS[component], _workload(identity, component), counted(number, component)
    progress(Step(step, "started", f"waiting for {count}", f"StatefulSet/{name}"))
    rollout = Rollout(identity, name, number, before, verb)
    await wait_for_rollout(host, rollout, timeout=timeout, progress=progress)
    progress(Step(step, "done", f"{count} ready", f"StatefulSet/{name}"))


async def scale(host: HostApi, identity: ControlPlaneId, workload: str, replicas: int) -> dict[str, Any]:
    """Give a StatefulSet a number of pods, unless it has it already, and return it.

    Args:
        host: an open host.
        identity: the control plane.
        workload: name of the StatefulSet.
        replicas: how many pods.

    Raises:
        NotFoundError: there is no such StatefulSet.
        ConflictError: it is being deleted.
    """
    current = await host.get(STATEFUL_SET, identity.namespace, workload)
    if "deletionTimestamp" in current["metadata"]:
        raise ConflictError(
            f"StatefulSet {identity.namespace}/{workload} is being deleted",
            hint="`k3k list` shows what there is.",
        )
    if int(current["spec"].get("replicas", 1)) == replicas:
        return current
    return await host.patch(STATEFUL_SET, identity.namespace, workload, {"spec": {"replicas": replicas}})


def counted(number: int, component: str) -> str:
    """Return a number of pods in words, e.g. "3 servers".

    Args:
        number: how many.
        component: one of the COMPONENT_ names.
    """
    return f"{number} {_WORDS[component]}{'' if number == 1 else 's'}"


def _workload(identity: ControlPlaneId, component: str) -> str:
    return {COMPONENT_ETCD: identity.etcd, COMPONENT_AGENT: identity.agent}.get(component, identity.server)


async def _wait_until_gone(
    host: HostApi, identity: ControlPlaneId, component: str, *, timeout: float
) -> None:
    remaining: list[str] = []

    def gone(pods: Mapping[str, dict[str, Any]]) -> bool | None:
        remaining[:] = [_pod(pod) for _, pod in sorted(pods.items())]
        return None if pods else True

    try:
        await wait_for(
            host,
            POD,
            identity.namespace,
            gone,
            labels=f"{LABEL_CONTROL_PLANE}={identity.name},{LABEL_COMPONENT}={component}",
            timeout=timeout,
            what=f"The end of the {_WORDS[component]}s of {identity}",
        )
    except NotReadyError as error:
        lines = "\n".join(f"  {line}" for line in remaining)
        raise NotReadyError(
            f"{error.message}\n{lines}",
            hint="A pod on a node that is lost stays until the node is back or removed; the same command, run again, "
            "goes on waiting.",
        ) from None


def _pod(pod: Mapping[str, Any]) -> str:
    node = pod.get("spec", {}).get("nodeName", "")
    going = "being deleted" if "deletionTimestamp" in pod["metadata"] else "not asked to end yet"
    return f"pod {pod['metadata']['name']}: {going}" + (f", on node {node}" if node else "")
