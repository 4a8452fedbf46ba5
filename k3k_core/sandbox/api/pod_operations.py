"""Binding a pod to a node, and evicting it where its disruption budgets allow."""

from __future__ import annotations

from typing import Any

from k3k_core.resources import POD, POD_DISRUPTION_BUDGET
from k3k_core.sandbox.api import deletion
from k3k_core.sandbox.api.objects import clone, timestamp
from k3k_core.sandbox.api.operations import Operations
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.selectors import matches_selector
from k3k_core.sandbox.api.statuses import ApiError, required, status
from k3k_core.sandbox.api.statuses import invalid as invalid_status
from k3k_core.sandbox.api.writes import Options

Json = dict[str, Any]

_CREATED: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def bind(
    operations: Operations,
    definition: Definition,
    namespace: str | None,
    name: str,
    binding: Json,
    options: Options,
) -> Json:
    """Give a pod to the node that a Binding names.

    Raises:
        ApiError: 404; 409, it has a node already; 422, no node is named.
    """
    node = (binding.get("target") or {}).get("name")
    if not node:
        raise invalid_status("", "Binding", name, [required("target.name")])
    pod = operations.get(definition, namespace, name)
    taken = pod["spec"].get("nodeName")
    if taken:
        problem = f'pod {name} is already assigned to node "{taken}"'
        message = f'Operation cannot be fulfilled on pods/binding "{name}": {problem}'
        raise status(409, "Conflict", message, details={"name": name, "kind": "pods/binding"})
    if not options.dry_run:
        changed = clone(pod)
        changed["spec"]["nodeName"] = node
        conditions = changed.setdefault("status", {}).setdefault("conditions", [])
        conditions[:] = [item for item in conditions if item.get("type") != "PodScheduled"]
        conditions.append(
            {
                "type": "PodScheduled",
                "status": "True",
                "lastProbeTime": None,
                "lastTransitionTime": timestamp(operations.store.now()),
            }
        )
        operations.store.update(POD, changed)
    return dict(_CREATED)


def evict(
    operations: Operations,
    definition: Definition,
    namespace: str | None,
    name: str,
    options: deletion.DeleteOptions,
) -> Json:
    """Delete a pod unless a disruption budget forbids it.

    Raises:
        ApiError: 404; 429, a budget has no disruption left.
    """
    pod = operations.get(definition, namespace, name)
    if (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed", "Pending"}:
        _spend_budgets(operations, namespace, pod, dry_run=options.dry_run)
    deletion.delete(operations, definition, namespace, name, options)
    return dict(_CREATED)


def _spend_budgets(operations: Operations, namespace: str | None, pod: Json, *, dry_run: bool) -> None:
    store = operations.store
    labels = pod["metadata"].get("labels") or {}
    for budget in store.list(POD_DISRUPTION_BUDGET, namespace):
        selector = (budget.get("spec") or {}).get("selector")
        if selector is None or not matches_selector(selector, labels):
            continue
        current = budget.get("status") or {}
        if current.get("disruptionsAllowed", 0) <= 0:
            raise _exhausted(budget)
        if not dry_run:
            changed = clone(budget)
            changed["status"]["disruptionsAllowed"] -= 1
            store.update(POD_DISRUPTION_BUDGET, changed)


def _exhausted(budget: Json) -> ApiError:
    counts = budget.get("status") or {}
    text = (
        f"The disruption budget {budget['metadata']['name']} needs {counts.get('desiredHealthy', 0)} healthy pods "
        f"and has {counts.get('currentHealthy', 0)} currently"
    )
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    details = {"causes": [{"reason": "DisruptionBudget", "message": text}]}
    return status(429, "TooManyRequests", message, details=details)
