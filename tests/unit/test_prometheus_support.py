"""Starting a Prometheus: its log tells in either order that it listens and that it is ready."""

from __future__ import annotations

import asyncio
from itertools import permutations

import pytest

from tests.support.prometheus import listening_at

LISTENS = 'ts=2026 caller=tls_config.go:232 level=info msg="Listening on" address=127.0.0.1:4242\n'
READY = 'ts=2026 caller=main.go:1011 level=info msg="Server is ready to receive web requests."\n'


@pytest.mark.parametrize("lines", list(permutations((LISTENS, READY))), ids=["listens first", "ready first"])
async def test_the_order_of_the_two_lines_does_not_matter(lines: tuple[str, ...]) -> None:
    log = asyncio.StreamReader()
    log.feed_data("".join(lines).encode())
    async with asyncio.timeout(10):
        assert await listening_at(log) == "http://127.0.0.1:4242"


async def test_a_prometheus_that_ends_is_told_with_what_it_said() -> None:
    log = asyncio.StreamReader()
    log.feed_data(b"level=error msg=broken\n")
    log.feed_eof()
    with pytest.raises(AssertionError, match="msg=broken"):
        await listening_at(log)
