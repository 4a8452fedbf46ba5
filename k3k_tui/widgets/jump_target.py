"""What jump mode can put the cursor on; widgets offer more of it than themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class JumpTarget:
    """One place that a letter leads to.

    Attributes:
        x: column of the screen where its letter stands.
        y: line of the screen.
        go: goes there.
    """

    x: int
    y: int
    go: Callable[[], object]


@runtime_checkable
class Jumpable(Protocol):
    """A widget with several places to jump to, such as the lines of a table."""

    def jump_targets(self) -> Iterable[JumpTarget]:
        """Return them; they stand for the widget itself."""
        ...
