"""Patches of objects and configurations to be applied, before they are read as objects."""

from __future__ import annotations

from typing import Any

from k3k_core.sandbox.api import patches, typed
from k3k_core.sandbox.api.objects import clone, encode
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.schema import Type
from k3k_core.sandbox.api.statuses import (
    ApiError,
    bad_request,
    internal,
    invalid,
    invalid_value,
)

Json = dict[str, Any]


def patched(kind: Type, old: Json, body: Any, media_type: str) -> Json:
    """Return an object with a patch applied to it.

    Args:
        kind: type of the object.
        old: the object.
        body: the parsed patch.
        media_type: which kind of patch it is.

    Raises:
        ApiError: 400, the patch is not of its kind.
    """
    if media_type == "application/json-patch+json":
        return patches.json_patch(old, body)
    if not isinstance(body, dict):
        prefix = "" if media_type.startswith("application/strategic") else "error decoding patch: "
        raise bad_request(
            f"{prefix}json: cannot unmarshal array into Go value of type map[string]interface {{}}"
        )
    if media_type == "application/merge-patch+json":
        result: Json = patches.merge_patch(old, body)
        return result
    return patches.strategic_merge(clone(old), body, kind)


def check_applied(definition: Definition, configuration: Json, kind: Type) -> None:
    """Refuse what cannot be applied on the server's side.

    Args:
        definition: resource type of the request.
        configuration: what was sent.
        kind: type of the object.

    Raises:
        ApiError: it is of another type, or not as the type wants it.
    """
    resource = definition.resource
    given = (configuration.get("apiVersion") or "", configuration.get("kind") or "")
    if given != (resource.api_version, resource.kind):
        group, _, version = str(given[0]).rpartition("/")
        raise bad_request(f"invalid object type: {group}/{version}, Kind={given[1]}")
    if not isinstance(configuration.setdefault("metadata", {}), dict):
        raise internal("metadata: expected map")
    if configuration["metadata"].get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    try:
        typed.check(kind, configuration)
    except typed.TypedError as error:
        meta = configuration["metadata"]
        where = f"{meta.get('namespace', '')}/{meta.get('name', '')}"
        what = f"{where}; {resource.group}/{resource.version}, Kind={resource.kind}"
        raise internal(f"failed to create typed patch object ({what}): {error}") from None


def unusable_patch(
    definition: Definition, body: Any, patched: Json, problem: str, media_type: str
) -> ApiError:
    """Return the refusal of a patch whose result cannot be read; it quotes the patch or the patched object.

    Args:
        definition: resource type.
        body: the parsed patch.
        patched: the result.
        problem: what is wrong with that.
        media_type: which kind of patch it is.
    """
    detail = problem.split(f" cannot be handled as a {definition.resource.kind}: ", 1)[-1]
    if media_type == "application/strategic-merge-patch+json":
        shown = patches.go_format(body)
    else:
        ordered = {key: _sorted_map(key, patched[key]) for key in sorted(patched)}
        if isinstance(patched.get("metadata"), dict):
            ordered["metadata"] = _in_go_order(patched["metadata"])
        shown = encode(ordered).decode()
    return invalid("", "", "", [invalid_value("patch", shown, detail)])


_META_ORDER = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)


def _in_go_order(meta: Json) -> Json:
    known = {key: _sorted_map(key, meta[key]) for key in _META_ORDER if key in meta}
    return known | {key: value for key, value in meta.items() if key not in known}


def _sorted_map(key: str, value: Any) -> Any:
    """Go writes the keys of maps, but not the fields of structs, in alphabetical order."""
    if key in {"data", "binaryData", "stringData", "labels", "annotations"} and isinstance(value, dict):
        return dict(sorted(value.items()))
    return value
