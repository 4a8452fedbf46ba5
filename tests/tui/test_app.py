"""The dashboard as a whole."""

from __future__ import annotations

from tests.support.tui import dashboard


async def test_q_ends_it() -> None:
    app = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
    assert app.return_value == 0
