"""Cells: text that is safe to show, with a meaning instead of a colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal[
    "text",
    "muted",
    "title",
    "accent",
    "good",
    "info",
    "warn",
    "bad",
    "add",
    "remove",
    "healthy",
    "degraded",
    "down",
    "progressing",
    "paused",
    "expired",
    "unknown",
    "plot-1",
    "plot-2",
    "plot-3",
    "plot-4",
]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: on one line, without control characters; it is cut to its column by whoever draws it.
        role: what it means; the theme gives it its colour.
    """

    text: str
    role: Role = "text"
