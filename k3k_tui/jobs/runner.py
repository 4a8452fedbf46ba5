"""Running jobs: they go on whatever screen is open, and can be ended or repeated."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from weakref import WeakValueDictionary

from k3k_core.errors import K3kError
from k3k_core.lifecycle.progress import Step
from k3k_tui.jobs.job import Job, JobState, Work

_LOG = logging.getLogger(__name__)
# How many work at the same time: an action on a hundred control planes must not ask its host for all at once.
AT_ONCE = 4
# How many ended jobs, and steps of one job, are remembered.
KEPT_JOBS = 200
KEPT_STEPS = 500
# How long ending the dashboard waits for jobs to clean up, in seconds.
_PATIENCE = 5.0
_CANCELLED = "Cancelled. What was done so far stays; the same again goes on where it stopped."


class Jobs:
    """Everything that runs in the background.

    Jobs on one target follow one another; only so many targets are worked on at the same time.

    Args:
        clock: seconds since 1970.
        at_once: how many jobs may work at the same time.
    """

    def __init__(self, clock: Callable[[], float] = time.time, *, at_once: int = AT_ONCE) -> None:
        self._clock = clock
        self._numbers = count(1)
        self._jobs: dict[int, Job] = {}
        self._work: dict[int, Work] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._listeners: list[Callable[[Job], None]] = []
        self._free = asyncio.Semaphore(at_once)
        self._targets: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def all(self) -> tuple[Job, ...]:
        """Every job that is remembered, the newest first."""
        return tuple(self._jobs[number] for number in sorted(self._jobs, reverse=True))

    @property
    def active(self) -> tuple[Job, ...]:
        """Those that have not ended."""
        return tuple(job for job in self.all if job.active)

    def get(self, number: int) -> Job | None:
        """Return a job, None when it is not remembered.

        Args:
            number: of the job.
        """
        return self._jobs.get(number)

    def start(self, title: str, target: str, work: Work, *, command: str = "") -> int:
        """Begin a job and return its number; it waits while another works on the same target.

        Args:
            title: what it does.
            target: to what.
            work: does it.
            command: the `k3k` command that does the same.
        """
        before = next((job.id for job in self.active if job.target == target), None)
        number = next(self._numbers)
        self._work[number] = work
        self._tell(
            Job(number, title, target, "waiting", started=self._clock(), command=command, waits_for=before)
        )
        task = asyncio.create_task(self._run(number, self._lock(target)), name=f"job {number}")
        self._tasks[number] = task
        task.add_done_callback(lambda _: self._ended(number))
        return number

    def cancel(self, number: int) -> None:
        """End a job; what it has done so far stays, and it can be repeated.

        Args:
            number: of the job.
        """
        task = self._tasks.get(number)
        if task is not None:
            task.cancel()

    def retry(self, number: int) -> int:
        """Do the work of a job that ended once more, as a new job; return its number.

        Args:
            number: of the job; one that goes on is left alone, and its own number returned.
        """
        job = self._jobs[number]
        if job.active:
            return number
        return self.start(job.title, job.target, self._work[number], command=job.command)

    def forget(self) -> None:
        """Remember ended jobs no longer."""
        for job in self.all:
            if not job.active:
                self._drop(job.id)

    def listen(self, hear: Callable[[Job], None]) -> Callable[[], None]:
        """Hand on every change of a job from now on; return what ends it."""
        self._listeners.append(hear)
        return lambda: self._listeners.remove(hear)

    async def close(self) -> None:
        """End everything, and give it a moment to clean up."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_PATIENCE)

    def _tell(self, job: Job) -> None:
        self._jobs[job.id] = job
        for hear in tuple(self._listeners):
            hear(job)

    def _drop(self, number: int) -> None:
        del self._jobs[number], self._work[number]

    def _ended(self, number: int) -> None:
        """Note the end of a task; one that was cancelled before its first step has told nothing itself."""
        del self._tasks[number]
        if self._jobs[number].active:
            self._end(number, "cancelled", _CANCELLED)
        old = [job.id for job in self.all if not job.active][KEPT_JOBS:]
        for job in old:
            self._drop(job)

    def _end(self, number: int, state: JobState, outcome: str, hint: str = "") -> None:
        job = self._jobs[number]
        self._tell(replace(job, state=state, ended=self._clock(), outcome=outcome, hint=hint, waits_for=None))

    def _lock(self, target: str) -> asyncio.Lock:
        """Return what lets one job after another work on a target; it lives as long as one of them does."""
        lock = self._targets.get(target)
        if lock is None:
            lock = self._targets[target] = asyncio.Lock()
        return lock

    async def _run(self, number: int, target: asyncio.Lock) -> None:
        async with target, self._free:
            self._tell(replace(self._jobs[number], state="running", waits_for=None))
            await self._do(number)

    async def _do(self, number: int) -> None:
        def progress(step: Step) -> None:
            job = self._jobs[number]
            steps, times = (*job.steps, step), (*job.times, self._clock())
            self._tell(replace(job, steps=steps[-KEPT_STEPS:], times=times[-KEPT_STEPS:]))

        try:
            outcome = await self._work[number](progress)
        except asyncio.CancelledError:
            self._end(number, "cancelled", _CANCELLED)
            raise
        except Exception as error:  # noqa: BLE001 (whatever a job runs into ends the job alone)
            from k3k_core.cli.failures import explain

            if not isinstance(error, K3kError):
                _LOG.debug("job %d failed unexpectedly", number, exc_info=True)
            failure = explain(error)
            self._end(number, "failed", failure.message, failure.hint)
        else:
            self._end(number, "done", outcome)
