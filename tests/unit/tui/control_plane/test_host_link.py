"""A host that stays open as long as a screen asks it things."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from k3k_core.errors import UnreachableError
from k3k_core.host import HostApi
from k3k_tui.screens.control_plane.host_link import HostLink
from k3k_tui.screens.control_plane.subject import Loaded


class Door:
    """Opens a host that is nothing, and counts."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.opened = self.closed = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[HostApi]:
        if self.failures:
            raise self.failures.pop(0)
        self.opened += 1
        yield cast("HostApi", self)
        self.closed += 1

    @property
    def link(self) -> HostLink:
        return HostLink(self.open, lambda: 7.0)


async def answer(_host: HostApi) -> str:
    return "pods"


async def test_it_is_opened_once_for_all_questions() -> None:
    door = Door()
    link = door.link
    assert await link.load(Loaded(), answer) == Loaded("pods", 7.0)
    await link.load(Loaded(), answer)
    await link.close()
    assert (door.opened, door.closed) == (1, 1)


async def test_after_it_was_closed_it_is_opened_anew() -> None:
    door = Door()
    link = door.link
    for _ in range(2):
        await link.load(Loaded(), answer)
        await link.close()
    assert door.opened == 2


async def test_one_that_is_dropped_can_still_answer_who_asked_before() -> None:
    door = Door()
    link = door.link
    await link.load(Loaded(), answer)
    await link.drop()
    await link.load(Loaded(), answer)
    assert (door.opened, door.closed) == (2, 0)
    await link.drop()
    assert door.closed == 1
    await link.close()
    assert door.closed == 2


async def test_a_failure_keeps_what_was_known_and_says_what_to_do() -> None:
    link = Door(UnreachableError("It timed out.", hint="Look at the VPN.")).link
    known = await link.load(Loaded("before", 3.0, loading=True), answer)
    assert known == Loaded("before", 3.0, error="It timed out.", hint="Look at the VPN.")


async def test_the_next_question_after_a_failure_is_asked_anew() -> None:
    link = Door(UnreachableError("It timed out.")).link
    failed: Loaded[str] = await link.load(Loaded(), answer)
    assert await link.load(failed, answer) == Loaded("pods", 7.0)


async def test_after_a_failure_the_host_is_opened_anew() -> None:
    async def refused(_host: HostApi) -> str:
        raise UnreachableError("Log in again.")

    door = Door()
    link = door.link
    await link.load(Loaded(), refused)
    await link.load(Loaded(), answer)
    assert door.opened == 2


async def test_a_mistake_of_ours_is_told_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def wrong(_host: HostApi) -> Any:
        raise ZeroDivisionError

    known: Loaded[Any] = await Door().link.load(Loaded(), wrong)
    assert known.error == "something went wrong within k3k"
    assert "ZeroDivisionError" in caplog.text
