"""What controllers need to know about a pod."""

from __future__ import annotations

from typing import Any


def condition(obj: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """Return a condition of `status.conditions`, None when it is not there."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((entry for entry in conditions if entry["type"] == kind), None)


def is_true(obj: dict[str, Any], kind: str) -> bool:
    """Whether a condition is there and "True"."""
    found = condition(obj, kind)
    return found is not None and found["status"] == "True"


def phase(pod: dict[str, Any]) -> str:
    """Return `status.phase`, "" before the API gave it one."""
    return str((pod.get("status") or {}).get("phase", ""))


def is_terminating(obj: dict[str, Any]) -> bool:
    """Whether an object is being deleted."""
    return "deletionTimestamp" in obj["metadata"]


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether a pod runs and its readiness probes pass."""
    return phase(pod) == "Running" and is_true(pod, "Ready")


def matches(selector: dict[str, Any] | None, labels: dict[str, str] | None) -> bool:
    """Whether labels fit a LabelSelector; an absent selector fits nothing, an empty one everything.

    Args:
        selector: with `matchLabels` and `matchExpressions`.
        labels: of the object.
    """
    if selector is None:
        return False
    has = labels or {}
    if any(has.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_fits(expression, has) for expression in selector.get("matchExpressions") or ())


def _fits(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    operator = expression["operator"]
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    if operator == "In":
        return labels.get(key) in values
    return labels.get(key) not in values
