"""Reading a log in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest

from k3k_core.errors import K3kError, UnreachableError
from k3k_core.host import HostApi
from k3k_core.lifecycle import log_following, logs
from k3k_core.lifecycle.logs import LogLine, LogOptions, LogSource
from k3k_core.names import ControlPlaneId
from k3k_tui.screens.control_plane.host_link import HostLink
from k3k_tui.screens.control_plane.log_reading import ALL, LogReading

PLANE = ControlPlaneId("shop", "ci")
SOURCES = tuple(LogSource(f"ci-k3k-server-{number}", "k3s", "server", number) for number in range(2))


class Logs:
    """Logs of two servers; the second was restarted once.

    Attributes:
        failures: what the next attempts fail with.
        asked: (server, options) of each log that was opened.
    """

    def __init__(self, *failures: K3kError, sources: tuple[LogSource, ...] = SOURCES) -> None:
        self.failures = list(failures)
        self.sources = sources
        self.asked: list[tuple[str | None, LogOptions]] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[HostApi]:
        yield cast("HostApi", None)

    async def log_sources(self, *_: Any) -> tuple[LogSource, ...]:
        if self.failures:
            raise self.failures.pop(0)
        return self.sources

    async def follow_logs(
        self, _host: HostApi, _plane: ControlPlaneId, server: str | None, options: LogOptions
    ) -> AsyncGenerator[LogLine, None]:
        self.asked.append((server, options))
        yield LogLine(SOURCES[0], "2026-01-01T00:00:00Z one")
        await asyncio.Event().wait()

    async def server_logs(
        self, _host: HostApi, _plane: ControlPlaneId, sources: tuple[LogSource, ...], options: LogOptions
    ) -> AsyncGenerator[LogLine, None]:
        for source in sources:
            self.asked.append((source.pod, options))
            yield LogLine(source, "2026-01-01T00:00:00Z last words")

    def reading(self, monkeypatch: pytest.MonkeyPatch, **other: Any) -> LogReading:
        monkeypatch.setattr(logs, "log_sources", self.log_sources)
        monkeypatch.setattr(logs, "server_logs", self.server_logs)
        monkeypatch.setattr(log_following, "follow_logs", self.follow_logs)
        return LogReading(HostLink(self.open, lambda: 0.0), PLANE, **other)


async def read(reading: LogReading, seconds: float) -> None:
    """Read for so many virtual seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await reading.run()


@pytest.mark.looptime
async def test_the_first_server_is_followed_from_its_newest_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Logs()
    reading = known.reading(monkeypatch)
    await read(reading, 1)
    assert [line.text for line in reading.take()] == ["one"]
    assert known.asked == [("ci-k3k-server-0", LogOptions(tail=1000, timestamps=True))]
    assert reading.take() == []


@pytest.mark.looptime
async def test_a_failure_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Logs(UnreachableError("It timed out.", hint="Look at the VPN."))
    reading = known.reading(monkeypatch)
    await read(reading, 1)
    assert (reading.error, reading.hint) == ("It timed out.", "Look at the VPN.")
    await read(reading, 5)
    assert (reading.error, reading.state) == ("", "following")


async def test_servers_take_turns_and_then_come_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Logs().reading(monkeypatch, servers=("a", "b"), server="a")
    seen = []
    for _ in range(3):
        reading.next_server()
        seen.append(reading.server)
    assert seen == ["b", ALL, "a"]


@pytest.mark.looptime
async def test_all_servers_are_followed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Logs()
    await read(known.reading(monkeypatch, server=ALL), 1)
    assert [server for server, _ in known.asked] == [None]


async def test_the_log_before_a_restart_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Logs()
    reading = known.reading(monkeypatch, server="ci-k3k-server-1", previous=True)
    await reading.run()
    assert [line.text for line in reading.take()] == ["last words"]
    assert reading.state == "ended"


async def test_a_server_that_was_never_restarted_has_no_log_from_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading = Logs().reading(monkeypatch, server="ci-k3k-server-0", previous=True)
    await reading.run()
    assert reading.error == "ci-k3k-server-0 has not been restarted, so there is no log from before that."


@pytest.mark.looptime
async def test_without_servers_it_says_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Logs(sources=()).reading(monkeypatch)
    await read(reading, 1)
    assert (reading.error, reading.hint) == ("It has no servers, and so no logs.", "Its events may tell why.")


@pytest.mark.looptime
async def test_a_server_that_is_gone_makes_room_for_one_that_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading = Logs().reading(monkeypatch, server="ci-k3k-server-7")
    await read(reading, 1)
    assert reading.server == "ci-k3k-server-0"
