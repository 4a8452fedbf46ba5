"""`/openapi/v2`: what kubectl before 1.27 reads before it applies or creates from files, or does a dry run.

It asks for the document in protobuf and takes a 404 for a failure of the whole command. It looks at the
PATCH operations (does this kind take `dryRun`?) and at the definitions, which are left out: a kind without
one is not validated by the client, and the server validates anyway. Messages are numbered as in gnostic's
OpenAPIv2.proto.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from k3k_core.sandbox.api.registry import Definition

Json = dict[str, Any]

# What the real server says it is.
MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

_KIND = "x-kubernetes-group-version-kind"
_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force")
_LENGTH_DELIMITED = 2


def document(definitions: Iterable[Definition], version: str) -> Json:
    """Return the document as JSON: the PATCH operation of every kind that has one.

    Args:
        definitions: the resource types.
        version: the server's version.
    """
    paths = {}
    for definition in definitions:
        resource = definition.resource
        if "patch" in definition.verbs:
            path = resource.path("{namespace}" if resource.namespaced else None, "{name}")
            kind = {"group": resource.group, "kind": resource.kind, "version": resource.version}
            parameters = [{"in": "query", "name": name, "type": "string"} for name in _PARAMETERS]
            paths[path] = {"patch": {"parameters": parameters, "responses": {}, _KIND: kind}}
    return {"swagger": "2.0", "info": {"title": "Kubernetes", "version": version}, "paths": paths}


def encode(document: Json) -> bytes:
    """Return a document that `document` made as a protobuf `Document` message."""
    info = _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])
    paths = b"".join(_message(2, _path(*item)) for item in document["paths"].items())
    return _text(1, document["swagger"]) + _message(2, info) + _message(8, paths)


def _path(path: str, item: Json) -> bytes:
    """Return a NamedPathItem."""
    return _text(1, path) + _message(2, _message(8, _operation(item["patch"])))


def _operation(operation: Json) -> bytes:
    parameters = b"".join(_message(8, _parameter(item)) for item in operation["parameters"])
    # A NamedAny, whose value is YAML, which JSON is.
    kind = _text(1, _KIND) + _message(2, _text(2, json.dumps(operation[_KIND])))
    return parameters + _message(13, kind)


def _parameter(parameter: Json) -> bytes:
    """Return a ParametersItem that holds a Parameter, a NonBodyParameter and a QueryParameterSubSchema."""
    schema = _text(2, parameter["in"]) + _text(4, parameter["name"]) + _text(6, parameter["type"])
    return _message(1, _message(2, _message(3, schema)))


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode())


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
