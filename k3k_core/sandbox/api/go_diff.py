"""Differences of specs as some refusals show them: Go's rendering of the structs, compared line by line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

# Fields of the internal Go structs in their order; others follow in the order they come.
_ORDER: dict[str, tuple[str, ...]] = {
    "PersistentVolumeClaimSpec": (
        "accessModes",
        "selector",
        "resources",
        "volumeName",
        "storageClassName",
        "volumeMode",
        "dataSource",
        "dataSourceRef",
        "volumeAttributesClassName",
    ),
}


def spec_difference(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return a unified difference with three lines of context.

    Args:
        kind: name of the Go struct.
        old: the stored spec.
        new: the refused spec.
    """
    before, after = _lines(kind, old), _lines(kind, new)
    lines = list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]
    return "\n".join(lines) + "\n"


def _lines(kind: str, spec: Mapping[str, Any]) -> list[str]:
    shown: Json = {}
    for name in _ORDER[kind]:
        shown[name[0].upper() + name[1:]] = _value(name, spec.get(name))
    return json.dumps(shown, indent=1, ensure_ascii=False).splitlines()


def _value(name: str, value: Any) -> Any:
    if name == "resources":
        value = value or {}
        return {"Limits": value.get("limits"), "Requests": value.get("requests")}
    if value is None:
        return "" if name == "volumeName" else None
    return value
