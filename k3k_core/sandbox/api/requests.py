"""Reading HTTP requests: which resource a path means, which verb, which representation the client accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from k3k_core.sandbox.api.statuses import bad_request, no_representation, not_acceptable

_NAMED_VERBS = {
    "GET": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
    "POST": "create",
}
_COLLECTION_VERBS = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """What a request is about.

    Attributes:
        path: the whole path.
        verb: get, list, watch, create, ...; for other paths the method in lower case.
        is_resource: whether the path is one of a resource type.
        group: API group.
        version: API version.
        namespace: None for cluster-scoped paths and lists over all namespaces.
        plural: resource type.
        name: of the object, empty for collections.
        subresource: e.g. "status".
        selected_name: the one name that a collection's field selector asks for.
    """

    path: str
    verb: str
    is_resource: bool = False
    group: str = ""
    version: str = ""
    namespace: str | None = None
    plural: str = ""
    name: str = ""
    subresource: str = ""
    selected_name: str = ""


def read_path(method: str, path: str, query: Mapping[str, str]) -> RequestInfo:
    """Split a URL path the way kube-apiserver's request info resolver does.

    Args:
        method: HTTP method.
        path: decoded path.
        query: query parameters; `watch` makes a list a watch.
    """
    parts = path.strip("/").split("/")
    other = RequestInfo(path, method.lower())
    if len(parts) >= 3 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return other
    namespace: str | None = None
    legacy_watch = rest[0] == "watch" and len(rest) > 1
    if legacy_watch:
        rest = rest[1:]
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in {"finalize", "status"}:
        namespace, rest = rest[1], rest[2:]
    plural, name = rest[0], rest[1] if len(rest) > 1 else ""
    subresource = "/".join(rest[2:])
    verbs = _NAMED_VERBS if name else _COLLECTION_VERBS
    verb = verbs.get(method, method.lower())
    watching = legacy_watch or (is_true(query, "watch") and not name)
    if verb in {"list", "get"} and watching and not subresource:
        verb = "watch"
    selected = "" if name else _selected_name(query)
    return RequestInfo(path, verb, True, group, version, namespace, plural, name, subresource, selected)


def _selected_name(query: Mapping[str, str]) -> str:
    """Return the name that a field selector requires, if it does."""
    for part in query.get("fieldSelector", "").split(","):
        field_name, _, value = part.partition("=")
        if field_name == "metadata.name":
            return value.removeprefix("=")
    return ""


def is_true(query: Mapping[str, str], name: str) -> bool:
    """Read a boolean parameter: present and neither "false" nor "0"."""
    value = query.get(name)
    return value is not None and value.lower() not in {"false", "0"}


@dataclass(frozen=True, slots=True)
class Representation:
    """How to answer.

    Attributes:
        media_type: "application/json" or "application/yaml".
        form: "" for the objects themselves, else "Table", "PartialObjectMetadata(List)" or "APIGroupDiscoveryList".
        form_version: version asked for with `v=`.
    """

    media_type: str = "application/json"
    form: str = ""
    form_version: str = ""


@dataclass(frozen=True, slots=True)
class _Clause:
    media_type: str
    parameters: dict[str, str] = field(default_factory=dict)


def _clauses(header: str) -> list[_Clause]:
    found: list[_Clause] = []
    for part in header.split(","):
        media_type, *rest = (item.strip() for item in part.split(";"))
        parameters = dict(item.split("=", 1) for item in rest if "=" in item)
        found.append(_Clause(media_type.lower(), parameters))
    found.sort(key=lambda clause: -_quality(clause.parameters.get("q", "1")))
    return found


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def negotiate(header: str, *, forms: tuple[str, ...] = ()) -> Representation:
    """Choose how to answer from an Accept header.

    Args:
        header: the header's value; empty accepts anything.
        forms: alternative forms the endpoint has, e.g. "Table".

    Raises:
        ApiError: 406.
    """
    known_type = False
    for clause in _clauses(header or "*/*"):
        media_type = clause.media_type
        known_type = known_type or media_type == "application/vnd.kubernetes.protobuf"
        if media_type in {"*/*", "application/*"}:
            media_type = "application/json"
        if media_type not in {"application/json", "application/yaml"}:
            continue
        known_type = True
        form = clause.parameters.get("as", "")
        if not form:
            return Representation(media_type)
        version = clause.parameters.get("v", "")
        group = clause.parameters.get("g", "")
        known = {"apidiscovery.k8s.io": ("v2",), "meta.k8s.io": ("v1", "v1beta1")}
        if form in forms and version in known.get(group, ()):
            return Representation(media_type, form, version)
    raise not_acceptable() if known_type else no_representation()


def number(query: Mapping[str, str], name: str) -> int:
    """Read a number; negative ones count as 0.

    Raises:
        ApiError: 400, it is none.
    """
    text = query.get(name, "")
    if text and not re.fullmatch(r"[+-]?\d+", text):
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return max(int(text), 0) if text else 0


Json = dict[str, Any]
