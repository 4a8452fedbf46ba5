"""The scheduler: gives every pod to a node it fits on, or says why there is none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, POD, Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.objects import timestamp
from k3k_core.sandbox.controllers.client import SCHEDULER, Client
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.kinds import NODE
from k3k_core.sandbox.controllers.pods import is_terminating, matches
from k3k_core.sandbox.controllers.runtime import Key
from k3k_core.sandbox.controllers.volumes import claims_of, is_bound

COMPONENT = "default-scheduler"


class Scheduler:
    """Binds pods to nodes.

    Args:
        client: reads and writes.
        events: for what is done.
    """

    watches: tuple[Resource, ...] = (POD, PERSISTENT_VOLUME_CLAIM, NODE)

    def __init__(self, client: Client, events: EventRecorder) -> None:
        self._client = client
        self._store = client.store
        self._events = events

    def keys(self, change: Change) -> Iterable[Key]:
        """The pod, or all that wait when claims or nodes change."""
        meta = change.object["metadata"]
        if change.resource == POD:
            return ((meta["namespace"], meta["name"]),) if change.type != "DELETED" else ()
        return [
            (pod["metadata"]["namespace"], pod["metadata"]["name"])
            for pod in self._store.list(POD, meta.get("namespace"))
            if not pod["spec"].get("nodeName")
        ]

    def reconcile(self, key: Key) -> float | None:
        """Place one pod."""
        pod = self._store.get(POD, key[0], key[1])
        if pod is None or pod["spec"].get("nodeName") or is_terminating(pod):
            return None
        nodes = self._store.list(NODE)
        problem = self._claims_problem(pod)
        fitting = [node for node in nodes if not problem and _why_not(pod, node) is None]
        if not fitting:
            self._refuse(pod, problem or _explain(pod, nodes), len(nodes))
            return None
        name = fitting[0]["metadata"]["name"]

        def bind(changed: dict[str, Any]) -> None:
            changed["spec"]["nodeName"] = name
            _set_scheduled(changed, {"status": "True"}, timestamp(self._store.now()))

        bound = self._client.change(POD, pod, bind, manager=SCHEDULER)
        self._events.normal(
            bound, "Scheduled", f"Successfully assigned {key[0]}/{key[1]} to {name}", component=COMPONENT
        )
        return None

    def _claims_problem(self, pod: dict[str, Any]) -> str:
        for name in claims_of(pod):
            claim = self._store.get(PERSISTENT_VOLUME_CLAIM, pod["metadata"]["namespace"], name)
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found.'
            if is_terminating(claim):
                return f'persistentvolumeclaim "{name}" is being deleted.'
            if not is_bound(claim):
                return "pod has unbound immediate PersistentVolumeClaims."
        return ""

    def _refuse(self, pod: dict[str, Any], problem: str, nodes: int) -> None:
        if not nodes:
            # Without nodes there is no scheduler either: the recorded API server ran without one.
            return
        message = f"0/{nodes} nodes are available: {problem}"

        def mark(changed: dict[str, Any]) -> None:
            entry = {"status": "False", "reason": "Unschedulable", "message": message}
            _set_scheduled(changed, entry, timestamp(self._store.now()))

        self._client.change(POD, pod, mark, manager=SCHEDULER, subresource="status")
        self._events.warning(pod, "FailedScheduling", message, component=COMPONENT)


def _set_scheduled(pod: dict[str, Any], entry: dict[str, Any], now: str) -> None:
    status = pod.setdefault("status", {})
    conditions = [each for each in status.get("conditions") or () if each["type"] != "PodScheduled"]
    old = next((each for each in status.get("conditions") or () if each["type"] == "PodScheduled"), None)
    since = old["lastTransitionTime"] if old is not None and old["status"] == entry["status"] else now
    made = {"type": "PodScheduled", "lastProbeTime": None, "lastTransitionTime": since, **entry}
    status["conditions"] = [*conditions, made]


def _why_not(pod: dict[str, Any], node: dict[str, Any]) -> str | None:
    labels = node["metadata"].get("labels") or {}
    wanted = pod["spec"].get("nodeSelector") or {}
    if wanted and not matches({"matchLabels": wanted}, labels):
        return "node(s) didn't match Pod's node affinity/selector"
    if node.get("spec", {}).get("unschedulable"):
        return "node(s) were unschedulable"
    for taint in node.get("spec", {}).get("taints") or ():
        if taint["effect"] != "PreferNoSchedule" and not _tolerates(pod, taint):
            return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    for name, amount in _requests(pod).items():
        limit = (node.get("status", {}).get("allocatable") or {}).get(name)
        if limit is not None and amount > quantity(limit):
            return f"Insufficient {name}"
    return None


def _explain(pod: dict[str, Any], nodes: list[dict[str, Any]]) -> str:
    counts: dict[str, int] = {}
    for node in nodes:
        reason = _why_not(pod, node)
        if reason:
            counts[reason] = counts.get(reason, 0) + 1
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items())) + "."


def _tolerates(pod: dict[str, Any], taint: dict[str, Any]) -> bool:
    for each in pod["spec"].get("tolerations") or ():
        if each.get("effect") not in {None, "", taint["effect"]}:
            continue
        if each.get("operator") == "Exists" and each.get("key") in {None, "", taint["key"]}:
            return True
        if each.get("key") == taint["key"] and each.get("value", "") == taint.get("value", ""):
            return True
    return False


def _requests(pod: dict[str, Any]) -> dict[str, float]:
    total: dict[str, float] = {}
    for container in pod["spec"]["containers"]:
        for name, amount in ((container.get("resources") or {}).get("requests") or {}).items():
            total[name] = total.get(name, 0.0) + quantity(amount)
    return total


_SUFFIXES = {
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
    "Pi": 2.0**50,
    "Ei": 2.0**60,
}


def quantity(text: Any) -> float:
    """Return the value of a Kubernetes quantity such as "500m" or "2Gi"; 0 when it is none."""
    value = str(text)
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if value.endswith(suffix):
            return float(value.removesuffix(suffix)) * _SUFFIXES[suffix]
    return float(value) if value.replace(".", "", 1).isdigit() else 0.0
