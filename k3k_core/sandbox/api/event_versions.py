"""The two faces of events: `v1` and `events.k8s.io/v1` show the same stored objects with different field names."""

from __future__ import annotations

from typing import Any

from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.statuses import FieldError, invalid_value, required

Json = dict[str, Any]

_GROUP = "events.k8s.io"
# events.k8s.io/v1 name -> v1 name, where they differ.
_NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_BACK = {core: name for name, core in _NAMES.items()}


def to_storage(definition: Definition, obj: Json) -> Json:
    """Return an object as it is stored: events in the form of the core group."""
    if definition.resource.group != _GROUP:
        return obj
    stored = {_NAMES.get(key, key): value for key, value in obj.items()}
    stored["apiVersion"] = "v1"
    for name, zero in (("involvedObject", {}), ("source", {}), ("reportingComponent", "")):
        stored.setdefault(name, zero)
    return stored


def from_storage(definition: Definition, obj: Json) -> Json:
    """Return a stored object in the form of the group and version it is asked for in."""
    if definition.custom and obj.get("kind") == definition.resource.kind:
        # Without conversion webhooks the versions of a custom resource differ in their name only.
        return {**obj, "apiVersion": definition.resource.api_version}
    if definition.resource.group != _GROUP or obj.get("kind") != "Event":
        return obj
    shown = {_BACK.get(key, key): value for key, value in obj.items()}
    shown["apiVersion"] = definition.resource.api_version
    for name in ("regarding", "reportingController", "reportingInstance"):
        if not shown.get(name):
            shown.pop(name, None)
    return shown


def event_errors(obj: Json) -> list[FieldError]:
    """Check a new event in either form."""
    if "regarding" in obj or str(obj.get("apiVersion", "")).startswith(_GROUP):
        return _new_form_errors(obj)
    involved = (obj.get("involvedObject") or {}).get("namespace") or ""
    home = obj["metadata"].get("namespace", "")
    if involved != home and not (involved == "" and home == "default"):
        return [invalid_value("involvedObject.namespace", involved, "does not match event.namespace")]
    return []


def _new_form_errors(obj: Json) -> list[FieldError]:
    errors = [
        required(name)
        for name in ("eventTime", "reportingController", "reportingInstance", "action", "reason")
        if not obj.get(name)
    ]
    if obj.get("type") not in {"Normal", "Warning"}:
        errors.append(invalid_value("type", "", f"has invalid value: {obj.get('type', '')}"))
    return errors
