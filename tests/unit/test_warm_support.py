"""The process that forks `k3k` for tests."""

from __future__ import annotations

import asyncio
import os

from tests.support.warm import start_warm


async def test_commands_that_end_at_almost_the_same_time_are_all_told_of() -> None:
    for _ in range(8):
        started = [await start_warm(["completion", "bash"], dict(os.environ)) for _ in range(12)]
        ended = await asyncio.gather(*(each.communicate() for each in started))
        assert all(b"_K3K_COMPLETE" in out for out, _err in ended)
        assert {each.returncode for each in started} == {0}
