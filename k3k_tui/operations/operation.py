"""One thing that can be done to control planes, as the app starts it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from textual.app import App

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey

# Asks what has to be asked and starts the job: the app, what to work on, and further words of a command.
Start: TypeAlias = "Callable[[App[Any], tuple[FleetKey, ...], tuple[str, ...]], Awaitable[None]]"
Takes: TypeAlias = Literal["nothing", "one", "several"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be done to control planes.

    Attributes:
        name: what the actions registry calls it: `app.operate('NAME')`.
        title: what people call it, as in "Delete".
        start: begins it; it may show dialogs and await their answers.
        takes: how many control planes it works on at once.
        changes: whether it changes something on a host; read-only mode refuses those.
    """

    name: str
    title: str
    start: Start
    takes: Takes = "one"
    changes: bool = True

    @property
    def many(self) -> bool:
        """Whether it works on several control planes at once."""
        return self.takes == "several"
