"""How a write is to be done, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """How a write is to be done.

    Attributes:
        manager: field manager.
        dry_run: do everything but store.
        field_validation: "Strict", "Warn" or "Ignore".
        force: an apply takes contested fields.
        subresource: "status" or empty.
        user: who asks, for objects that record it.
    """

    manager: str = "unknown"
    dry_run: bool = False
    field_validation: str = "Warn"
    force: bool = False
    subresource: str = ""
    user: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """Outcome of a write: HTTP status, the object to answer, warnings for the client."""

    code: int
    object: Json
    warnings: tuple[str, ...] = ()
