"""Restarting the servers of a control plane, one after the other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from k3k_core.concurrency import together
from k3k_core.discovery.control_plane import parse_time
from k3k_core.errors import Issue
from k3k_core.host import HostApi
from k3k_core.lifecycle.existing import find_root, find_workload
from k3k_core.lifecycle.losses import ends_with_its_server
from k3k_core.lifecycle.operation import refuse_other_operation
from k3k_core.lifecycle.pause import refuse_paused
from k3k_core.lifecycle.plan import Plan
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.rollout import Rollout, servers_of, wait_for_rollout
from k3k_core.names import ControlPlaneId
from k3k_core.resources import STATEFUL_SET

# What `kubectl rollout restart` writes; tools that know it show when it was.
ANNOTATION_RESTARTED = "kubectl.kubernetes.io/restartedAt"
# A restart that began this long ago and is not over is gone on with; an older one is begun anew.
_SAME_RESTART = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Restarted:
    """A control plane whose servers were started again.

    Attributes:
        id: the control plane.
        servers: how many servers it has.
        resumed: whether a restart that was under way was gone on with.
        ready: whether every server was seen ready.
        elapsed: seconds it took.
    """

    id: ControlPlaneId
    servers: int
    resumed: bool
    ready: bool
    elapsed: float


async def plan_restart(host: HostApi, identity: ControlPlaneId) -> Plan:
    """Tell what a restart would do; nothing is changed.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, is being deleted or paused, or another verb works on it.
    """
    root = await find_root(host, identity)
    refuse_other_operation(identity, root, "restart")
    refuse_paused(identity, root)
    workload, loses = await together(find_workload(host, identity), ends_with_its_server(host, identity))
    servers = int(workload["spec"].get("replicas", 1))
    names = [f"{identity.server}-{number}" for number in reversed(range(servers))]
    going_on = _under_way(workload, datetime.now(UTC))
    if servers == 1:
        step = f"Stop {names[0]} and start it again; the API does not answer meanwhile."
    else:
        step = f"Start {', then '.join(names)} again, each when the one before it is ready."
    loss = Issue(
        "persistence.enabled",
        "is false: what is stored is in the pod that is replaced, and is lost with it",
        "go on only if that does not matter",
    )
    return Plan(
        id=identity,
        verb="restart",
        summary="a restart is under way, going on with it" if going_on else "starts its servers again",
        steps=(step, "Wait until every server is ready."),
        warnings=(loss,) if loses else (),
        facts={"servers": servers, "resumes": going_on},
        loses_data=loses,
    )


async def restart(
    host: HostApi,
    identity: ControlPlaneId,
    progress: Progress = silent,
    *,
    wait: bool = True,
    timeout: float = 600.0,
) -> Restarted:
    """Start every server of a control plane again, each when the one before it is ready.

    Nothing of what is stored changes. Run again after an interruption, the same restart goes on.

    Args:
        host: an open host.
        identity: the control plane.
        progress: told about each step.
        wait: whether to wait until every server is ready.
        timeout: seconds for the whole restart.

    Raises:
        NotFoundError: it does not exist.
        ConflictError: it was made by Helm, or is being deleted.
        NotReadyError: the servers are not ready in time.
        K3kError: the host refuses or does not answer.
    """
    started = time.monotonic()
    root = await find_root(host, identity)
    refuse_other_operation(identity, root, "restart")
    refuse_paused(identity, root)
    workload = await find_workload(host, identity)
    now = datetime.now(UTC)
    before = await servers_of(host, identity)
    resumed = _under_way(workload, now)
    servers = int(workload["spec"].get("replicas", 1))
    name = f"StatefulSet/{identity.server}"
    if resumed:
        progress(Step("restart", "skipped", "a restart is under way, going on with it", name))
    else:
        # To the microsecond: two restarts within a second are two.
        stamp = {ANNOTATION_RESTARTED: now.isoformat(timespec="microseconds")}
        patch = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
        workload = await host.patch(STATEFUL_SET, identity.namespace, identity.server, patch)
        progress(Step("restart", "done", "told the servers to start again, one at a time", name))
    if wait:
        left = timeout - (time.monotonic() - started)
        rollout = Rollout(identity, identity.server, servers, before, "restart")
        await wait_for_rollout(host, rollout, timeout=left, progress=progress)
    return Restarted(identity, servers, resumed, wait, time.monotonic() - started)


def _under_way(workload: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether a restart was begun a short while ago and has not come to all servers yet."""
    annotations = workload["spec"]["template"].get("metadata", {}).get("annotations") or {}
    begun = parse_time(annotations.get(ANNOTATION_RESTARTED))
    if begun is None or not timedelta(0) <= now - begun <= _SAME_RESTART:
        return False
    status = workload.get("status", {})
    seen = int(status.get("observedGeneration", 0)) >= int(workload["metadata"].get("generation", 0))
    return not seen or status.get("currentRevision") != status.get("updateRevision")
