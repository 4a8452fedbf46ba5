"""Reading objects of built-in kinds: strict field checks, and their canonical form.

The real server decodes an object into Go structs and encodes it again; empty values that Go leaves out are
left out here too, and structs that Go always writes are always there.
"""

from __future__ import annotations

from typing import Any

from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.api.scalars import GO_SCALARS, read_scalar, type_error
from k3k_core.sandbox.api.schema import Type
from k3k_core.sandbox.api.zero_values import add_always_written, omitted

Json = dict[str, Any]


def canonical(kind: Type, value: Json, *, name: str) -> tuple[Json, list[str]]:
    """Read an object of a built-in type as Go would.

    Args:
        kind: its type.
        value: the object as sent.
        name: kind, for errors.

    Returns:
        The object without unknown and empty fields, and the unknown fields as strict reading words them.

    Raises:
        ApiError: 400, a value of the wrong JSON type.
    """
    unknown: list[str] = []
    result = _struct(kind, value, "", unknown, name)
    return result, unknown


def _struct(kind: Type, value: Json, path: str, unknown: list[str], root: str) -> Json:
    result: Json = {}
    fields = kind.fields
    for key, item in value.items():
        child = fields.get(key)
        where = f"{path}.{key}" if path else key
        if child is None:
            unknown.append(f'unknown field "{where}"')
            continue
        if item is None:
            continue
        read = _value(child, item, where, unknown, root, kind.name)
        if omitted(child, read, key, kind.name):
            continue
        result[key] = read
    add_always_written(kind, result)
    return result


def _value(kind: Type, value: Any, path: str, unknown: list[str], root: str, owner: str) -> Any:
    if kind.kind == "any":
        return clone(value)
    if kind.kind == "struct":
        if not isinstance(value, dict):
            raise type_error(value, path, root, owner, f"v1.{kind.name}")
        return _struct(kind, value, path, unknown, root)
    if kind.kind == "map":
        if not isinstance(value, dict):
            raise type_error(value, path, root, owner, "map[string]string")
        element = kind.element
        return {
            key: _value(element, item, path, unknown, root, owner) if item is not None else ""
            for key, item in value.items()
        }
    if kind.kind == "list":
        if not isinstance(value, list):
            element = kind.element
            shown = f"v1.{element.name}" if element.name else GO_SCALARS.get(element.scalar, "string")
            raise type_error(value, path, root, owner, f"[]{shown}")
        return [
            _value(kind.element, item, f"{path}[{position}]", unknown, root, owner)
            for position, item in enumerate(value)
        ]
    return read_scalar(kind, value, path, root, owner)
