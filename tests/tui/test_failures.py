"""Mistakes within the dashboard: what somebody sees of them."""

from __future__ import annotations

import pytest

from k3k_core.errors import UsageError
from k3k_tui.app import K3kApp
from k3k_tui.places import JobsPlace
from tests.support.tui import dashboard, until

SECRET = "token=abc"


def notices(app: K3kApp) -> list[str]:
    return [str(each.message) for each in app._notifications]


async def test_a_key_that_fails_is_told_without_details_and_the_dashboard_goes_on() -> None:
    app = dashboard()

    def fail() -> None:
        raise RuntimeError(SECRET)

    app.action_open_hosts = fail  # type: ignore[method-assign] # a mistake of ours
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("H")
        await until(pilot, lambda: bool(notices(app)), "a notice")
        assert notices(app) == ["Something went wrong within k3k (RuntimeError)."]
        await pilot.press("J")
        await pilot.pause()
        assert app.place == JobsPlace()


async def test_work_in_the_background_that_fails_is_told() -> None:
    app = dashboard()

    async def fail(error: Exception) -> None:
        raise error

    async with app.run_test(size=(80, 24)) as pilot:
        app.run_worker(fail(UsageError("It cannot be.", hint="Do this.")), exit_on_error=False)
        app.run_worker(fail(RuntimeError(SECRET)), exit_on_error=False)
        await until(pilot, lambda: len(notices(app)) == 2, "both notices")
        assert sorted(notices(app)) == [
            "It cannot be.\nDo this.",
            "Something went wrong within k3k (RuntimeError).",
        ]


async def test_what_ends_the_dashboard_leaves_no_traceback_on_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = dashboard()

    def fail() -> None:
        raise RuntimeError(SECRET)

    async def run() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            app.call_later(fail)
            await pilot.pause()

    with pytest.raises(RuntimeError):
        await run()
    assert isinstance(app.failure, RuntimeError)
    ended = capsys.readouterr()
    assert ended.out + ended.err == ""
