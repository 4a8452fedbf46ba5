"""Status of PodDisruptionBudgets: how many pods may be evicted now."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from k3k_core.resources import POD, POD_DISRUPTION_BUDGET, STATEFUL_SET, Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.objects import timestamp
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, Client, controller_of
from k3k_core.sandbox.controllers.kinds import REPLICA_SET
from k3k_core.sandbox.controllers.pods import condition, is_ready, is_terminating, matches, phase
from k3k_core.sandbox.controllers.runtime import Key

_OWNERS = {"StatefulSet": STATEFUL_SET, "ReplicaSet": REPLICA_SET}


class DisruptionController:
    """Counts healthy pods against budgets.

    Args:
        client: reads and writes.
    """

    watches: tuple[Resource, ...] = (POD_DISRUPTION_BUDGET, POD, STATEFUL_SET, REPLICA_SET)

    def __init__(self, client: Client) -> None:
        self._client = client
        self._store = client.store

    def keys(self, change: Change) -> Iterable[Key]:
        """The budget itself, or those of the namespace in which pods or their owners change."""
        meta = change.object["metadata"]
        if change.resource == POD_DISRUPTION_BUDGET:
            return ((meta["namespace"], meta["name"]),)
        return [
            (meta["namespace"], budget["metadata"]["name"])
            for budget in self._store.list(POD_DISRUPTION_BUDGET, meta["namespace"])
        ]

    def reconcile(self, key: Key) -> float | None:
        """Write the status of one budget."""
        budget = self._store.get(POD_DISRUPTION_BUDGET, key[0], key[1])
        if budget is None or is_terminating(budget):
            return None
        pods = [
            pod
            for pod in self._store.list(POD, key[0])
            if matches(budget["spec"].get("selector"), pod["metadata"].get("labels"))
            and phase(pod) not in {"Failed", "Succeeded"}
        ]
        expected = self._expected(pods)
        healthy = sum(is_ready(pod) and not is_terminating(pod) for pod in pods)
        desired = _desired(budget["spec"], expected)
        allowed = max(0, healthy - desired) if expected else 0
        self._client.set_status(
            POD_DISRUPTION_BUDGET,
            budget,
            {
                "observedGeneration": budget["metadata"].get("generation", 1),
                "disruptionsAllowed": allowed,
                "currentHealthy": healthy,
                "desiredHealthy": desired,
                "expectedPods": expected,
                "conditions": [self._condition(budget, allowed)],
            },
            manager=CONTROLLER_MANAGER,
        )
        return None

    def _expected(self, pods: list[dict[str, Any]]) -> int:
        """Pods of a controller count as its replicas, others as themselves."""
        expected = 0
        seen: set[str] = set()
        for pod in pods:
            reference = controller_of(pod)
            resource = _OWNERS.get(reference["kind"]) if reference else None
            if reference is None or resource is None:
                expected += 1
                continue
            if reference["uid"] in seen:
                continue
            seen.add(reference["uid"])
            owner = self._store.get(resource, pod["metadata"]["namespace"], reference["name"])
            expected += int((owner or {}).get("spec", {}).get("replicas", 1))
        return expected

    def _condition(self, budget: dict[str, Any], allowed: int) -> dict[str, Any]:
        status = "True" if allowed else "False"
        old = condition(budget, "DisruptionAllowed")
        same = old is not None and old["status"] == status
        return {
            "type": "DisruptionAllowed",
            "status": status,
            "observedGeneration": budget["metadata"].get("generation", 1),
            "lastTransitionTime": old["lastTransitionTime"] if same and old else timestamp(self._store.now()),
            "reason": "SufficientPods" if allowed else "InsufficientPods",
            "message": "",
        }


def _desired(spec: dict[str, Any], expected: int) -> int:
    if "minAvailable" in spec:
        return _share(spec["minAvailable"], expected)
    return max(0, expected - _share(spec.get("maxUnavailable", 1), expected))


def _share(value: Any, whole: int) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return math.ceil(int(value[:-1]) * whole / 100)
    return int(value)
