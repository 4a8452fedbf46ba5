"""Running jobs: they go on whatever screen is open, and can be ended or repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from k3k_core.errors import K3kError
from k3k_core.lifecycle.progress import Step
from k3k_tui.jobs.job import Job, Work


class Jobs:
    """Everything that runs in the background.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._jobs: dict[int, Job] = {}
        self._work: dict[int, Work] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._listeners: list[Callable[[Job], None]] = []

    @property
    def all(self) -> tuple[Job, ...]:
        """Every job, the newest first."""
        return tuple(self._jobs[number] for number in sorted(self._jobs, reverse=True))

    @property
    def active(self) -> tuple[Job, ...]:
        """Those that have not ended."""
        return tuple(job for job in self.all if job.active)

    def start(self, title: str, target: str, work: Work, *, command: str = "") -> int:
        """Begin a job and return its number.

        Args:
            title: what it does.
            target: to what.
            work: does it.
            command: the `k3k` command that does the same.
        """
        number = len(self._jobs) + 1
        self._work[number] = work
        self._tell(Job(number, title, target, "running", started=self._clock(), command=command))
        self._tasks[number] = asyncio.create_task(self._run(number))
        return number

    def cancel(self, number: int) -> None:
        """End a job; what it has done so far stays, and it can be repeated."""
        task = self._tasks.get(number)
        if task is not None:
            task.cancel()

    def retry(self, number: int) -> int:
        """Do the work of a job that ended once more, as a new job; return its number."""
        job = self._jobs[number]
        return self.start(job.title, job.target, self._work[number], command=job.command)

    def listen(self, hear: Callable[[Job], None]) -> Callable[[], None]:
        """Hand on every change of a job from now on; return what ends it."""
        self._listeners.append(hear)
        return lambda: self._listeners.remove(hear)

    async def close(self) -> None:
        """End everything."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tell(self, job: Job) -> None:
        self._jobs[job.id] = job
        for hear in tuple(self._listeners):
            hear(job)

    async def _run(self, number: int) -> None:
        def progress(step: Step) -> None:
            job = self._jobs[number]
            self._tell(replace(job, steps=(*job.steps, step)))

        try:
            outcome = await self._work[number](progress)
        except asyncio.CancelledError:
            self._tell(replace(self._jobs[number], state="cancelled", ended=self._clock()))
            raise
        except K3kError as error:
            job = replace(self._jobs[number], state="failed", ended=self._clock())
            self._tell(replace(job, outcome=error.message, hint=error.hint or ""))
        else:
            self._tell(replace(self._jobs[number], state="done", ended=self._clock(), outcome=outcome))
