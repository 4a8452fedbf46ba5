"""Tables for `kubectl get`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k3k_core.sandbox.registry import Definition
from k3k_core.sandbox.store import Record, encode

Json = dict[str, Any]


def metadata_only(obj: Json) -> Json:
    """Return an object as PartialObjectMetadata."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def empty_parts(definition: Definition) -> Json:
    from k3k_core.sandbox.decoding import empty_object

    if definition.custom:
        return {}
    return {key: value for key, value in empty_object(definition.resource.kind).items() if key != "metadata"}


def table(
    definition: Definition, custom: Any, objects: list[Json], metadata: Json, query: Mapping[str, str]
) -> Json:
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [],
        "rows": [],
    }


class WatchTables:
    def __init__(self, definition: Definition, custom: Any, query: Mapping[str, str]) -> None:
        self.args = (definition, custom, query)

    def encode(self, record: Record) -> bytes:
        return encode(table(self.args[0], self.args[1], [record.object], {}, self.args[2]))

    def bookmark(self, meta: Json) -> bytes:
        return encode(
            {
                "kind": "Table",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": meta,
                "columnDefinitions": None,
                "rows": [],
            }
        )
