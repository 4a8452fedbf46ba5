"""Sets of field paths, as server-side apply keeps them per manager, and their `FieldsV1` form.

A path is a tuple of elements in their FieldsV1 spelling: `f:name` for a field, `k:{"name":"x"}` for a list item found
by its keys, `v:"x"` for an item of a set. A set is a frozenset of paths.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from k3k_core.sandbox.api.schema import DEDUCED, Type

Path = tuple[str, ...]
FieldSet = frozenset[Path]
EMPTY: FieldSet = frozenset()


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def to_fields_v1(fields: Iterable[Path]) -> dict[str, Any]:
    """Write a set in its FieldsV1 form: a trie whose inner members are marked with `"."`."""
    members = sorted(fields)
    root: dict[str, Any] = {}
    for path in members:
        node = root
        for element in path:
            node = node.setdefault(element, {})
    for path in members:
        node = root
        for element in path:
            node = node[element]
        if node and "." not in node:
            below = dict(node)
            node.clear()
            node.update({".": {}, **below})
    return root


def from_fields_v1(node: dict[str, Any], prefix: Path = ()) -> FieldSet:
    """Read a FieldsV1 trie."""
    found: set[Path] = set()
    for element, child in node.items():
        if element == ".":
            if prefix:
                found.add(prefix)
            continue
        path = (*prefix, element)
        if child:
            found |= from_fields_v1(child, path)
        else:
            found.add(path)
    return frozenset(found)


def iteration_order(path: Path) -> tuple[Any, ...]:
    """Sort key: at each level first the members of the set, then what lies below, both by name."""
    return tuple((0 if position == len(path) - 1 else 1, item) for position, item in enumerate(path))


def path_text(path: Path) -> str:
    """Write a path as conflict messages do, e.g. `.spec.containers[name="a"].image`."""
    parts: list[str] = []
    for element in path:
        kind, _, rest = element.partition(":")
        if kind == "f":
            parts.append(f".{rest}")
        elif kind == "k":
            pairs = json.loads(rest)
            parts.append("[" + ",".join(f"{key}={compact(pairs[key])}" for key in sorted(pairs)) + "]")
        elif kind == "v":
            parts.append(f"[={rest}]")
        else:
            parts.append(f"[{rest}]")
    return "".join(parts)


def without(fields: FieldSet, prefixes: Iterable[Path]) -> FieldSet:
    """Return the set without the given paths and everything below them."""
    dropped = tuple(prefixes)
    return frozenset(path for path in fields if not any(path[: len(prefix)] == prefix for prefix in dropped))


def with_named_fields(fields: FieldSet, kind: Type) -> FieldSet:
    """Add the struct fields that lie on the way to a member (but not keys of mappings or list items)."""
    found = set(fields)
    for path in fields:
        current: Type | None = kind
        for depth in range(len(path) - 1):
            element = path[depth]
            known = current is not None and current.kind == "struct" and element.startswith("f:")
            if known and current is not None and element[2:] in current.fields:
                found.add(path[: depth + 1])
            current = _step(current, element)
    return frozenset(found)


def _step(kind: Type | None, element: str) -> Type | None:
    if kind is None or kind is DEDUCED:
        return None
    if element.startswith("f:"):
        return kind.field(element[2:])
    return kind.element
