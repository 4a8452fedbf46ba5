"""Validation of objects: metadata rules for all types, and which module knows the rules of a kind.

The rules and messages are those of kube-apiserver 1.36 (pkg/apis/*/validation), for the fields this project and common
tools use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k3k_core.resources import Resource
from k3k_core.sandbox.api import (
    certificates,
    validation_config,
    validation_crds,
    validation_network,
    validation_policy,
    validation_workloads,
)
from k3k_core.sandbox.api import names_check as names
from k3k_core.sandbox.api.statuses import (
    FieldError,
    forbidden_field,
    go_value,
    invalid_value,
    required,
    too_long,
)

Json = dict[str, Any]

_ANNOTATIONS_LIMIT = 256 * 1024
_STANDARD_FINALIZERS = frozenset({"kubernetes", "foregroundDeletion", "orphan"})
_SUBDOMAIN_DOTLESS = frozenset({"Namespace", "Service", "StatefulSet"})
_PATH_SEGMENT = frozenset({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})

Validate = Callable[[Json], list[FieldError]]
ValidateUpdate = Callable[[Json, Json], list[FieldError]]

_CREATE: dict[str, Validate] = {
    **validation_config.CREATE,
    **validation_network.CREATE,
    **validation_policy.CREATE,
    **validation_workloads.CREATE,
    "CertificateSigningRequest": certificates.validate,
    "CustomResourceDefinition": validation_crds.validate,
}
_UPDATE: dict[str, ValidateUpdate] = {
    **validation_config.UPDATE,
    **validation_network.UPDATE,
    **validation_policy.UPDATE,
    **validation_workloads.UPDATE,
    "CustomResourceDefinition": validation_crds.validate_update,
}
_STATUS: dict[str, Validate] = {
    "Service": validation_network.validate_service_status,
    "StatefulSet": validation_workloads.validate_stateful_set_status,
}


def name_problems(resource: Resource, name: str) -> list[str]:
    """Return what is wrong with an object's name."""
    kind = resource.kind
    if kind in _PATH_SEGMENT:
        return names.path_segment_problems(name)
    if kind in _SUBDOMAIN_DOTLESS:
        return ["must not contain dots"] if "." in name else names.label_problems(name)
    return names.subdomain_problems(name)


def validate_metadata(resource: Resource, obj: Json, old: Json | None) -> list[FieldError]:
    """Check `metadata`."""
    meta = obj["metadata"]
    errors: list[FieldError] = []
    if meta.get("generateName"):
        prefix = meta["generateName"]
        masked = f"{prefix[:-1]}a" if prefix.endswith("-") and len(prefix) > 1 else prefix
        errors += _invalid("metadata.generateName", prefix, name_problems(resource, masked))
    if old is None:
        if not meta.get("name"):
            errors.append(required("metadata.name", "name or generateName is required"))
        else:
            errors += _invalid("metadata.name", meta["name"], name_problems(resource, meta["name"]))
    errors += label_errors(meta.get("labels") or {}, "metadata.labels")
    errors += _annotation_errors(meta.get("annotations") or {})
    errors += _owner_errors(meta.get("ownerReferences") or [])
    errors += _finalizer_errors(meta.get("finalizers") or [])
    if old is not None:
        errors += _metadata_update(meta, old["metadata"])
    return errors


def _invalid(field: str, value: Any, problems: list[str]) -> list[FieldError]:
    return [invalid_value(field, value, problem) for problem in problems]


def label_errors(labels: Json, field: str) -> list[FieldError]:
    """Check keys and values of labels."""
    errors: list[FieldError] = []
    for key in sorted(labels):
        value = labels[key]
        problems = names.label_key_problems(key, what="label key")
        errors += _invalid(field, key, problems)
        errors += _invalid(field, value, names.label_value_problems(value))
    return errors


def _annotation_errors(annotations: Json) -> list[FieldError]:
    errors: list[FieldError] = []
    for key in sorted(annotations):
        errors += _invalid(
            "metadata.annotations", key, names.label_key_problems(key.lower(), what="annotation key")
        )
    size = sum(len(key.encode()) + len(str(value).encode()) for key, value in annotations.items())
    if size > _ANNOTATIONS_LIMIT:
        errors.append(too_long("metadata.annotations", _ANNOTATIONS_LIMIT))
    return errors


def _owner_errors(references: list[Json]) -> list[FieldError]:
    errors: list[FieldError] = []
    controllers = [item for item in references if item.get("controller")]
    for item in references:
        if not item.get("apiVersion"):
            errors.append(
                invalid_value("metadata.ownerReferences.apiVersion", "", "version must not be empty")
            )
        for name in ("kind", "name", "uid"):
            if not item.get(name):
                errors.append(invalid_value(f"metadata.ownerReferences.{name}", "", "must not be empty"))
        if item.get("kind") == "Event" and item.get("apiVersion") == "v1":
            text = "/v1, Kind=Event is disallowed from being an owner"
            errors.append(FieldError("metadata.ownerReferences", f"Invalid value: {_in_order(item)}: {text}"))
    if len(controllers) > 1:
        first, second = controllers[:2]
        text = (
            'Only one reference can have Controller set to true. Found "true" in references for '
            f"{first.get('kind')}/{first.get('name')} and {second.get('kind')}/{second.get('name')}"
        )
        shown = "[" + ",".join(_in_order(item) for item in references) + "]"
        errors.append(FieldError("metadata.ownerReferences", f"Invalid value: {shown}: {text}"))
    return errors


def _in_order(reference: Json) -> str:
    """Write an owner reference with its fields in the order of the Go struct."""
    order = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")
    pairs = [f'"{name}":{go_value(reference[name])}' for name in order if name in reference]
    return "{" + ",".join(pairs) + "}"


def _finalizer_errors(finalizers: list[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    for value in finalizers:
        errors += _invalid("metadata.finalizers", value, names.label_key_problems(value))
    for position, value in enumerate(finalizers):
        if "/" not in value and value not in _STANDARD_FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            errors.append(invalid_value(f"metadata.finalizers[{position}]", value, text))
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        text = "finalizer orphan and foregroundDeletion cannot be both set"
        errors.append(invalid_value("metadata.finalizers", finalizers, text))
    return errors


def _metadata_update(meta: Json, old: Json) -> list[FieldError]:
    errors: list[FieldError] = []
    if "deletionTimestamp" in old:
        added = [item for item in meta.get("finalizers") or () if item not in (old.get("finalizers") or ())]
        if added:
            shown = ", ".join(go_value(item) for item in added)
            found = f"found new finalizers []string{{{shown}}}"
            text = f"no new finalizers can be added if the object is being deleted, {found}"
            # Both the generic and the kind's own validation report it.
            errors += [forbidden_field("metadata.finalizers", text)] * 2
    return errors


def immutable_metadata(sent: Json, old: Json) -> list[FieldError]:
    """Check the metadata a client sent for changes nobody may make."""
    errors: list[FieldError] = []
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        if sent.get(name) is not None and sent[name] != old.get(name):
            errors.append(invalid_value(f"metadata.{name}", sent[name], "field is immutable"))
    return errors


def validate(resource: Resource, obj: Json) -> list[FieldError]:
    """Check a new object of a built-in kind."""
    function = _CREATE.get(resource.kind)
    return function(obj) if function else []


def validate_update(resource: Resource, obj: Json, old: Json, subresource: str) -> list[FieldError]:
    """Check a changed object of a built-in kind."""
    if resource == certificates.CSR:
        return certificates.validate_update(obj, old, subresource)
    if subresource == "status":
        check = _STATUS.get(resource.kind)
        return check(obj) if check else []
    if subresource:
        return []
    update = _UPDATE.get(resource.kind)
    if update is not None:
        return update(obj, old)
    return validate(resource, obj)


def warnings(resource: Resource, obj: Json) -> list[str]:
    """Return warnings about an object that is stored nevertheless."""
    if resource.kind == "Secret":
        return validation_config.secret_warnings(obj)
    return []
