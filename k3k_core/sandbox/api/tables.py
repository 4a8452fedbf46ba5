"""Tables, the form in which `kubectl get` asks for objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from k3k_core.sandbox.api.cell_texts import age
from k3k_core.sandbox.api.cells import CELLS
from k3k_core.sandbox.api.changes import Record
from k3k_core.sandbox.api.crds import CustomResources
from k3k_core.sandbox.api.objects import encode
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.schema import field_description
from k3k_core.sandbox.api.statuses import bad_request
from k3k_core.sandbox.api.strategies import dig
from k3k_core.sandbox.api.zero_values import empty_object

Json = dict[str, Any]

_COMMON: dict[str, list[Any]] = {
    "name": ["Name", "string", "name", 0, "@metadata.name"],
    "age": ["Age", "string", "", 0, "~metadata.creationTimestamp"],
    "created": ["Created At", "date", "", 0, "~metadata.creationTimestamp"],
}
_CUSTOM_AGE = ("Age", "date", "", 0, "~metadata.creationTimestamp")


def metadata_only(obj: Json) -> Json:
    """Return an object as PartialObjectMetadata."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def empty_parts(definition: Definition) -> Json:
    """Return what a BOOKMARK's object has besides metadata."""
    if definition.custom:
        return {}
    return {key: value for key, value in empty_object(definition.resource.kind).items() if key != "metadata"}


@cache
def _columns() -> dict[str, list[Any]]:
    """Columns per kind as the recorded server lists them.

    A description that begins with "@" is the documentation of that field; with "~" too, its sentences after a double
    space beginning new paragraphs.
    """
    text = files("k3k_core.sandbox.api").joinpath("data/columns.json").read_text("utf-8")
    loaded: dict[str, list[Any]] = json.loads(text)
    return loaded


@cache
def builtin_columns(group: str, version: str, kind: str) -> tuple[Json, ...]:
    """Return the column definitions of a built-in kind."""
    listed = _columns().get(f"{group}/{kind}", ["name", "created"])
    found: list[Json] = []
    for entry in listed:
        name, form, style, priority, text = _COMMON[entry] if isinstance(entry, str) else entry
        found.append(_column(name, form, style, priority, _description(text, group, version, kind)))
    return tuple(found)


def _column(name: str, form: str, style: str, priority: int, description: str) -> Json:
    return {"name": name, "type": form, "format": style, "description": description, "priority": priority}


def _description(text: str, group: str, version: str, kind: str) -> str:
    if text[:1] not in {"@", "~"}:
        return text
    found = field_description(group, version, kind, text[1:])
    return found.replace("  ", "\n\n") if text[0] == "~" else found


def _custom_columns(printer: list[Json]) -> tuple[Json, ...]:
    name = _column("Name", "string", "name", 0, field_description("", "v1", "Pod", "metadata.name"))
    if not printer:
        text = field_description("", "v1", "Pod", "metadata.creationTimestamp").replace("  ", "\n\n")
        return (name, _column("Age", "date", "", 0, text))
    columns = [name]
    for item in printer:
        text = (
            item.get("description")
            or f"Custom resource definition column (in JSONPath format): {item['jsonPath']}"
        )
        columns.append(
            _column(item["name"], item["type"], item.get("format", ""), item.get("priority", 0), text)
        )
    return tuple(columns)


def _custom_cells(printer: list[Json], obj: Json, now: float) -> list[Any]:
    cells: list[Any] = [obj["metadata"]["name"]]
    if not printer:
        return [*cells, age(obj["metadata"].get("creationTimestamp"), now)]
    for item in printer:
        value = json_path(obj, item["jsonPath"])
        if item["type"] == "date" and value is not None:
            value = age(value, now)
        elif item["type"] == "string" and isinstance(value, bool):
            value = str(value).lower()
        elif item["type"] == "string" and isinstance(value, (dict, list)):
            value = json.dumps(value, separators=(",", ":"))
        cells.append(value)
    return cells


def json_path(obj: Any, path: str) -> Any:
    """Return the value at a JSON path as printer columns use it: fields, indexes, `[?(@.a=="b")]`."""
    import re

    for part in re.findall(r"\.([^.\[\]]+)|\[(\?\(@\.[^\]]+\)|\d+|'[^']+')\]", path):
        field, bracket = part
        if field:
            obj = obj.get(field) if isinstance(obj, dict) else None
        elif bracket.isdigit():
            obj = obj[int(bracket)] if isinstance(obj, list) and int(bracket) < len(obj) else None
        elif bracket.startswith("'"):
            obj = obj.get(bracket[1:-1]) if isinstance(obj, dict) else None
        else:
            match = re.match(r"""\?\(@\.(\S+?)\s*==\s*["'](.*)["']\)""", bracket)
            items = obj if isinstance(obj, list) else []
            wanted = [item for item in items if match and str(dig(item, match[1])) == match[2]]
            obj = wanted[0] if wanted else None
    return obj


class Printer:
    """Makes tables of one resource type.

    Args:
        definition: the resource type.
        custom: knows the printer columns of custom types.
        include: "None", "Metadata" or "Object": what of each object a row carries.
        now: seconds since the epoch, for ages.
    """

    def __init__(self, definition: Definition, custom: CustomResources, include: str, now: float) -> None:
        if include not in {"", "None", "Metadata", "Object"}:
            text = "must be 'Metadata', 'Object', 'None', or empty"
            problem = f'includeObject: Invalid value: "{include}": {text}'
            raise bad_request(f"Unable to convert to Table as requested: {problem}")
        self._definition = definition
        self._include = include or "Metadata"
        self._now = now
        self._printer: list[Json] | None = None
        if definition.custom:
            self._printer = custom.version_of(definition.resource).get("additionalPrinterColumns") or []

    def columns(self) -> list[Json]:
        resource = self._definition.resource
        if self._printer is not None:
            return list(_custom_columns(self._printer))
        return list(builtin_columns(resource.group, resource.version, resource.kind))

    def row(self, obj: Json) -> Json:
        if self._printer is not None:
            cells = _custom_cells(self._printer, obj, self._now)
        else:
            make = CELLS.get(self._definition.resource.kind)
            columns = self.columns()
            meta = obj["metadata"]
            if make is not None:
                cells = make(obj, self._now)
            elif columns[-1]["name"] == "Created At":
                cells = [meta["name"], meta.get("creationTimestamp")]
            else:
                cells = [
                    meta["name"],
                    *("" for _ in columns[1:-1]),
                    age(meta.get("creationTimestamp"), self._now),
                ]
        carried: Json | None = obj
        if self._include == "None":
            carried = None
        elif self._include == "Metadata":
            carried = metadata_only(obj)
        return {"cells": cells, "object": carried}

    def table(self, objects: list[Json], metadata: Json, *, columns: bool = True) -> Json:
        """Return a table of objects with the given list metadata."""
        return {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "columnDefinitions": self.columns() if columns else None,
            "rows": [self.row(obj) for obj in objects],
        }


def table(
    definition: Definition,
    custom: CustomResources,
    objects: list[Json],
    metadata: Json,
    query: Mapping[str, str],
    now: float,
) -> Json:
    """Return a table of objects."""
    return Printer(definition, custom, query.get("includeObject", ""), now).table(objects, metadata)


class WatchTables:
    """Makes the tables of a watch: the columns come with the first event only."""

    def __init__(
        self, definition: Definition, custom: CustomResources, query: Mapping[str, str], now: Any
    ) -> None:
        self._arguments = (definition, custom, query.get("includeObject", ""))
        self._now = now
        self._first = True
        # An impossible parameter is refused before the watch begins.
        Printer(*self._arguments, now())

    def encode(self, record: Record) -> bytes:
        printer = Printer(*self._arguments, self._now())
        version = record.object["metadata"].get("resourceVersion", "")
        made = printer.table([record.object], {"resourceVersion": version}, columns=self._first)
        self._first = False
        return encode(made)

    def bookmark(self, meta: Json) -> bytes:
        printer = Printer(*self._arguments, self._now())
        empty: Json = {**empty_parts(self._arguments[0]), "metadata": meta}
        made = printer.table([empty], {"resourceVersion": meta["resourceVersion"]}, columns=self._first)
        self._first = False
        return encode(made)
