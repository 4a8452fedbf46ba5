"""Operations on typed values: the field set of a value, comparing, merging, removing, checking.

The rules are those of Kubernetes' structured merge (sigs.k8s.io/structured-merge-diff): structs and granular mappings
merge by field, lists of relation "map" by their keys, sets by value, everything atomic as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from k3k_core.sandbox.api.fieldsets import FieldSet, Path, compact
from k3k_core.sandbox.api.schema import DEDUCED, SCALAR, Type
from k3k_core.sandbox.api.statuses import go_value


class TypedError(Exception):
    """A value does not fit its type; the message begins with the path of the field."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which fields differ between two values."""

    added: FieldSet
    modified: FieldSet
    removed: FieldSet

    @property
    def same(self) -> bool:
        return not (self.added or self.modified or self.removed)


_MISSING: Any = object()
_DEDUCED_MAP = Type("map", load_element=lambda: DEDUCED)


def _resolve(kind: Type, *values: Any) -> Type:
    """Give a value of unknown type the type its form suggests."""
    if kind is not DEDUCED:
        return kind
    return _DEDUCED_MAP if any(isinstance(value, dict) for value in values) else SCALAR


def is_atomic(kind: Type) -> bool:
    return kind.kind in {"scalar", "any"} or kind.relation == "atomic"


def item_element(kind: Type, item: Any) -> str:
    """Return the path element of a list item.

    Raises:
        TypedError: a key field is missing or the item is no object.
    """
    if kind.relation == "set":
        return f"v:{compact(item)}"
    if not isinstance(item, dict):
        raise TypedError(f"element 0: associative list with keys has an element that can't be a map: {item}")
    keys: dict[str, Any] = {}
    for key in kind.keys:
        value = item.get(key, kind.key_defaults.get(key, _MISSING))
        if value is not _MISSING and value is not None:
            keys[key] = value
    if not keys:
        names = ", ".join(f'"{key}"' for key in kind.keys)
        raise TypedError(f"associative list with keys has an element that omits all keys: {names}")
    return f"k:{compact(keys)}"


def _children(kind: Type, value: Any) -> Iterator[tuple[str, Type, Any]]:
    if kind.kind == "list":
        element = kind.element
        for item in value or ():
            yield item_element(kind, item), element, item
        return
    for name, item in (value or {}).items():
        yield f"f:{name}", kind.field(name) or DEDUCED, item


def field_set(kind: Type, value: Any, path: Path = ()) -> FieldSet:
    """Return the fields a value sets, as an apply owns them."""
    found: set[Path] = set()
    _collect(_resolve(kind, value), value, path, found)
    return frozenset(found)


def _collect(kind: Type, value: Any, path: Path, found: set[Path]) -> None:
    if is_atomic(kind):
        found.add(path)
        return
    for element, child_kind, child in _children(kind, value):
        below = (*path, element)
        resolved = _resolve(child_kind, child)
        _collect(resolved, child, below, found)
        named = kind.kind == "struct" and element[2:] in kind.fields
        if not named or child is None or child == {}:
            found.add(below)


def compare(kind: Type, old: Any, new: Any) -> Comparison:
    """Return the fields that differ between two objects of one type."""
    added: set[Path] = set()
    modified: set[Path] = set()
    removed: set[Path] = set()
    _compare(kind, old, new, (), (added, modified, removed))
    return Comparison(frozenset(added), frozenset(modified), frozenset(removed))


def _compare(kind: Type, old: Any, new: Any, path: Path, out: tuple[set[Path], set[Path], set[Path]]) -> None:
    added, modified, removed = out
    kind = _resolve(kind, old, new)
    empty = (old is _MISSING or not old) and (new is _MISSING or not new)
    if old is not _MISSING and new is not _MISSING and old == new and type(old) is type(new):
        return
    if not is_atomic(kind) and not empty:
        before = {e: (k, v) for e, k, v in _children(kind, None if old is _MISSING else old)}
        after = {e: (k, v) for e, k, v in _children(kind, None if new is _MISSING else new)}
        for element in dict.fromkeys((*before, *after)):
            child = (after.get(element) or before[element])[0]
            old_item = before[element][1] if element in before else _MISSING
            new_item = after[element][1] if element in after else _MISSING
            _compare(child, old_item, new_item, (*path, element), out)
    elif old is not _MISSING and new is not _MISSING:
        modified.add(path)
    if old is _MISSING:
        added.add(path)
    elif new is _MISSING:
        removed.add(path)


def merge(kind: Type, live: Any, applied: Any) -> Any:
    """Lay an applied configuration over the live value."""
    kind = _resolve(kind, live, applied)
    if is_atomic(kind) or live is None or applied is None:
        return applied
    if kind.kind == "list":
        return _merge_list(kind, live, applied)
    result = dict(live)
    for name, item in applied.items():
        child = kind.field(name) or DEDUCED
        result[name] = merge(child, live[name], item) if name in live else item
    return result


def _merge_list(kind: Type, live: list[Any], applied: list[Any]) -> list[Any]:
    """Keep the order of both lists as far as possible; where they disagree the applied one wins."""
    left = {item_element(kind, item): item for item in live}
    right = {item_element(kind, item): item for item in applied}
    lefts, rights = list(left), list(right)
    shared = [element for element in rights if element in left]
    result: list[Any] = []
    merged: set[str] = set()

    def take(element: str) -> None:
        merged.add(element)
        if shared and shared[0] == element:
            shared.pop(0)
        item = right[element]
        result.append(merge(kind.element, left[element], item) if element in left else item)

    i = j = 0
    while i < len(lefts) or j < len(rights):
        if i < len(lefts):
            here = lefts[i]
            if j < len(rights) and here == rights[j]:
                take(here)
                i, j = i + 1, j + 1
                continue
            if here not in right:
                result.append(left[here])
                i += 1
                continue
            if here in merged or (j < len(rights) and shared and shared[0] != here):
                i += 1
                continue
        if j < len(rights):
            take(rights[j])
            j += 1
    return result


def remove(kind: Type, value: Any, fields: FieldSet, path: Path = ()) -> Any:
    """Return a value without the given fields; a mapping or list that loses its last item becomes None."""
    prefixes = {field[:depth] for field in fields for depth in range(1, len(field))}
    return _remove(_resolve(kind, value), value, fields, prefixes, path)


def _remove(kind: Type, value: Any, fields: FieldSet, prefixes: set[Path], path: Path) -> Any:
    if is_atomic(kind) or not value:
        return value
    kept: list[tuple[str, Any]] = []
    for element, child_kind, child in _children(kind, value):
        below = (*path, element)
        if below in fields:
            continue
        if below in prefixes:
            child = _remove(_resolve(child_kind, child), child, fields, prefixes, below)  # noqa: PLW2901
        kept.append((element, child))
    if not kept:
        return None
    if kind.kind == "list":
        return [child for _, child in kept]
    return {element[2:]: child for element, child in kept}


def check(kind: Type, value: Any, path: str = "") -> None:
    """Check that a value has the fields and JSON types of its type.

    Raises:
        TypedError: worded as a refused apply words it.
    """
    if value is None or kind.kind == "any":
        return
    if kind.kind == "scalar":
        _check_scalar(kind, value, path)
    elif kind.kind == "list":
        _check_list(kind, value, path)
    else:
        if not isinstance(value, dict):
            raise TypedError(f"{path}: expected map, got {_unstructured(value)}")
        for name, item in value.items():
            child = kind.field(name)
            if child is None:
                raise TypedError(f"{path}.{name}: field not declared in schema")
            check(child, item, f"{path}.{name}")


def _check_list(kind: Type, value: Any, path: str) -> None:
    if not isinstance(value, list):
        raise TypedError(f"{path}: expected list, got {_unstructured(value)}")
    seen: set[str] = set()
    for position, item in enumerate(value):
        where = f"[{position}]"
        if kind.relation in {"map", "set"}:
            try:
                element = item_element(kind, item)
            except TypedError as error:
                raise TypedError(f"{path}: element {position}: {error}") from None
            where = _element_text(element)
            if element in seen:
                raise TypedError(f"{path}: duplicate entries for key {where}")
            seen.add(element)
        check(kind.element, item, f"{path}{where}")


def _element_text(element: str) -> str:
    from k3k_core.sandbox.api.fieldsets import path_text

    return path_text((element,))


def _check_scalar(kind: Type, value: Any, path: str) -> None:
    if isinstance(value, (dict, list)):
        expected = {"str": "string", "int": "numeric (int or float)", "bool": "boolean"}.get(
            kind.scalar, "scalar"
        )
        raise TypedError(f"{path}: expected {expected}, got {_unstructured(value)}")
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind.scalar in {"str", "datetime", "bytes"} and not isinstance(value, str):
        raise TypedError(f"{path}: expected string, got {_unstructured(value)}")
    if kind.scalar in {"int", "float"} and not number:
        raise TypedError(f"{path}: expected numeric (int or float), got {_unstructured(value)}")
    if kind.scalar == "bool" and not isinstance(value, bool):
        raise TypedError(f"{path}: expected boolean, got {_unstructured(value)}")


def _unstructured(value: Any) -> str:
    text = value if isinstance(value, str) else go_value(value)
    if isinstance(value, str):
        text = f'"{value}"'
    return f"&value.valueUnstructured{{Value:{text}}}"
