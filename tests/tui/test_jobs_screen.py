"""The jobs screen, what is said when jobs end, and leaving while they run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from k3k_core.errors import NotReadyError
from k3k_core.lifecycle.progress import Progress, Step
from k3k_tui.app import K3kApp
from k3k_tui.jobs.job import Job, Work
from k3k_tui.jobs.runner import Jobs
from k3k_tui.places import ControlPlanePlace, JobsPlace
from k3k_tui.screens.jobs import JobsScreen
from k3k_tui.widgets.dialogs import Confirm
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import fleet_row
from tests.support.tui import dashboard, shown, until

HOSTILE = "[red]\x1b[2J\u202e" + "x" * 253
ROW = fleet_row("ci")
TARGET = f"{ROW.id.host}/{ROW.id.namespace}/ci"


async def done(_progress: Progress) -> str:
    return "It is done."


async def failing(progress: Progress) -> str:
    progress(Step("ready", "warning", f"a pod says {HOSTILE}"))
    raise NotReadyError("It was not ready in time.", hint="Look at its events.")


def held(release: asyncio.Event) -> Work:
    async def work(progress: Progress) -> str:
        progress(Step("ready", "started", "waiting for 3 servers"))
        await release.wait()
        return "Released."

    return work


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[K3kApp, Pilot[Any], Jobs]]:
    """The dashboard on its jobs screen."""
    app = dashboard(FakeFleet(rows={ROW.id: ROW}), place=JobsPlace())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, JobsScreen), "the jobs screen")
        await until(pilot, lambda: ROW.id in app.services.fleet.rows, "the row")
        yield app, pilot, app.services.jobs


def newest(jobs: Jobs) -> Job:
    return jobs.all[0]


async def test_without_jobs_it_says_what_comes_here() -> None:
    async with opened() as (app, pilot, _):
        await until(pilot, lambda: "Nothing has been done yet" in shown(app), "the empty state")
        await pilot.press("x", "r", "c", "delete", "enter")
        assert app.is_running


async def test_the_steps_of_the_job_under_the_cursor_are_shown_as_they_come() -> None:
    async with opened() as (app, pilot, jobs):
        release = asyncio.Event()
        jobs.start("Upgrade", TARGET, held(release), command="k3k upgrade ci")
        await until(pilot, lambda: "waiting for 3 servers" in shown(app), "its step")
        assert "running" in shown(app)
        assert "$ k3k upgrade ci" in shown(app)
        release.set()
        await until(pilot, lambda: "Released." in shown(app), "what came of it")


async def test_a_job_is_cancelled_and_done_again() -> None:
    async with opened() as (app, pilot, jobs):
        number = jobs.start("Upgrade", TARGET, held(asyncio.Event()))
        await until(pilot, lambda: "waiting for 3 servers" in shown(app), "its step")
        await pilot.press("r")
        assert len(jobs.all) == 1
        await pilot.press("x")
        await until(pilot, lambda: newest(jobs).state == "cancelled", "its end")
        await until(pilot, lambda: "Cancelled. What was done" in shown(app), "what came of it")
        await pilot.press("r")
        await until(pilot, lambda: newest(jobs).id != number, "the new one")
        screen = app.screen
        assert isinstance(screen, JobsScreen)
        await until(pilot, lambda: screen.job == newest(jobs), "the cursor is on the new one")


async def test_the_command_that_does_the_same_is_copied_and_ended_jobs_are_forgotten() -> None:
    async with opened() as (app, pilot, jobs):
        jobs.start("Delete", TARGET, done, command="k3k delete ci --yes")
        await until(pilot, lambda: "It is done." in shown(app), "what came of it")
        await pilot.press("c")
        assert app.clipboard == "k3k delete ci --yes"
        await pilot.press("delete")
        assert jobs.all == ()


async def test_enter_goes_to_the_control_plane() -> None:
    async with opened() as (app, pilot, jobs):
        jobs.start("Delete", TARGET, done)
        await until(pilot, lambda: "It is done." in shown(app), "what came of it")
        await pilot.press("enter")
        place = getattr(app.screen, "place", None)
        assert place == ControlPlanePlace(ROW.id, "overview")


async def test_a_failure_is_told_at_once_with_its_hint_and_text_of_clusters_is_only_text() -> None:
    async with opened() as (app, pilot, jobs):
        jobs.start(f"Upgrade {HOSTILE}", HOSTILE, failing)
        await until(pilot, lambda: "Look at its events." in shown(app), "what to do")
        assert any("Look at its events." in notice.message for notice in app._notifications)
        text = shown(app)
        assert "\x1b" not in text
        assert "[red]\\e[2J" in text


@pytest.mark.parametrize(("keys", "left"), [(["enter"], False), (["right", "enter"], True)])
async def test_leaving_while_jobs_run_asks(keys: list[str], left: bool) -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        app.services.jobs.start("Upgrade", TARGET, held(asyncio.Event()))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Confirm), "the question")
        assert "Upgrade" in shown(app)
        await pilot.press(*keys)
        await app.workers.wait_for_complete()
    assert app.services.jobs.active == ()
    assert (app.return_value == 0) is left


async def test_several_jobs_that_end_together_are_told_of_once() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(app.services.fleet.hosts), "the fleet")
        jobs = app.services.jobs
        for number in range(6):
            jobs.start("Delete", f"prod/shop/{number}", failing if number % 2 else done)
        await until(pilot, lambda: not jobs.active, "their end")
        messages = [notice.message for notice in app._notifications]
        assert messages[-1] == "6 jobs ended: 3 done, 3 failed."
        assert len(messages) == 4


async def test_of_a_long_failure_the_beginning_is_told() -> None:
    async def fail(_progress: Progress) -> str:
        raise NotReadyError("\n".join(f"line {number}" for number in range(30)))

    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(app.services.fleet.hosts), "the fleet")
        app.services.jobs.start("Create", TARGET, fail)
        await until(pilot, lambda: bool(app._notifications), "the notice")
        (notice,) = app._notifications
        assert notice.message.split("\n")[-2:] == ["line 3", "... and 26 lines more, with the jobs"]
