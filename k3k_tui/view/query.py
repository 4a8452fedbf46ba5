"""The filter of the fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k3k_core.fleet import FleetRow


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a filter.

    Attributes:
        message: one sentence.
        hint: what to write instead.
        position: index of the character it begins at.
    """

    message: str
    hint: str
    position: int


@dataclass(frozen=True, slots=True)
class Query:
    """A filter, read.

    Attributes:
        text: as it was typed.
        timed: whether time alone can change what it lets through.
        problem: what is wrong with it; None when it can be used.
    """

    text: str = ""
    timed: bool = False
    problem: Problem | None = None

    def matches(self, row: FleetRow, now: float) -> bool:  # noqa: ARG002
        """Tell whether a row is let through."""
        plane = row.control_plane
        return self.text.lower() in f"{plane.namespace}/{plane.name}\n{plane.host}".lower()


def parse(text: str) -> Query:
    """Read a filter; what is wrong with it is in the result.

    Args:
        text: as it was typed.
    """
    return Query(text.strip())
