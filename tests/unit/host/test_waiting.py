"""`wait_for`: watches until a condition holds, and survives what hosts do."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

import pytest

from k3k_core.errors import ForbiddenError, HostError, K3kError, NotReadyError, UnreachableError
from k3k_core.host import Backoff, WatchEvent, wait_for
from k3k_core.resources import CONFIG_MAP
from tests.support.fake_host import Pause, ScriptedHost, listing, thing

pytestmark = pytest.mark.looptime

GONE = HostError("too old", status=410)
DOWN = UnreachableError("Host scripted cannot be reached: connection refused.", hint="Check that it is up.")


async def _wait(host: ScriptedHost, names: set[str], *, timeout: float = 30.0) -> set[str]:
    def until(objects: Mapping[str, dict[str, Any]]) -> set[str] | None:
        return set(objects) if set(objects) == names else None

    return await wait_for(
        host,
        CONFIG_MAP,
        "n",
        until,
        timeout=timeout,
        what="ConfigMap a",
        backoff=Backoff(first=1.0, limit=8.0, jitter=0),
    )


def _added(name: str, version: int) -> WatchEvent:
    return WatchEvent("ADDED", thing(name, version))


async def test_what_is_there_already_needs_no_watch() -> None:
    host = ScriptedHost(deque([listing(5, [thing("a", 1)])]))

    assert await _wait(host, {"a"}) == {"a"}
    assert host.watched == []


async def test_the_watch_starts_where_the_list_ended() -> None:
    host = ScriptedHost(deque([listing(5)]), deque([(_added("a", 6),)]))

    await _wait(host, {"a"})

    assert host.watched == ["5"]


async def test_the_watch_is_closed_when_the_wait_is_over() -> None:
    host = ScriptedHost(deque([listing(5)]), deque([(_added("a", 6), Pause(1000))]))

    await _wait(host, {"a"})

    assert host.open_watches == 0


async def test_deleted_objects_are_forgotten() -> None:
    gone = WatchEvent("DELETED", thing("b", 7))
    host = ScriptedHost(deque([listing(5, [thing("a", 1), thing("b", 2)])]), deque([(gone,)]))

    assert await _wait(host, {"a"}) == {"a"}


async def test_objects_of_all_namespaces_are_told_apart() -> None:
    host = ScriptedHost(deque([listing(5, [thing("a", 1), thing("a", 2, namespace="m")])]))

    keys = await wait_for(host, CONFIG_MAP, None, sorted, timeout=1, what="all")

    assert keys == ["m/a", "n/a"]


async def test_a_broken_watch_resumes_after_the_last_event() -> None:
    host = ScriptedHost(deque([listing(5)]), deque([(_added("a", 6), DOWN), (_added("b", 7),)]))

    await _wait(host, {"a", "b"})

    assert (host.listed, host.watched) == (1, ["5", "6"])


async def test_a_bookmark_moves_the_point_to_resume_from() -> None:
    bookmark = WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": "90"}})
    host = ScriptedHost(deque([listing(5)]), deque([(bookmark, DOWN), (_added("a", 91),)]))

    await _wait(host, {"a"})

    assert host.watched == ["5", "90"]


async def test_lost_history_leads_to_a_new_list() -> None:
    host = ScriptedHost(deque([listing(5), listing(50, [thing("a", 49)])]), deque([(GONE,)]))

    await _wait(host, {"a"})

    assert host.listed == 2


async def test_a_host_that_ends_every_watch_at_once_is_asked_less_and_less_often() -> None:
    host = ScriptedHost(deque([listing(5)]), deque([()] * 100))

    with pytest.raises(NotReadyError):
        await _wait(host, {"a"}, timeout=30)

    # At 0, 1, 3, 7, 15 and 23 seconds.
    assert len(host.watched) == 6


async def test_a_quiet_watch_that_ends_in_time_is_renewed_at_once() -> None:
    host = ScriptedHost(deque([listing(5)]), deque([(Pause(60),), (_added("a", 6),)]))
    loop = asyncio.get_running_loop()
    before = loop.time()

    await _wait(host, {"a"}, timeout=100)

    assert loop.time() - before == 60


async def test_after_the_deadline_the_message_names_what_was_waited_for() -> None:
    host = ScriptedHost(deque([listing(5)]))
    loop = asyncio.get_running_loop()
    before = loop.time()

    with pytest.raises(NotReadyError, match=r"^ConfigMap a was not ready within 7 s\.$"):
        await _wait(host, {"a"}, timeout=7)

    assert loop.time() - before == 7


async def test_an_unreachable_host_is_tried_until_the_deadline_and_then_named() -> None:
    host = ScriptedHost(deque([DOWN] * 100))
    loop = asyncio.get_running_loop()
    before = loop.time()

    with pytest.raises(UnreachableError) as caught:
        await _wait(host, {"a"}, timeout=20)

    assert loop.time() - before == 20
    assert caught.value.message == (
        "Gave up waiting for ConfigMap a after 20 s: Host scripted cannot be reached: connection refused."
    )
    assert caught.value.hint == "Check that it is up."


async def test_a_host_that_never_answers_is_named() -> None:
    with pytest.raises(UnreachableError, match=r"host scripted .* did not answer"):
        await _wait(ScriptedHost(), {"a"}, timeout=3)


async def test_a_host_that_came_back_is_not_blamed() -> None:
    host = ScriptedHost(deque([DOWN, listing(5)]))

    with pytest.raises(NotReadyError):
        await _wait(host, {"a"}, timeout=20)


@pytest.mark.parametrize("status", [429, 500, 503, 504])
async def test_trouble_that_may_pass_does_not_end_the_wait(status: int) -> None:
    host = ScriptedHost(deque([HostError("busy", status=status), listing(5, [thing("a", 1)])]))

    assert await _wait(host, {"a"}) == {"a"}


@pytest.mark.parametrize("error", [ForbiddenError("no"), HostError("bad selector", status=400)])
async def test_a_refusal_that_stays_ends_the_wait(error: K3kError) -> None:
    host = ScriptedHost(deque([error]))

    with pytest.raises(type(error)) as caught:
        await _wait(host, {"a"})

    assert caught.value is error


async def test_an_error_of_the_condition_ends_the_wait() -> None:
    def until(_: Mapping[str, dict[str, Any]]) -> None:
        raise NotReadyError("Pod a-0 cannot pull its image.")

    host = ScriptedHost(deque([listing(5)]))

    with pytest.raises(NotReadyError, match="pull its image"):
        await wait_for(host, CONFIG_MAP, "n", until, timeout=5, what="ConfigMap a")


async def test_a_time_out_of_the_condition_is_not_taken_for_the_deadline() -> None:
    def until(_: Mapping[str, dict[str, Any]]) -> None:
        raise TimeoutError("its own")

    host = ScriptedHost(deque([listing(5)]))

    with pytest.raises(TimeoutError, match="its own"):
        await wait_for(host, CONFIG_MAP, "n", until, timeout=5, what="ConfigMap a")
