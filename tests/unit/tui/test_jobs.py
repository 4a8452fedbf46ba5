"""Jobs: what runs in the background, one after another on the same target, and how each ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import count

import pytest

from k3k_core.errors import ConflictError
from k3k_core.lifecycle.progress import Progress, Step
from k3k_tui.jobs.job import Job, Work
from k3k_tui.jobs.runner import KEPT_JOBS, KEPT_STEPS, Jobs


@pytest.fixture
async def jobs() -> AsyncIterator[Jobs]:
    """Jobs whose clock ticks once each time it is asked; two may work at once."""
    ticks = count(100)
    made = Jobs(lambda: float(next(ticks)), at_once=2)
    yield made
    await made.close()


async def done(_progress: Progress) -> str:
    return "All is well."


def failing(error: Exception) -> Work:
    async def work(_progress: Progress) -> str:
        raise error

    return work


def held(release: asyncio.Event) -> Work:
    async def work(_progress: Progress) -> str:
        await release.wait()
        return "Released."

    return work


async def ended(jobs: Jobs, number: int) -> Job:
    """Wait until a job has ended."""
    heard = asyncio.Event()
    stop = jobs.listen(lambda job: heard.set() if job.id == number and not job.active else None)
    job = jobs.get(number)
    assert job is not None
    if job.active:
        await heard.wait()
    stop()
    job = jobs.get(number)
    assert job is not None
    return job


async def settle(holds: Callable[[], bool]) -> None:
    """Let the loop turn until something holds; a few turns are enough for all that is asked here."""
    for _ in range(20):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came")


def state(jobs: Jobs, number: int) -> str:
    job = jobs.get(number)
    assert job is not None
    return job.state


async def test_a_job_tells_its_steps_and_what_came_of_it(jobs: Jobs) -> None:
    async def work(progress: Progress) -> str:
        progress(Step("address", "started", "waiting for an address"))
        progress(Step("address", "done", "the address is 192.0.2.1"))
        return "It is there."

    job = await ended(jobs, jobs.start("Create", "prod/shop/ci", work, command="k3k create ci"))

    assert (job.state, job.outcome, job.command) == ("done", "It is there.", "k3k create ci")
    assert [step.state for step in job.steps] == ["started", "done"]
    assert job.ended is not None
    assert job.started < job.times[0] < job.times[1] < job.ended


async def test_listeners_hear_every_state_in_order_until_they_stop(jobs: Jobs) -> None:
    heard: list[str] = []
    stop = jobs.listen(lambda job: heard.append(job.state))
    await ended(jobs, jobs.start("Create", "a", done))
    stop()
    await ended(jobs, jobs.start("Create", "b", done))
    assert heard == ["waiting", "running", "done"]


async def test_a_failure_keeps_its_message_and_its_hint(jobs: Jobs) -> None:
    error = ConflictError("It was made by Helm.", hint="Use helm.")
    job = await ended(jobs, jobs.start("Delete", "a", failing(error)))
    assert (job.state, job.outcome, job.hint) == ("failed", "It was made by Helm.", "Use helm.")


async def test_failures_at_once_are_told_in_one_sentence_each(jobs: Jobs) -> None:
    group = ExceptionGroup("two", [ConflictError("First."), ConflictError("Second.", hint="Wait.")])
    job = await ended(jobs, jobs.start("Delete", "a", failing(group)))
    assert (job.outcome, job.hint) == ("First.\nSecond.", "Wait.")


async def test_an_unexpected_exception_ends_the_job_in_a_sentence_without_its_text(jobs: Jobs) -> None:
    job = await ended(jobs, jobs.start("Delete", "a", failing(RuntimeError("token=K10abc::server:secret"))))
    assert job.state == "failed"
    assert "RuntimeError" in job.outcome
    assert "secret" not in job.outcome
    assert "Traceback" not in job.outcome


async def test_a_cancelled_job_says_that_the_same_again_goes_on(jobs: Jobs) -> None:
    number = jobs.start("Create", "a", held(asyncio.Event()))
    await settle(lambda: state(jobs, number) == "running")
    jobs.cancel(number)
    job = await ended(jobs, number)
    assert job.state == "cancelled"
    assert "goes on where it stopped" in job.outcome


async def test_a_job_that_never_ran_can_be_cancelled(jobs: Jobs) -> None:
    number = jobs.start("Create", "a", held(asyncio.Event()))
    jobs.cancel(number)
    assert (await ended(jobs, number)).state == "cancelled"


async def test_cancelling_what_ended_or_never_was_does_nothing(jobs: Jobs) -> None:
    number = jobs.start("Create", "a", done)
    await ended(jobs, number)
    jobs.cancel(number)
    jobs.cancel(99)
    assert state(jobs, number) == "done"


async def test_jobs_on_one_target_follow_one_another(jobs: Jobs) -> None:
    release = asyncio.Event()
    first = jobs.start("Upgrade", "a", held(release))
    second = jobs.start("Delete", "a", done)
    other = jobs.start("Upgrade", "b", done)

    await ended(jobs, other)
    waiting = jobs.get(second)
    assert waiting is not None
    assert (waiting.state, waiting.waits_for) == ("waiting", first)
    release.set()
    assert (await ended(jobs, second)).state == "done"
    assert state(jobs, first) == "done"


async def test_who_waits_goes_on_when_the_one_before_is_cancelled(jobs: Jobs) -> None:
    first = jobs.start("Upgrade", "a", held(asyncio.Event()))
    second = jobs.start("Delete", "a", done)
    third = jobs.start("Create", "a", done)
    jobs.cancel(second)
    await ended(jobs, second)
    for _ in range(20):
        await asyncio.sleep(0)
    assert (state(jobs, first), state(jobs, third)) == ("running", "waiting")
    jobs.cancel(first)
    assert (await ended(jobs, third)).state == "done"


async def test_only_so_many_targets_are_worked_on_at_once(jobs: Jobs) -> None:
    release = asyncio.Event()
    numbers = [jobs.start("Upgrade", target, held(release)) for target in "abc"]
    await settle(lambda: state(jobs, numbers[1]) == "running")
    assert [state(jobs, number) for number in numbers] == ["running", "running", "waiting"]
    release.set()
    assert (await ended(jobs, numbers[2])).state == "done"


async def test_a_job_that_ended_can_be_done_again_as_a_new_one(jobs: Jobs) -> None:
    first = jobs.start("Create", "a", failing(ConflictError("No.")), command="k3k create a")
    await ended(jobs, first)
    again = await ended(jobs, jobs.retry(first))
    assert again.id != first
    assert (again.title, again.target, again.command) == ("Create", "a", "k3k create a")


async def test_a_job_that_goes_on_is_not_begun_twice(jobs: Jobs) -> None:
    number = jobs.start("Create", "a", held(asyncio.Event()))
    assert jobs.retry(number) == number
    assert len(jobs.all) == 1


async def test_forgetting_leaves_what_goes_on_and_never_gives_a_number_twice(jobs: Jobs) -> None:
    gone = jobs.start("Create", "a", done)
    await ended(jobs, gone)
    kept = jobs.start("Create", "b", held(asyncio.Event()))
    jobs.forget()
    assert [job.id for job in jobs.all] == [kept]
    assert jobs.start("Create", "c", done) > kept


async def test_memory_is_bounded_in_jobs_and_in_steps(jobs: Jobs) -> None:
    async def chatty(progress: Progress) -> str:
        for number in range(KEPT_STEPS + 5):
            progress(Step("ready", "started", str(number)))
        return ""

    job = await ended(jobs, jobs.start("Create", "chatty", chatty))
    assert (len(job.steps), len(job.times), job.steps[0].message) == (KEPT_STEPS, KEPT_STEPS, "5")
    last = [jobs.start("Create", str(number), done) for number in range(KEPT_JOBS + 5)][-1]
    await ended(jobs, last)
    await settle(lambda: len(jobs.all) == KEPT_JOBS)
    assert jobs.all[0].id == last


async def test_closing_ends_every_job_after_it_has_cleaned_up() -> None:
    made, cleaned = Jobs(), asyncio.Event()

    async def work(_progress: Progress) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()
        return ""

    number = made.start("Create", "a", work)
    await settle(lambda: state(made, number) == "running")
    await made.close()
    assert cleaned.is_set()
    assert made.active == ()
