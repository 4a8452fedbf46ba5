"""A job: one action that goes on in the background."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from k3k_core.lifecycle.progress import Progress, Step

JobState = Literal["waiting", "running", "done", "failed", "cancelled"]
# Does the work, tells its steps, and returns one sentence that says what came of it.
Work: TypeAlias = Callable[[Progress], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Job:
    """What is known of a job at one moment.

    Attributes:
        id: its number, from 1.
        title: what it does, such as "Upgrade to v1.36.2+k3s1".
        target: to what, such as "prod/shop/storefront".
        state: where it is.
        steps: what it has told, the oldest first.
        times: when it told each of them, seconds since 1970.
        started: when it was asked for, seconds since 1970.
        ended: seconds since 1970; None while it goes on.
        outcome: one sentence: what came of it, or why it failed; empty while it goes on.
        hint: what to do about a failure.
        command: the `k3k` command that does the same; empty for none.
        waits_for: number of the job before it on the same target; None when it waits for nobody.
    """

    id: int
    title: str
    target: str
    state: JobState
    steps: tuple[Step, ...] = ()
    times: tuple[float, ...] = ()
    started: float = 0.0
    ended: float | None = None
    outcome: str = ""
    hint: str = ""
    command: str = ""
    waits_for: int | None = None

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
        return self.state in {"waiting", "running"}
