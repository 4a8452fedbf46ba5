"""What stands on a root beside its values: labels, and marks that verbs set and an upgrade leaves alone.

A time to live and protection begin as the values say. From then on `k3k ttl` and `k3k protect` change the marks, and
an upgrade touches them only when it changes the value itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from k3k_core.discovery.control_plane import format_time, parse_time
from k3k_core.names import ANNOTATION_EXPIRES_AT, ANNOTATION_PROTECTED
from k3k_core.values import Values


def renewed_metadata(
    root: Mapping[str, Any], fresh: Mapping[str, Any], stored: Values, wanted: Values
) -> dict[str, Any]:
    """Return the metadata of a root that is about to hold other values.

    Args:
        root: the root Secret as it is.
        fresh: the root Secret as it is rendered for the wanted values.
        stored: the values it holds.
        wanted: the values it is about to hold.
    """
    metadata = root["metadata"]
    annotations = {**(metadata.get("annotations") or {}), **(fresh["metadata"].get("annotations") or {})}
    _mark(annotations, ANNOTATION_EXPIRES_AT, _expires_at(metadata, stored, wanted))
    _mark(annotations, ANNOTATION_PROTECTED, _protected(metadata, stored, wanted))
    own = fresh["metadata"].get("labels") or {}
    labels = {
        key: value
        for key, value in (metadata.get("labels") or {}).items()
        if key in own or key not in stored.labels
    }
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    return {**kept, "annotations": annotations, "labels": {**labels, **own}}


def _mark(annotations: dict[str, str], name: str, text: str | None) -> None:
    if text is None:
        annotations.pop(name, None)
    else:
        annotations[name] = text


def _expires_at(metadata: Mapping[str, Any], stored: Values, wanted: Values) -> str | None:
    """Return the end of the time to live, which a changed value counts from the creation."""
    if stored.ttl == wanted.ttl:
        return (metadata.get("annotations") or {}).get(ANNOTATION_EXPIRES_AT)
    created = parse_time(metadata.get("creationTimestamp")) or datetime.now(UTC)
    lifetime = wanted.ttl_seconds
    return format_time(created + timedelta(seconds=lifetime)) if lifetime else None


def _protected(metadata: Mapping[str, Any], stored: Values, wanted: Values) -> str | None:
    if stored.protect == wanted.protect:
        return (metadata.get("annotations") or {}).get(ANNOTATION_PROTECTED)
    return "true" if wanted.protect else None
