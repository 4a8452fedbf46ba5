"""The cells of pods."""

from __future__ import annotations

from typing import Any

from k3k_core.sandbox.api.cell_texts import NONE, Json, age, age_of, name_of

# Pods


def pod_cells(obj: Json, now: float) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    statuses = status.get("containerStatuses") or []
    ready = sum(1 for item in statuses if item.get("ready") and "running" in (item.get("state") or {}))
    gates = spec.get("readinessGates") or ()
    return [
        name_of(obj),
        f"{ready}/{len(spec.get('containers') or ())}",
        pod_reason(obj),
        _restarts(statuses, now),
        age_of(obj, now),
        status.get("podIP") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(gates, status) if gates else NONE,
    ]


def _gates(gates: Any, status: Json) -> str:
    conditions = {item["type"]: item.get("status") for item in status.get("conditions") or ()}
    passed = sum(1 for gate in gates if conditions.get(gate.get("conditionType")) == "True")
    return f"{passed}/{len(gates)}"


def _restarts(statuses: list[Json], now: float) -> str:
    count = sum(item.get("restartCount", 0) for item in statuses)
    ends = [
        (item.get("lastState") or {}).get("terminated", {}).get("finishedAt")
        for item in statuses
        if (item.get("lastState") or {}).get("terminated")
    ]
    times = [end for end in ends if end]
    if count and times:
        return f"{count} ({age(max(times), now)} ago)"
    return str(count)


def pod_reason(obj: Json) -> str:
    """Return the word kubectl shows for a pod's state."""
    status, meta = obj.get("status") or {}, obj["metadata"]
    reason = status.get("reason") or status.get("phase", "")
    for gate in obj["spec"].get("schedulingGates") or ():
        if gate:
            reason = "SchedulingGated"
    reason = _initializing(obj, status) or _container_reason(status, reason)
    if "deletionTimestamp" in meta and status.get("reason") == "NodeLost":
        return "Unknown"
    if "deletionTimestamp" in meta and status.get("phase") not in {"Failed", "Succeeded"}:
        return "Terminating"
    return str(reason)


def _initializing(obj: Json, status: Json) -> str:
    total = len(obj["spec"].get("initContainers") or ())
    for position, item in enumerate(status.get("initContainerStatuses") or ()):
        state = item.get("state") or {}
        ended = state.get("terminated")
        if ended is not None and ended.get("exitCode") == 0:
            continue
        if ended is not None:
            return f"Init:{ended.get('reason') or 'ExitCode:' + str(ended.get('exitCode'))}"
        waiting = (state.get("waiting") or {}).get("reason", "")
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{position}/{total}"
    return ""


def _container_reason(status: Json, reason: str) -> str:
    running = False
    for item in reversed(status.get("containerStatuses") or ()):
        state = item.get("state") or {}
        waiting, ended = (state.get("waiting") or {}).get("reason"), state.get("terminated")
        if waiting:
            reason = waiting
        elif ended is not None and ended.get("reason"):
            reason = ended["reason"]
        elif ended is not None:
            signal = ended.get("signal")
            reason = f"Signal:{signal}" if signal else f"ExitCode:{ended.get('exitCode', 0)}"
        elif item.get("ready") and "running" in state:
            running = True
    if reason == "Completed" and running:
        ready = any(
            item["type"] == "Ready" and item.get("status") == "True"
            for item in status.get("conditions") or ()
        )
        return "Running" if ready else "NotReady"
    return reason
