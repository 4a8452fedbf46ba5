"""Validation of Secrets, ConfigMaps, Namespaces, ServiceAccounts and volume claims."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

from k3k_core.sandbox.api import names_check as names
from k3k_core.sandbox.api.bodies import go_json_error
from k3k_core.sandbox.api.go_diff import spec_difference
from k3k_core.sandbox.api.quantities import parse
from k3k_core.sandbox.api.statuses import (
    FieldError,
    forbidden_field,
    invalid_value,
    required,
    too_long,
    unsupported,
)

Json = dict[str, Any]

_LIMIT = 1024 * 1024
_IMMUTABLE = "field is immutable when `immutable` is set"
_REDACTED = "<secret contents redacted>"
_LEVELS = ("privileged", "baseline", "restricted")
_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")


def _keys(data: Json, field: str) -> list[FieldError]:
    return [
        invalid_value(f"{field}[{key}]", key, problem)
        for key in sorted(data)
        for problem in names.config_key_problems(key)
    ]


def _size(data: Json) -> int:
    """Bytes of base64 values once decoded."""
    return sum(len(value) * 3 // 4 - value[-2:].count("=") for value in data.values())


def _config_map(obj: Json) -> list[FieldError]:
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    errors: list[FieldError] = []
    for key in sorted(data):
        errors += [invalid_value(f"data[{key}]", key, problem) for problem in names.config_key_problems(key)]
        if key in binary:
            errors.append(invalid_value(f"data[{key}]", key, "duplicate of key present in binaryData"))
    errors += _keys(binary, "binaryData")
    size = sum(len(value.encode()) for value in data.values()) + _size(binary)
    if size > _LIMIT:
        errors.append(too_long("[]", _LIMIT))
    return errors


def _config_map_update(obj: Json, old: Json) -> list[FieldError]:
    errors = _frozen(obj, old, ("data", "binaryData"))
    return [*errors, *_config_map(obj)]


def _frozen(obj: Json, old: Json, fields: tuple[str, ...]) -> list[FieldError]:
    if not old.get("immutable"):
        return []
    errors: list[FieldError] = []
    if not obj.get("immutable"):
        errors.append(forbidden_field("immutable", _IMMUTABLE))
    errors += [
        forbidden_field(name, _IMMUTABLE) for name in fields if (obj.get(name) or {}) != (old.get(name) or {})
    ]
    return errors


def _secret(obj: Json) -> list[FieldError]:
    data = obj.get("data") or {}
    errors = _keys(data, "data")
    if _size(data) > _LIMIT:
        errors.append(too_long("data", _LIMIT))
    return errors + _secret_type(obj, data)


def _secret_type(obj: Json, data: Json) -> list[FieldError]:
    kind = obj.get("type", "Opaque")
    if kind == "kubernetes.io/service-account-token":
        name = (obj["metadata"].get("annotations") or {}).get("kubernetes.io/service-account.name")
        field = "metadata.annotations[kubernetes.io/service-account.name]"
        return [] if name else [required(field)]
    if kind in {"kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"}:
        key = ".dockerconfigjson" if kind.endswith("json") else ".dockercfg"
        return _docker_config(data, key)
    if kind == "kubernetes.io/basic-auth":
        if "username" in data or "password" in data:
            return []
        return [required("data[username]"), required("data[password]")]
    wanted = {
        "kubernetes.io/ssh-auth": ("ssh-privatekey",),
        "kubernetes.io/tls": ("tls.crt", "tls.key"),
    }.get(kind, ())
    return [required(f"data[{key}]") for key in wanted if key not in data]


def _docker_config(data: Json, key: str) -> list[FieldError]:
    if key not in data:
        return [required(f"data[{key}]")]
    text = base64.b64decode(data[key])
    try:
        json.loads(text)
    except ValueError as error:
        return [invalid_value(f"data[{key}]", _REDACTED, go_json_error(text, error))]
    return []


def _secret_update(obj: Json, old: Json) -> list[FieldError]:
    errors: list[FieldError] = []
    if obj.get("type") != old.get("type"):
        errors.append(invalid_value("type", obj.get("type"), "field is immutable"))
    return [*errors, *_frozen(obj, old, ("data",)), *_secret(obj)]


def secret_warnings(obj: Json) -> list[str]:
    """Return warnings about TLS Secrets that hold no usable pair."""
    if obj.get("type") != "kubernetes.io/tls":
        return []
    data = obj.get("data") or {}
    certificate = base64.b64decode(data.get("tls.crt", ""))
    key = base64.b64decode(data.get("tls.key", ""))
    if b"-----BEGIN CERTIFICATE-----" not in certificate:
        return ["tls: failed to find any PEM data in certificate input"]
    if b"PRIVATE KEY-----" not in key:
        return ["tls: failed to find any PEM data in key input"]
    return []


def _namespace(obj: Json) -> list[FieldError]:
    errors: list[FieldError] = []
    for key, value in sorted((obj["metadata"].get("labels") or {}).items()):
        if re.fullmatch(r"pod-security\.kubernetes\.io/(enforce|audit|warn)", key) and value not in _LEVELS:
            errors.append(
                invalid_value(f"metadata.labels[{key}]", value, f"must be one of {', '.join(_LEVELS)}")
            )
        elif re.fullmatch(
            r"pod-security\.kubernetes\.io/(enforce|audit|warn)-version", key
        ) and not re.fullmatch(r"latest|v1\.\d+", value):
            text = 'must be "latest" or "v1.x"'
            errors.append(invalid_value(f"metadata.labels[{key}]", value, text))
    return errors


def claim_spec_errors(spec: Json, field: str) -> list[FieldError]:
    """Check the spec of a PersistentVolumeClaim."""
    errors: list[FieldError] = []
    modes = spec.get("accessModes") or []
    if not modes:
        errors.append(required(f"{field}.accessModes", "at least 1 access mode is required"))
    errors += [
        unsupported(f"{field}.accessModes", mode, _ACCESS_MODES)
        for mode in modes
        if mode not in _ACCESS_MODES
    ]
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        errors.append(required(f"{field}.resources[storage]"))
    elif parse(storage) <= 0:
        errors.append(invalid_value(f"{field}.resources[storage]", storage, "must be greater than zero"))
    if spec.get("storageClassName"):
        problems = names.subdomain_problems(spec["storageClassName"])
        errors += [
            invalid_value(f"{field}.storageClassName", spec["storageClassName"], text) for text in problems
        ]
    if spec.get("volumeMode") not in {None, "Block", "Filesystem"}:
        errors.append(unsupported(f"{field}.volumeMode", spec["volumeMode"], ("Block", "Filesystem")))
    return errors


def _claim(obj: Json) -> list[FieldError]:
    return claim_spec_errors(obj["spec"], "spec")


def _claim_update(obj: Json, old: Json) -> list[FieldError]:
    errors = _claim(obj)
    new_spec, old_spec = dict(obj["spec"]), dict(old["spec"])
    if not old_spec.get("volumeName") and new_spec.get("volumeName"):
        old_spec["volumeName"] = new_spec["volumeName"]
    bound = (old.get("status") or {}).get("phase") == "Bound"
    before = (old_spec.get("resources") or {}).get("requests") or {}
    after = (new_spec.get("resources") or {}).get("requests") or {}
    if bound:
        new_spec["resources"] = {**(new_spec.get("resources") or {}), "requests": before}
        if "storage" in before and "storage" in after and parse(after["storage"]) < parse(before["storage"]):
            text = "field can not be less than status.capacity"
            errors.append(forbidden_field("spec.resources.requests.storage", text))
    if new_spec != old_spec:
        text = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName "
            "for bound claims"
        )
        difference = spec_difference("PersistentVolumeClaimSpec", old_spec, new_spec)
        errors.append(forbidden_field("spec", f"{text}\n{difference}"))
    return errors


Validate = Callable[[Json], list[FieldError]]
CREATE: dict[str, Validate] = {
    "ConfigMap": _config_map,
    "Namespace": _namespace,
    "PersistentVolumeClaim": _claim,
    "Secret": _secret,
}
UPDATE: dict[str, Callable[[Json, Json], list[FieldError]]] = {
    "ConfigMap": _config_map_update,
    "PersistentVolumeClaim": _claim_update,
    "Secret": _secret_update,
}
