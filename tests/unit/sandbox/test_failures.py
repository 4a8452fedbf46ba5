"""A failure of the engine itself is answered as the real server answers its own."""

from __future__ import annotations

import logging

import httpx
import pytest

from tests.support.engines import ADMIN_TOKEN, engine


async def test_an_unexpected_failure_is_a_status_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    async with engine() as server:
        server.api.pages["/broken"] = fail
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        with caplog.at_level(logging.ERROR):
            async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
                answer = await client.get("/broken")

    assert answer.status_code == 500
    assert answer.json()["kind"] == "Status"
    assert answer.json()["reason"] == "InternalError"
    assert answer.json()["message"].startswith("Internal error occurred: ")
    assert "ZeroDivisionError" in caplog.text
    assert "ZeroDivisionError" not in answer.text
