"""Pod Security admission: holds pods to the standard their namespace's labels name."""

from __future__ import annotations

import re
from typing import Any

from k3k_core.resources import NAMESPACE, POD
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.statuses import forbidden, invalid, invalid_value
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.pod_security import Level, refusal, violations

_LABEL = "pod-security.kubernetes.io/"
_LEVELS: tuple[Level, ...] = ("privileged", "baseline", "restricted")
_MODES = ("enforce", "audit", "warn")
_VERSION = re.compile(r"latest|v1\.[0-9]+")
_TEMPLATES = frozenset(("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"))


class PodSecurityAdmission:
    """Admission hook of the API.

    Args:
        store: where the namespaces are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(
        self, operation: str, definition: Definition, obj: dict[str, Any], old: dict[str, Any] | None
    ) -> list[str]:
        """Refuse a pod with 403, or return warnings for it or for a pod template."""
        kind = definition.resource.kind
        if definition.resource == NAMESPACE:
            _check_labels(obj)
        if definition.resource != POD and kind not in _TEMPLATES:
            return []
        if old is not None and old.get("spec") == obj.get("spec"):
            return []
        labels = self._labels(obj)
        name = obj["metadata"].get("name", "")
        is_pod = definition.resource == POD
        spec = obj["spec"] if is_pod else obj["spec"]["template"].get("spec", {})
        if is_pod and operation in {"CREATE", "UPDATE"}:
            level = _level(labels, "enforce")
            version = labels.get(f"{_LABEL}enforce-version", "latest")
            message = refusal(name, spec, level, version)
            if message is not None:
                detail = message.partition(" is forbidden: ")[2]
                raise forbidden(definition.resource, name, detail)
        return _warnings(labels, spec)

    def _labels(self, obj: dict[str, Any]) -> dict[str, str]:
        namespace = self._store.get(NAMESPACE, None, obj["metadata"].get("namespace", ""))
        labels: dict[str, str] = (namespace or {}).get("metadata", {}).get("labels") or {}
        return labels


def _level(labels: dict[str, str], mode: str) -> Level:
    asked = labels.get(f"{_LABEL}{mode}")
    return next((level for level in _LEVELS if level == asked), "privileged")


def _check_labels(namespace: dict[str, Any]) -> None:
    """Refuse a namespace whose labels name no standard or no version."""
    errors = []
    for label, value in (namespace["metadata"].get("labels") or {}).items():
        if label in {f"{_LABEL}{mode}" for mode in _MODES} and value not in _LEVELS:
            errors.append(
                invalid_value(f"metadata.labels[{label}]", value, f"must be one of {', '.join(_LEVELS)}")
            )
        elif label in {f"{_LABEL}{mode}-version" for mode in _MODES} and not _VERSION.fullmatch(value):
            errors.append(invalid_value(f"metadata.labels[{label}]", value, 'must be "latest" or "v1.x"'))
    if errors:
        raise invalid("", "Namespace", namespace["metadata"].get("name", ""), errors)


def _warnings(labels: dict[str, str], spec: dict[str, Any]) -> list[str]:
    """What is enforced is also warned about, unless another standard is named for warnings."""
    mode = "warn" if f"{_LABEL}warn" in labels else "enforce"
    level = _level(labels, mode)
    found = violations(spec, level)
    version = labels.get(f"{_LABEL}{mode}-version", "latest")
    return [f'would violate PodSecurity "{level}:{version}": {", ".join(found)}'] if found else []
