"""Working on many items: how many at a time, the stop rule, and being called off."""

from __future__ import annotations

import asyncio

import pytest

from k3k_core.errors import ConflictError, K3kError
from k3k_core.lifecycle.bulk import Happening, run_many


class Workers:
    """Work that goes on until a test lets it; counts how much of it goes on at the same time."""

    def __init__(self, *failing: int) -> None:
        self.failing = failing
        self.active = 0
        self.most = 0
        self.begun: list[int] = []

    async def __call__(self, item: int) -> int:
        self.begun.append(item)
        self.active += 1
        self.most = max(self.most, self.active)
        # Every other turn comes before this one goes on.
        for _ in range(3):
            await asyncio.sleep(0)
        self.active -= 1
        if item in self.failing:
            raise ConflictError(f"{item} is somebody else's")
        return item * 10


async def test_every_item_is_worked_on_and_told_in_the_order_given() -> None:
    result = await run_many(range(7), Workers(), max_parallel=3)
    assert [outcome.result for outcome in result.outcomes] == [0, 10, 20, 30, 40, 50, 60]
    assert not result.stopped


async def test_no_more_than_so_many_are_worked_on_at_the_same_time() -> None:
    workers = Workers()
    await run_many(range(20), workers, max_parallel=4)
    assert workers.most == 4


async def test_failures_do_not_keep_the_others_from_being_worked_on() -> None:
    result = await run_many(range(5), Workers(1, 3), max_parallel=2)
    assert [outcome.state for outcome in result.outcomes] == ["done", "failed", "done", "failed", "done"]
    assert [str(outcome.error) for outcome in result.of("failed")] == [
        "1 is somebody else's",
        "3 is somebody else's",
    ]


async def test_none_is_begun_after_so_many_failures_and_those_under_way_finish() -> None:
    workers = Workers(1, 2)
    result = await run_many(range(10), workers, max_parallel=2, stop_after_failures=2)
    assert workers.begun == [0, 1, 2, 3]
    states = [outcome.state for outcome in result.outcomes]
    assert states == ["done", "failed", "failed", "done"] + ["skipped"] * 6
    assert result.stopped


async def test_a_run_without_items_is_over_at_once() -> None:
    assert (await run_many((), Workers())).outcomes == ()


async def test_a_run_that_is_called_off_calls_off_what_is_under_way_and_begins_nothing_else() -> None:
    told: list[tuple[int, str]] = []
    under_way = asyncio.Event()

    async def work(item: int) -> None:
        if item == 1:
            under_way.set()
            await asyncio.Event().wait()

    def hear(happening: Happening[int, None]) -> None:
        told.append((happening.item, happening.outcome.state if happening.outcome else "begun"))

    run = asyncio.ensure_future(run_many(range(4), work, max_parallel=1, progress=hear))
    await under_way.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert told == [(0, "begun"), (0, "done"), (1, "begun"), (1, "interrupted")]


async def test_what_is_no_failure_of_an_item_is_raised_as_itself() -> None:
    async def work(item: int) -> None:
        raise LookupError(item)

    with pytest.raises(LookupError):
        await run_many(range(3), work)


@pytest.mark.parametrize(("parallel", "failures"), [(0, None), (1, 0)])
async def test_less_than_one_at_a_time_is_refused(parallel: int, failures: int | None) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        await run_many(range(3), Workers(), max_parallel=parallel, stop_after_failures=failures)


async def test_any_error_of_k3k_is_a_failure_of_its_item_alone() -> None:
    async def work(item: int) -> None:
        raise K3kError("no")

    result = await run_many([1], work)
    assert result.of("failed")[0].error is not None
