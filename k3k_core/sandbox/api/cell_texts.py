"""What cells of many kinds have in common: names, ages, containers, selectors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from k3k_core.ages import format_age
from k3k_core.sandbox.api.strategies import selector_text

Json = dict[str, Any]

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"


def duration(seconds: float) -> str:
    """Write a duration as a table of the API holds it."""
    return "<invalid>" if seconds < -1 else format_age(seconds)


def seconds_of(text: str) -> float:
    """Read an RFC 3339 time as seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


def age(text: str | None, now: float) -> str:
    """Return the time since a timestamp."""
    return duration(now - seconds_of(text)) if text else UNKNOWN


def name_of(obj: Json) -> str:
    return str(obj["metadata"].get("name", ""))


def age_of(obj: Json, now: float) -> str:
    return age(obj["metadata"].get("creationTimestamp"), now)


def _containers(spec: Json) -> tuple[str, str]:
    items = spec.get("containers") or ()
    return ",".join(item["name"] for item in items), ",".join(item.get("image", "") for item in items)


def template_cells(obj: Json) -> tuple[str, str]:
    return _containers(obj["spec"]["template"].get("spec") or {})


def selector_cell(selector: Json | None) -> str:
    return selector_text(selector) or NONE if selector else NONE
