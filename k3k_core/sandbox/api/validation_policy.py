"""Validation of disruption budgets, RBAC objects and selectors in specs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from k3k_core.sandbox.api import names_check as names
from k3k_core.sandbox.api.event_versions import event_errors
from k3k_core.sandbox.api.statuses import (
    FieldError,
    forbidden_field,
    go_value,
    invalid_value,
    required,
    unsupported,
)

Json = dict[str, Any]

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def selector_errors(selector: Json, field: str) -> list[FieldError]:
    """Check a label selector of a spec."""
    errors: list[FieldError] = []
    for key, value in sorted((selector.get("matchLabels") or {}).items()):
        where = f"{field}.matchLabels"
        errors += [
            invalid_value(where, key, text) for text in names.label_key_problems(key, what="label key")
        ]
        errors += [invalid_value(where, value, text) for text in names.label_value_problems(value)]
    for position, item in enumerate(selector.get("matchExpressions") or ()):
        where = f"{field}.matchExpressions[{position}]"
        operator, values = item.get("operator"), item.get("values") or ()
        if operator in {"In", "NotIn"}:
            if not values:
                errors.append(
                    required(f"{where}.values", "must be specified when `operator` is 'In' or 'NotIn'")
                )
        elif operator in {"Exists", "DoesNotExist"}:
            if values:
                text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                errors.append(forbidden_field(f"{where}.values", text))
        else:
            errors.append(invalid_value(f"{where}.operator", operator, "not a valid selector operator"))
        key = item.get("key", "")
        errors += [
            invalid_value(f"{where}.key", key, text)
            for text in names.label_key_problems(key, what="label key")
        ]
    return errors


def _amount(value: Any, field: str) -> list[FieldError]:
    if isinstance(value, int):
        return [] if value >= 0 else [invalid_value(field, value, "must be greater than or equal to 0")]
    if not re.fullmatch(r"[0-9]+%", value):
        text = (
            "a valid percent string must be a numeric string followed by an ending '%' "
            "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
        )
        return [invalid_value(field, value, text)]
    return [] if int(value[:-1]) <= 100 else [invalid_value(field, value, "must not be greater than 100%")]


def _budget(obj: Json) -> list[FieldError]:
    spec = obj.get("spec") or {}
    errors: list[FieldError] = []
    low, high = spec.get("minAvailable"), spec.get("maxUnavailable")
    if low is not None and high is not None:
        selector = go_value(spec.get("selector"))
        eviction = go_value(spec.get("unhealthyPodEvictionPolicy"))
        shown = (
            f'{{"MinAvailable":{go_value(low)},"Selector":{selector},"MaxUnavailable":{go_value(high)},'
            f'"UnhealthyPodEvictionPolicy":{eviction}}}'
        )
        text = "minAvailable and maxUnavailable cannot be both set"
        errors.append(FieldError("spec", f"Invalid value: {shown}: {text}"))
    if low is not None:
        errors += _amount(low, "spec.minAvailable")
    if high is not None:
        errors += _amount(high, "spec.maxUnavailable")
    policy = spec.get("unhealthyPodEvictionPolicy")
    choices = ("AlwaysAllow", "IfHealthyBudget")
    if policy is not None and policy not in choices:
        errors.append(unsupported("spec.unhealthyPodEvictionPolicy", policy, choices))
    return errors + selector_errors(spec.get("selector") or {}, "spec.selector")


def _role(obj: Json) -> list[FieldError]:
    namespaced = obj["kind"] == "Role"
    errors: list[FieldError] = []
    for position, rule in enumerate(obj.get("rules") or ()):
        field = f"rules[{position}]"
        if not rule.get("verbs"):
            errors.append(required(f"{field}.verbs", "verbs must contain at least one value"))
        paths = rule.get("nonResourceURLs") or ()
        if paths:
            if namespaced:
                text = "namespaced rules cannot apply to non-resource URLs"
                errors.append(invalid_value(f"{field}.nonResourceURLs", list(paths), text))
            if any(rule.get(name) for name in ("apiGroups", "resources", "resourceNames")):
                text = "rules cannot apply to both regular resources and non-resource URLs"
                errors.append(invalid_value(f"{field}.nonResourceURLs", list(paths), text))
            continue
        if not rule.get("apiGroups"):
            text = "resource rules must supply at least one api group"
            errors.append(required(f"{field}.apiGroups", text))
        if not rule.get("resources"):
            errors.append(required(f"{field}.resources", "resource rules must supply at least one resource"))
    return errors


def _binding(obj: Json) -> list[FieldError]:
    reference = obj.get("roleRef") or {}
    errors: list[FieldError] = []
    if reference.get("apiGroup") != "rbac.authorization.k8s.io":
        errors.append(
            unsupported("roleRef.apiGroup", reference.get("apiGroup"), ("rbac.authorization.k8s.io",))
        )
    kinds = ("Role", "ClusterRole") if obj["kind"] == "RoleBinding" else ("ClusterRole",)
    if reference.get("kind") not in kinds:
        errors.append(unsupported("roleRef.kind", reference.get("kind", ""), kinds))
    if not reference.get("name"):
        errors.append(required("roleRef.name"))
    for position, subject in enumerate(obj.get("subjects") or ()):
        errors += _subject(subject, f"subjects[{position}]", namespaced=obj["kind"] == "RoleBinding")
    return errors


def _subject(subject: Json, field: str, *, namespaced: bool) -> list[FieldError]:
    errors: list[FieldError] = []
    if not subject.get("name"):
        errors.append(required(f"{field}.name"))
    kind = subject.get("kind")
    if kind == "ServiceAccount":
        name = subject.get("name", "")
        if name:
            errors += [invalid_value(f"{field}.name", name, text) for text in names.subdomain_problems(name)]
        if not namespaced and not subject.get("namespace"):
            errors.append(required(f"{field}.namespace"))
        if subject.get("apiGroup"):
            errors.append(unsupported(f"{field}.apiGroup", subject["apiGroup"], ("",)))
    elif kind in {"User", "Group"}:
        if subject.get("apiGroup") != "rbac.authorization.k8s.io":
            errors.append(
                unsupported(f"{field}.apiGroup", subject.get("apiGroup"), ("rbac.authorization.k8s.io",))
            )
    else:
        errors.append(unsupported(f"{field}.kind", kind or "", ("ServiceAccount", "User", "Group")))
    return errors


def _binding_update(obj: Json, old: Json) -> list[FieldError]:
    errors = _binding(obj)
    if obj.get("roleRef") != old.get("roleRef"):
        # The fields of the Go struct.
        order = {"APIGroup": "apiGroup", "Kind": "kind", "Name": "name"}
        reference = obj["roleRef"]
        pairs = ",".join(f'"{shown}":{go_value(reference.get(name, ""))}' for shown, name in order.items())
        errors.append(FieldError("roleRef", f"Invalid value: {{{pairs}}}: cannot change roleRef"))
    return errors


def _lease(obj: Json) -> list[FieldError]:
    spec = obj.get("spec") or {}
    errors: list[FieldError] = []
    for name, low in (("leaseDurationSeconds", 1), ("leaseTransitions", 0)):
        value = spec.get(name)
        if value is not None and value < low:
            words = "must be greater than 0" if low else "must be greater than or equal to 0"
            errors.append(invalid_value(f"spec.{name}", value, words))
    return errors


Validate = Callable[[Json], list[FieldError]]
CREATE: dict[str, Validate] = {
    "ClusterRole": _role,
    "ClusterRoleBinding": _binding,
    "Event": event_errors,
    "Lease": _lease,
    "PodDisruptionBudget": _budget,
    "Role": _role,
    "RoleBinding": _binding,
}
UPDATE: dict[str, Callable[[Json, Json], list[FieldError]]] = {
    "ClusterRoleBinding": _binding_update,
    "RoleBinding": _binding_update,
}
