"""Tiers: resources of each server by one word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TIERS: Mapping[str, Mapping[str, str]] = {
    "small": {"cpu": "100m", "memory": "512Mi"},
    "medium": {"cpu": "500m", "memory": "1Gi"},
    "large": {"cpu": "2", "memory": "4Gi"},
}


def with_tier(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a tree of values with the requests of its tier, where it does not name them itself.

    Args:
        given: the tree; what is wrong in it stays as it is.
    """
    tier, resources = given.get("tier"), given.get("resources")
    preset = TIERS.get(tier) if isinstance(tier, str) else None
    resources = {} if resources is None else resources
    if preset is None or not isinstance(resources, Mapping):
        return given
    requests = resources.get("requests")
    requests = {} if requests is None else requests
    if not isinstance(requests, Mapping):
        return given
    named = {key: value for key, value in requests.items() if value is not None}
    return {**given, "resources": {**resources, "requests": {**preset, **named}}}


def without_tier(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return all values without the requests that their tier gives: another tier can take its place.

    Args:
        document: all values, as the model dumps them.
    """
    preset = TIERS.get(document.get("tier", ""), {})
    resources = document.get("resources") or {}
    requests = resources.get("requests") or {}
    kept = {key: value for key, value in requests.items() if preset.get(key) != value}
    return {**document, "resources": {**resources, "requests": kept}} if preset else dict(document)
