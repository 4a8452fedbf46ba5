"""Validation of CustomResourceDefinitions, as far as it keeps a server from serving what it cannot.

The rules and messages are those of apiextensions-apiserver 1.36 (pkg/apis/apiextensions/validation). A CRD
with one version is worded as its internal form, where that version's schema is `spec.validation`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from k3k_core.sandbox.api import names_check as names
from k3k_core.sandbox.api.statuses import FieldError, invalid_value, required, unsupported

Json = dict[str, Any]

_SCOPES = ("Cluster", "Namespaced")
_TYPES = ("array", "boolean", "integer", "number", "object", "string")
# Fields of a version in the order of the Go struct.
_VERSION_FIELDS = (
    "name",
    "served",
    "storage",
    "deprecated",
    "deprecationWarning",
    "schema",
    "subresources",
    "additionalPrinterColumns",
    "selectableFields",
)
_FLAGS = frozenset({"served", "storage", "deprecated"})


def validate(obj: Json) -> list[FieldError]:
    """Check a new CustomResourceDefinition."""
    spec, name = obj["spec"], obj["metadata"].get("name", "")
    given = spec.get("names") or {}
    errors = []
    expected = f"{given.get('plural', '')}.{spec.get('group', '')}"
    if name != expected:
        errors.append(invalid_value("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    errors += _group(spec.get("group", ""))
    if spec.get("scope") not in _SCOPES:
        errors.append(unsupported("spec.scope", spec.get("scope", ""), _SCOPES))
    versions = spec.get("versions") or []
    stored = [version for version in versions if version.get("storage")]
    if len(stored) != 1:
        text = "must have exactly one version marked as storage version"
        shown = "[" + ",".join(_shown(version) for version in versions) + "]"
        errors.append(FieldError("spec.versions", f"Invalid value: {shown}: {text}"))
    errors += _names(given)
    for position, version in enumerate(versions):
        errors += _schema(version, position, alone=len(versions) == 1)
    if not stored:
        errors.append(invalid_value("status.storedVersions", None, "must have at least one stored version"))
    return errors


def validate_update(obj: Json, old: Json) -> list[FieldError]:
    """Check a changed CustomResourceDefinition."""
    paths: tuple[tuple[str, ...], ...] = (("group",), ("names", "plural"))
    conditions = (old.get("status") or {}).get("conditions") or ()
    if any(item["type"] == "Established" and item["status"] == "True" for item in conditions):
        paths = (("scope",), ("names", "kind"), *paths)
    changed = [
        invalid_value(f"spec.{'.'.join(path)}", _at(obj["spec"], path), "field is immutable")
        for path in paths
        if _at(obj["spec"], path) != _at(old["spec"], path)
    ]
    # Names that may not change need no further words.
    return changed or validate(obj)


def _at(spec: Json, path: tuple[str, ...]) -> Any:
    value: Any = spec
    for part in path:
        value = (value or {}).get(part)
    return value


def _shown(version: Json) -> str:
    """Write a version as its Go struct."""
    cells = []
    for field in _VERSION_FIELDS:
        value = version.get(field, False if field in _FLAGS else None)
        # Schemas and what else is deep have other names in Go: those messages are not matched.
        shown = "null" if isinstance(value, (dict, list)) else json.dumps(value)
        cells.append(f'"{field[0].upper()}{field[1:]}":{shown}')
    return "{" + ",".join(cells) + "}"


def _group(group: str) -> list[FieldError]:
    if not group:
        return [required("spec.group")]
    errors = [invalid_value("spec.group", group, text) for text in names.subdomain_problems(group)]
    if not errors and "." not in group:
        errors.append(invalid_value("spec.group", group, "should be a domain with at least one dot"))
    return errors


def _names(given: Json) -> list[FieldError]:
    return [required(f"spec.names.{field}") for field in ("plural", "kind") if not given.get(field)]


def _schema(version: Json, position: int, *, alone: bool) -> list[FieldError]:
    where = f"spec.versions[{position}].schema.openAPIV3Schema"
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if not schema:
        return [required(where)]
    if alone:
        where = "spec.validation.openAPIV3Schema"
    if schema.get("type") == "object":
        return list(_structure(schema, where))
    if not schema.get("type"):
        return [required(f"{where}.type", "must not be empty at the root")]
    return [invalid_value(f"{where}.type", schema["type"], "must be object at the root")]


def _structure(schema: Json, where: str) -> Iterator[FieldError]:
    """Yield what is missing for a schema to be structural."""
    for name in sorted(schema.get("properties") or {}):
        child = schema["properties"][name]
        yield from _node(child, f"{where}.properties[{name}]", "specified object fields")
    if isinstance(extra := schema.get("additionalProperties"), dict):
        yield from _node(extra, f"{where}.additionalProperties", "specified object fields")
    if isinstance(items := schema.get("items"), dict):
        yield from _node(items, f"{where}.items", "specified array items")


def _node(schema: Json, where: str, what: str) -> Iterator[FieldError]:
    kind = schema.get("type")
    free = schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields")
    if not kind and not free:
        yield required(f"{where}.type", f"must not be empty for {what}")
    elif kind and kind not in _TYPES:
        yield unsupported(f"{where}.type", kind, _TYPES)
    yield from _structure(schema, where)
