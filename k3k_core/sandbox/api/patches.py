"""Applying patches to JSON objects: merge patch, JSON patch, strategic merge patch."""

from __future__ import annotations

from typing import Any

from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.api.schema import DEDUCED, Type
from k3k_core.sandbox.api.statuses import bad_request, internal, status

Json = dict[str, Any]


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply an RFC 7386 merge patch."""
    if not isinstance(patch, dict):
        return clone(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def json_patch(target: Json, operations: Any) -> Json:
    """Apply an RFC 6902 JSON patch.

    Raises:
        ApiError: 400 for a patch that is none, 422 for one that cannot be applied.
    """
    if not isinstance(operations, list) or not all(isinstance(item, dict) for item in operations):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        )
    result: Any = clone(target)
    try:
        for operation in operations:
            result = _operate(result, operation)
    except (KeyError, IndexError, ValueError, TypeError):
        message = "the server rejected our request due to an error in our request"
        raise status(422, "Invalid", message, details={}) from None
    if not isinstance(result, dict):
        raise bad_request("the patched document is no object")
    return result


def _operate(document: Any, operation: Json) -> Any:
    kind, path = operation["op"], _pointer(operation["path"])
    if kind == "test":
        if _find(document, path) != operation.get("value"):
            raise ValueError(path)
        return document
    if kind == "remove":
        return _remove(document, path)
    if kind == "add":
        return _add(document, path, clone(operation["value"]))
    if kind == "replace":
        # A missing field is set, as the library the real server uses does.
        if path and isinstance(_find(document, path[:-1]), list):
            document = _remove(document, path)
        return _add(document, path, clone(operation["value"]))
    origin = _pointer(operation["from"])
    value = clone(_find(document, origin))
    if kind == "move":
        document = _remove(document, origin)
    elif kind != "copy":
        raise ValueError(kind)
    return _add(document, path, value)


def _pointer(text: str) -> list[str]:
    if text == "":
        return []
    if not text.startswith("/"):
        raise ValueError(text)
    return [part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")]


def _find(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _find(document, path[:-1])
    if isinstance(parent, list):
        position = len(parent) if path[-1] == "-" else int(path[-1])
        if not 0 <= position <= len(parent):
            raise IndexError(position)
        parent.insert(position, value)
    else:
        parent[path[-1]] = value
    return document


def _remove(document: Any, path: list[str]) -> Any:
    parent = _find(document, path[:-1])
    if isinstance(parent, list):
        del parent[int(path[-1])]
    else:
        del parent[path[-1]]
    return document


# Lists whose items a strategic merge patch matches by a key; other lists are replaced.
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "secrets": "name",
    "hostAliases": "ip",
    "podIPs": "ip",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ownerReferences": "uid",
    "conditions": "type",
    "taints": "key",
    "addresses": "type",
    "topologySpreadConstraints": "topologyKey",
    "webhooks": "name",
    "resourceClaims": "name",
    "schedulingGates": "name",
    "claims": "name",
}
_PRIMITIVE_MERGE = frozenset({"finalizers", "podCIDRs"})


def _merge_key(name: str, items: list[Any]) -> str | None:
    if name == "ports":
        dicts = [item for item in items if isinstance(item, dict)]
        return "containerPort" if any("containerPort" in item for item in dicts) else "port"
    return _MERGE_KEYS.get(name)


_PATCH_DIRECTIVES = ("replace", "delete", "merge")


def strategic_merge(target: Json, patch: Json, kind: Type) -> Json:
    """Apply a strategic merge patch.

    Args:
        target: the object.
        patch: may hold the directives `$patch`, `$retainKeys`, `$deleteFromPrimitiveList/...` and
            `$setElementOrder/...`.
        kind: type of the object.

    Raises:
        ApiError: 400 or 500, a malformed directive.
    """
    directive = patch.get("$patch")
    if directive is not None and directive not in _PATCH_DIRECTIVES:
        raise internal(f"unknown patch type: {directive} in map: {go_format(patch)}")
    if directive == "replace":
        return {key: clone(value) for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    result = _retain(dict(target), patch)
    for key, value in patch.items():
        if not key.startswith("$"):
            order = patch.get(f"$setElementOrder/{key}")
            _merge_field(result, key, value, order, kind.field(key) or DEDUCED)
    for key, value in patch.items():
        name = key.partition("/")[2]
        if key.startswith("$deleteFromPrimitiveList/"):
            result[name] = [item for item in result.get(name) or () if item not in value]
        elif key.startswith("$setElementOrder/") and name not in patch:
            items = result.get(name)
            if isinstance(items, list):
                result[name] = _ordered(items, items, value, _merge_key(name, items))
    return result


def _retain(result: Json, patch: Json) -> Json:
    """Drop what a `$retainKeys` directive does not list."""
    retained = patch.get("$retainKeys")
    if retained is None:
        return result
    if any(key not in retained for key in patch if not key.startswith("$")):
        raise bad_request("invalid patch format of retainKeys")
    return {key: value for key, value in result.items() if key in retained}


def _merge_field(result: Json, key: str, value: Any, order: Any, kind: Type) -> None:
    if value is None:
        result.pop(key, None)
        return
    old = result.get(key)
    if isinstance(value, dict) and kind.kind != "any":
        if old is None and "$patch" in value and kind.kind == "map":
            return
        result[key] = strategic_merge(old if isinstance(old, dict) else {}, value, kind)
        if value.get("$patch") == "delete":
            result.pop(key, None)
    elif isinstance(value, list):
        result[key] = _merge_list(key, old or [], value, order, kind)
    else:
        result[key] = clone(value)


def _merge_list(name: str, old: list[Any], new: list[Any], order: Any, kind: Type) -> list[Any]:
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in new):
        return [clone(item) for item in new if "$patch" not in item]
    if name in _PRIMITIVE_MERGE:
        merged = [*old, *(item for item in new if item not in old)]
        return _ordered(merged, old, order or new, None)
    key = _merge_key(name, [*old, *new]) if kind.element.kind == "struct" else None
    if key is None or not all(isinstance(item, dict) for item in new):
        copied: list[Any] = clone(new)
        return copied
    result = list(old)
    for item in new:
        _merge_item(result, item, key, kind.element)
    return _ordered(result, old, order or new, key)


def _merge_item(result: list[Any], item: Json, key: str, kind: Type) -> None:
    if key not in item:
        raise internal(f"map: {go_format(item)} does not contain declared merge key: {key}")
    directive = item.get("$patch")
    if directive is not None and directive not in _PATCH_DIRECTIVES:
        raise internal(f"unknown patch type: {directive} in map: {go_format(item)}")
    position = next((i for i, other in enumerate(result) if other.get(key) == item[key]), None)
    if directive == "delete":
        if position is not None:
            del result[position]
    elif position is None:
        result.append(strategic_merge({}, item, kind))
    else:
        result[position] = strategic_merge(result[position], item, kind)


def _ordered(items: list[Any], server: list[Any], order: list[Any], key: str | None) -> list[Any]:
    """Put the items the order names into that order, and the others where the server had them."""

    def mark(item: Any) -> Any:
        return item.get(key) if key is not None and isinstance(item, dict) else item

    wanted = [mark(item) for item in order]
    known = [mark(item) for item in server]
    right = sorted(
        (item for item in items if mark(item) in wanted), key=lambda item: wanted.index(mark(item))
    )
    left = [item for item in items if mark(item) not in wanted]
    result: list[Any] = []
    while left and right:
        here, there = mark(left[0]), mark(right[0])
        before = here in known and there in known and known.index(here) < known.index(there)
        result.append(left.pop(0) if before else right.pop(0))
    return result + left + right


def go_format(value: Any) -> str:
    """Write a value as Go's `%v` does."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_format(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(go_format(item) for item in value) + "]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)
