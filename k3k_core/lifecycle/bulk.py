"""Doing the same to many control planes: so many at a time, and no more once too many have failed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from k3k_core.errors import K3kError

T = TypeVar("T")
R = TypeVar("R")

State = Literal["done", "failed", "interrupted", "skipped"]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T, R]):
    """What became of one item.

    Attributes:
        item: what was worked on.
        state: "done"; "failed" with an error; "interrupted" when the whole run was called off meanwhile; "skipped"
            when it was never begun.
        result: what the work returned; None unless done.
        error: why it failed; None unless failed.
        elapsed: seconds it took; 0 when it was never begun.
    """

    item: T
    state: State
    result: R | None = None
    error: K3kError | None = None
    elapsed: float = 0.0


@dataclass(frozen=True, slots=True)
class BulkResult(Generic[T, R]):
    """What became of all items.

    Attributes:
        outcomes: one for each item, in the order of the items.
        elapsed: seconds for all of them.
    """

    outcomes: tuple[Outcome[T, R], ...]
    elapsed: float

    def of(self, state: State) -> tuple[Outcome[T, R], ...]:
        """Return the outcomes of one state.

        Args:
            state: e.g. "failed".
        """
        return tuple(each for each in self.outcomes if each.state == state)

    @property
    def stopped(self) -> bool:
        """Whether some were never begun, because too many failed before."""
        return bool(self.of("skipped"))


@dataclass(frozen=True, slots=True)
class Happening(Generic[T, R]):
    """One event of a run: an item is begun, or has come to its end.

    Attributes:
        item: the item.
        outcome: how it ended; None when it is begun.
    """

    item: T
    outcome: Outcome[T, R] | None = None


BulkProgress = Callable[[Happening[T, R]], None]


async def run_many(
    items: Sequence[T],
    work: Callable[[T], Awaitable[R]],
    *,
    max_parallel: int = 5,
    stop_after_failures: int | None = None,
    progress: BulkProgress[T, R] | None = None,
) -> BulkResult[T, R]:
    """Work on every item, several at a time, in their order.

    Once so many have failed, no other is begun; those that are under way are let finish. A run that is called off
    (Ctrl-C) calls off what is under way too, tells about it, and ends as every cancelled call does.

    Args:
        items: what to work on.
        work: does it to one of them; only K3kError counts as its failure.
        max_parallel: how many at a time, at least 1.
        stop_after_failures: failures after which no other is begun; None for however many.
        progress: told when an item is begun and when it ends, also of those that never begin.

    Returns:
        What became of each.

    Raises:
        ValueError: a number is less than 1.
    """
    if max_parallel < 1 or (stop_after_failures is not None and stop_after_failures < 1):
        raise ValueError("how many at a time, and after how many failures to stop, are 1 or more")
    run = _Run(items, work, stop_after_failures, progress)
    started = time.monotonic()
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(max_parallel, len(items))):
                group.create_task(run.take_turns())
    except BaseExceptionGroup as failures:
        # What is no failure of an item is a defect, and raised as itself.
        raise failures.exceptions[0] from None
    run.skip_rest()
    outcomes = tuple(run.outcomes[index] for index in range(len(items)))
    return BulkResult(outcomes, time.monotonic() - started)


class _Run(Generic[T, R]):
    """The turns of one run: each takes the next item until none is left, or too many have failed."""

    def __init__(
        self,
        items: Sequence[T],
        work: Callable[[T], Awaitable[R]],
        stop_after: int | None,
        progress: BulkProgress[T, R] | None,
    ) -> None:
        self.outcomes: dict[int, Outcome[T, R]] = {}
        self._items = items
        self._work = work
        self._stop_after = stop_after
        self._progress = progress
        self._left: Iterator[int] = iter(range(len(items)))
        self._failed = 0

    async def take_turns(self) -> None:
        while self._stop_after is None or self._failed < self._stop_after:
            index = next(self._left, None)
            if index is None:
                return
            await self._take(index)

    async def _take(self, index: int) -> None:
        item = self._items[index]
        self._tell(Happening(item))
        started = time.monotonic()
        try:
            result = await self._work(item)
        except K3kError as error:
            self._failed += 1
            self._end(index, Outcome(item, "failed", None, error, time.monotonic() - started))
        except asyncio.CancelledError:
            self._end(index, Outcome(item, "interrupted", elapsed=time.monotonic() - started))
            raise
        else:
            self._end(index, Outcome(item, "done", result, None, time.monotonic() - started))

    def skip_rest(self) -> None:
        for index in self._left:
            self._end(index, Outcome(self._items[index], "skipped"))

    def _end(self, index: int, outcome: Outcome[T, R]) -> None:
        self.outcomes[index] = outcome
        self._tell(Happening(outcome.item, outcome))

    def _tell(self, happening: Happening[T, R]) -> None:
        if self._progress is not None:
            self._progress(happening)
