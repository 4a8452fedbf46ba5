"""Choosing among ways: the better ones first, without waiting for the silent ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from k3k_core.fleet.candidates import Candidate
from k3k_core.fleet.trying import Attempt, choose
from k3k_core.telemetry.scraper.target import ServerTarget

pytestmark = pytest.mark.looptime

PODS, BALANCER, CLUSTER = (
    Candidate(way, (ServerTarget("s", f"https://{way}:6443"),))
    for way in ("pods", "load-balancer", "cluster-ip")
)
WAYS = (PODS, BALANCER, CLUSTER)


def answering(**after: float) -> tuple[Callable[[Candidate], Awaitable[Attempt]], list[str]]:
    """Return attempts that work after so many seconds (negative: fail then), and a list of those begun.

    Args:
        after: by way, with "_" for "-"; a way that is left out never ends.
    """
    begun: list[str] = []

    async def attempt(way: Candidate) -> Attempt:
        begun.append(way.way)
        seconds = after.get(way.way.replace("-", "_"))
        await asyncio.sleep(10_000 if seconds is None else abs(seconds))
        return Attempt(works=seconds is not None and seconds > 0)

    return attempt, begun


def now() -> float:
    """Seconds since the test began."""
    return asyncio.get_running_loop().time()


async def test_the_best_way_that_answers_at_once_is_the_only_one_tried() -> None:
    attempt, begun = answering(pods=0.1, load_balancer=0.1)
    assert await choose(WAYS, attempt) == PODS
    assert begun == ["pods"]


async def test_a_way_that_fails_gives_way_to_the_next_at_once() -> None:
    attempt, begun = answering(pods=-0.01, load_balancer=0.01)
    assert await choose(WAYS, attempt) == BALANCER
    assert begun == ["pods", "load-balancer"]
    assert now() < 0.1


async def test_a_silent_way_is_waited_for_only_a_moment() -> None:
    attempt, _ = answering(load_balancer=0.05)
    assert await choose(WAYS, attempt) == BALANCER
    assert now() < 1.5


async def test_a_better_way_that_answers_a_little_later_wins() -> None:
    attempt, _ = answering(pods=0.8, load_balancer=0.05)
    assert await choose(WAYS, attempt) == PODS


async def test_a_worse_way_that_answers_first_wins_over_a_slow_one() -> None:
    attempt, _ = answering(pods=5.0, load_balancer=-0.1, cluster_ip=0.1)
    assert await choose(WAYS, attempt) == CLUSTER


async def test_no_way_at_all() -> None:
    attempt, begun = answering(pods=-1, load_balancer=-1, cluster_ip=-1)
    assert await choose(WAYS, attempt) is None
    assert len(begun) == 3
    assert await choose((), attempt) is None


async def test_attempts_that_are_not_needed_any_more_are_ended() -> None:
    attempt, _ = answering(load_balancer=0.05)
    await choose(WAYS, attempt)
    assert len(asyncio.all_tasks()) == 1


async def test_a_cancelled_choice_leaves_no_attempt_behind() -> None:
    attempt, _ = answering()
    task = asyncio.create_task(choose(WAYS, attempt))
    await asyncio.sleep(2)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert len(asyncio.all_tasks()) == 1
