"""The status of a pod, put together from its containers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k3k_core.sandbox.controllers.pods import condition
from k3k_core.sandbox.node.containers import Container


def quality_of_service(spec: dict[str, Any]) -> str:
    """Return the QoS class: Guaranteed, Burstable or BestEffort."""
    containers = [*(spec.get("initContainers") or ()), *spec["containers"]]
    resources = [container.get("resources") or {} for container in containers]
    if not any(each.get("requests") or each.get("limits") for each in resources):
        return "BestEffort"

    def guaranteed(each: dict[str, Any]) -> bool:
        limits, requests = each.get("limits") or {}, each.get("requests") or {}
        return {"cpu", "memory"} <= set(limits) and all(
            requests.get(name, value) == value for name, value in limits.items()
        )

    return "Guaranteed" if all(guaranteed(each) for each in resources) else "Burstable"


def waiting_status(container: dict[str, Any], reason: str) -> dict[str, Any]:
    """Return the status of a container that was not begun."""
    return {
        "name": container["name"],
        "state": {"waiting": {"reason": reason}},
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "image": container.get("image", ""),
        "imageID": "",
        "started": False,
    }


def running_status(
    pod: dict[str, Any],
    *,
    addresses: tuple[str, str],
    init: Sequence[dict[str, Any]],
    containers: Sequence[Container],
    initialized: bool,
    now: str,
) -> dict[str, Any]:
    """Return the status of a pod that is on a node.

    Args:
        pod: the pod as stored.
        addresses: of the node and of the pod; the latter "" before it has one.
        init: statuses of the init containers.
        containers: the pod's containers.
        initialized: whether all init containers are done.
        now: time of the API, for conditions that change.
    """
    host, address = addresses
    begun = (
        container.running or container.last_state or container.state.get("terminated")
        for container in containers
    )
    running = all(begun) and initialized
    end = _end(init, containers)
    ready = running and all(container.ready for container in containers)
    unready = [container.name for container in containers if not container.ready]
    waits = "" if ready or end else f"containers with unready status: [{' '.join(unready)}]"
    unready_reason = (
        "" if ready else f"Pod{end}".replace("Succeeded", "Completed") if end else "ContainersNotReady"
    )
    pending_init = [status["name"] for status in init if "terminated" not in status["state"]]
    incomplete = f"containers with incomplete status: [{' '.join(pending_init)}]"
    conditions = [
        _condition(pod, "PodReadyToStartContainers", bool(address) and not end, now),
        _condition(
            pod,
            "Initialized",
            initialized,
            now,
            "PodCompleted" if end == "Succeeded" else "" if initialized else "ContainersNotInitialized",
            "" if initialized else incomplete,
        ),
        _condition(pod, "Ready", ready, now, unready_reason, waits),
        _condition(pod, "ContainersReady", ready, now, unready_reason, waits),
        _condition(pod, "PodScheduled", True, now),
    ]
    status: dict[str, Any] = {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": end or ("Running" if running else "Pending"),
        "conditions": conditions,
        "hostIP": host,
        "hostIPs": [{"ip": host}],
        "startTime": (pod.get("status") or {}).get("startTime", now),
        "containerStatuses": [container.status() for container in containers],
        "qosClass": quality_of_service(pod["spec"]),
    }
    if address:
        status["podIP"] = address
        status["podIPs"] = [{"ip": address}]
    if init:
        status["initContainerStatuses"] = list(init)
    return status


def _end(init: Sequence[dict[str, Any]], containers: Sequence[Container]) -> str:
    """Return the phase of a pod that is over; "" for one that is not."""
    if any(status["state"].get("terminated", {}).get("exitCode") for status in init):
        return "Failed"
    codes = [container.exit_code for container in containers]
    if any(code is None for code in codes):
        return ""
    return "Failed" if any(codes) else "Succeeded"


def _condition(
    pod: dict[str, Any], kind: str, value: bool, now: str, reason: str = "", message: str = ""
) -> dict[str, Any]:
    status = "True" if value else "False"
    old = condition(pod, kind)
    made: dict[str, Any] = {
        "type": kind,
        "observedGeneration": pod["metadata"].get("generation", 1),
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": old["lastTransitionTime"]
        if old is not None and old["status"] == status
        else now,
    }
    if reason:
        made["reason"] = reason
    if message:
        made["message"] = message
    return made
