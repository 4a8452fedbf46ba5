"""What cells of many kinds have in common: names, ages, containers, selectors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from k3k_core.sandbox.api.strategies import selector_text

Json = dict[str, Any]

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"


def duration(seconds: float) -> str:
    """Write a duration the way kubectl does: 59s, 2m5s, 3h10m, 2d, 1y20d."""
    if seconds < -1:
        return "<invalid>"
    total = max(int(seconds), 0)
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if total < 120:
        return f"{total}s"
    if minutes < 10:
        return f"{minutes}m{total % 60}s" if total % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    return f"{days // 365}y{days % 365}d" if days % 365 and days < 2920 else f"{days // 365}y"


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
