"""What a lifecycle verb tells while it works: one `Step` a line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

StepState = Literal["started", "done", "skipped", "warning"]


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a verb's progress.

    Attributes:
        name: stable name of the step, e.g. "namespace" or "address".
        state: "started" and "done" frame a step that takes time, "skipped" had nothing to do, "warning" needs
            a look.
        message: one sentence for a person.
        subject: the object it is about, as "Kind/name"; empty for none.
    """

    name: str
    state: StepState
    message: str
    subject: str = ""


Progress = Callable[[Step], None]


def silent(_step: Step) -> None:
    """Take a step and tell nobody."""
