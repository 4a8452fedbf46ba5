"""Validation of pods and pod specs."""

from __future__ import annotations

from typing import Any

from k3k_core.sandbox.api import names_check as names
from k3k_core.sandbox.api.field_checks import each_invalid
from k3k_core.sandbox.api.statuses import (
    FieldError,
    duplicate,
    forbidden_field,
    invalid_value,
    required,
    unsupported,
)
from k3k_core.sandbox.api.validation_containers import container_errors, user_id_errors

Json = dict[str, Any]

_FIXED = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod_spec_errors(spec: Json, field: str, claims: tuple[str, ...] = ()) -> list[FieldError]:
    """Check a pod spec.

    Args:
        spec: the pod spec.
        field: where it lies.
        claims: names of volumes that come from claim templates.
    """
    errors: list[FieldError] = []
    volumes: set[str] = set(claims)
    seen: set[str] = set()
    for position, volume in enumerate(spec.get("volumes") or ()):
        problems = _volume(volume, f"{field}.volumes[{position}]", seen)
        errors += problems
        if not problems:
            seen.add(volume.get("name", ""))
    volumes |= seen
    if not spec.get("containers"):
        errors.append(required(f"{field}.containers"))
    used: set[str] = set()
    for kind in ("containers", "initContainers"):
        for position, container in enumerate(spec.get(kind) or ()):
            errors += container_errors(container, f"{field}.{kind}[{position}]", volumes, used)
    errors += _spec_fields(spec, field)
    return errors


def _spec_fields(spec: Json, field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    policies = ("Always", "OnFailure", "Never")
    if spec.get("restartPolicy") not in policies:
        errors.append(unsupported(f"{field}.restartPolicy", spec.get("restartPolicy"), policies))
    dns = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
    if spec.get("dnsPolicy") not in dns:
        errors.append(unsupported(f"{field}.dnsPolicy", spec.get("dnsPolicy"), dns))
    errors += user_id_errors(spec.get("securityContext") or {}, f"{field}.securityContext")
    for key, value in sorted((spec.get("nodeSelector") or {}).items()):
        where = f"{field}.nodeSelector"
        errors += each_invalid(where, key, names.label_key_problems(key, what="label key"))
        errors += each_invalid(where, value, names.label_value_problems(value))
    account = spec.get("serviceAccountName")
    if account:
        errors += each_invalid(f"{field}.serviceAccountName", account, names.subdomain_problems(account))
    for position, toleration in enumerate(spec.get("tolerations") or ()):
        errors += _toleration(toleration, f"{field}.tolerations[{position}]")
    for position, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        errors += _spread(constraint, f"{field}.topologySpreadConstraints[{position}]")
    return errors


def _toleration(item: Json, field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if item.get("key"):
        errors += each_invalid(f"{field}.key", item["key"], names.label_key_problems(item["key"]))
    operator = item.get("operator", "Equal")
    if not item.get("key") and operator != "Exists":
        text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        errors.append(invalid_value(f"{field}.operator", item.get("operator", ""), text))
    if operator == "Exists" and item.get("value"):
        text = "value must be empty when `operator` is 'Exists'"
        errors.append(invalid_value(f"{field}.operator", item["value"], text))
    elif operator not in {"Exists", "Equal", ""}:
        errors.append(unsupported(f"{field}.operator", operator, ("Equal", "Exists")))
    effects = ("NoSchedule", "PreferNoSchedule", "NoExecute")
    if item.get("effect") and item["effect"] not in effects:
        errors.append(unsupported(f"{field}.effect", item["effect"], effects))
    return errors


def _spread(item: Json, field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if item.get("maxSkew", 0) <= 0:
        errors.append(invalid_value(f"{field}.maxSkew", item.get("maxSkew", 0), "must be greater than zero"))
    if not item.get("topologyKey"):
        errors.append(required(f"{field}.topologyKey", "can not be empty"))
    choices = ("DoNotSchedule", "ScheduleAnyway")
    if item.get("whenUnsatisfiable") not in choices:
        errors.append(unsupported(f"{field}.whenUnsatisfiable", item.get("whenUnsatisfiable"), choices))
    return errors


# The order in which the sources of a volume are looked at.
_SOURCES = (
    "emptyDir",
    "hostPath",
    "secret",
    "nfs",
    "persistentVolumeClaim",
    "configMap",
    "downwardAPI",
    "projected",
    "csi",
    "ephemeral",
    "image",
)


def _volume(volume: Json, field: str, seen: set[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    name = volume.get("name", "")
    if not name:
        errors.append(required(f"{field}.name"))
    else:
        errors += each_invalid(f"{field}.name", name, names.label_problems(name))
        if name in seen:
            errors.append(duplicate(f"{field}.name", name))
    given = [key for key in volume if key != "name"]
    sources = sorted(given, key=lambda key: _SOURCES.index(key) if key in _SOURCES else len(_SOURCES))
    if len(sources) > 1:
        errors += [
            forbidden_field(f"{field}.{key}", "may not specify more than 1 volume type")
            for key in sources[1:]
        ]
    claim = volume.get("persistentVolumeClaim")
    if claim is not None and not claim.get("claimName"):
        errors.append(required(f"{field}.persistentVolumeClaim.claimName"))
    if volume.get("secret") is not None and not volume["secret"].get("secretName"):
        errors.append(required(f"{field}.secret.secretName"))
    if volume.get("configMap") is not None and not volume["configMap"].get("name"):
        errors.append(required(f"{field}.configMap.name"))
    if volume.get("hostPath") is not None and not volume["hostPath"].get("path"):
        errors.append(required(f"{field}.hostPath.path"))
    return errors


def validate_pod(obj: Json) -> list[FieldError]:
    """Check a new pod."""
    return pod_spec_errors(obj["spec"], "spec")


def validate_pod_update(obj: Json, old: Json) -> list[FieldError]:
    """Check a changed pod."""
    errors = validate_pod(obj)
    if _fixed_parts(obj["spec"]) != _fixed_parts(old["spec"]):
        errors.append(forbidden_field("spec", _FIXED))
    return errors


def _fixed_parts(spec: Json) -> Json:
    """What of a pod's spec cannot change."""
    parts = {
        key: value
        for key, value in spec.items()
        if key not in {"activeDeadlineSeconds", "tolerations", "nodeName"}
    }
    for kind in ("containers", "initContainers"):
        if kind in spec:
            parts[kind] = [
                {key: value for key, value in item.items() if key != "image"} for item in spec[kind]
            ]
    return parts
