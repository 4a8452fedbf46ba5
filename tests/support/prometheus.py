"""A real Prometheus and its promtool, as processes on loopback; tests skip where the machine has none."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.programs import Finished, run

PROMETHEUS = shutil.which("prometheus")
PROMTOOL = shutil.which("promtool")
needs_prometheus = pytest.mark.skipif(PROMETHEUS is None, reason="this machine has no prometheus")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="this machine has no promtool")

_LISTENING = re.compile(r'msg="Listening on" address=(\S+)')
_READY = "Server is ready to receive web requests"
_START_SECONDS = 60.0
# Between two questions whether what a test waits for has come: nothing in Prometheus tells.
_POLL_SECONDS = 0.1

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Point:
    """One series of an answer at one time.

    Attributes:
        labels: labels of the series.
        at: seconds since 1970.
        value: its value.
    """

    labels: Labels
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus.

    Attributes:
        url: where its API is.
        client: connected to it.
    """

    url: str
    client: httpx.AsyncClient

    async def query(self, expression: str, *, at: float | None = None) -> list[Point]:
        """Return the answer to a query, one point for each series.

        Args:
            expression: PromQL that gives an instant vector.
            at: seconds since 1970, now unless told.
        """
        answer = await self._query(expression, at)
        return [
            Point(each["metric"], float(each["value"][0]), float(each["value"][1]))
            for each in answer["result"]
        ]

    async def samples(self, selector: str) -> list[Point]:
        """Return every sample as it was stored.

        Args:
            selector: PromQL that gives a range vector, such as `up[1h]`.
        """
        answer = await self._query(selector, None)
        return [
            Point(each["metric"], float(at), float(value))
            for each in answer["result"]
            for at, value in each["values"]
        ]

    async def value(self, expression: str, *, at: float | None = None) -> float:
        """Return the answer to a query that gives exactly one series.

        Args:
            expression: PromQL that gives an instant vector.
            at: seconds since 1970, now unless told.
        """
        points = await self.query(expression, at=at)
        assert len(points) == 1, f"{len(points)} series for {expression}: {points[:5]}"
        return points[0].value

    async def api(self, path: str) -> Any:
        """Return the data of an answer of its API.

        Args:
            path: below `/api/v1/`, such as "targets".
        """
        answer = await self.client.get(f"/api/v1/{path}")
        assert answer.is_success, answer.text
        return answer.json()["data"]

    async def until(
        self,
        expression: str,
        holds: Callable[[list[Point]], bool] = bool,
        *,
        timeout: float = 90.0,
    ) -> list[Point]:
        """Ask a query again and again until its answer is as wanted, and return that answer.

        Args:
            expression: PromQL that gives an instant vector.
            holds: tells whether an answer is as wanted; any series at all unless told.
            timeout: seconds after which the test fails.
        """
        points: list[Point] = []
        try:
            async with asyncio.timeout(timeout):
                while True:
                    points = await self.query(expression)
                    if holds(points):
                        return points
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            targets = await self.api("targets")
            errors = {each["scrapeUrl"]: each["lastError"] for each in targets["activeTargets"]}
            pytest.fail(f"{expression} is still {points[:5]} after {timeout} s; targets: {errors}")

    async def _query(self, expression: str, at: float | None) -> Any:
        question = {"query": expression} | ({} if at is None else {"time": f"{at:.3f}"})
        answer = await self.client.post("/api/v1/query", data=question)
        assert answer.is_success, f"{expression}: {answer.text}"
        return answer.json()["data"]


@asynccontextmanager
async def prometheus(configuration: Mapping[str, Any], directory: Path) -> AsyncIterator[Prometheus]:
    """Run a Prometheus on a free port until the end of the block.

    Args:
        configuration: its configuration file.
        directory: empty folder for that file and its data.
    """
    assert PROMETHEUS is not None, "the test must be marked with needs_prometheus"
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(dict(configuration), sort_keys=False))
    process = await asyncio.create_subprocess_exec(
        PROMETHEUS,
        f"--config.file={path}",
        f"--storage.tsdb.path={directory / 'tsdb'}",
        "--web.listen-address=127.0.0.1:0",
        # It is patient with targets that come and go; a test is not.
        "--scrape.discovery-reload-interval=100ms",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    reader: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(_START_SECONDS):
            url = await listening_at(process.stderr)
        # Its log is read to the end, or it would block on a full pipe.
        reader = asyncio.create_task(_drain(process.stderr))
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
            yield Prometheus(url, client)
    finally:
        if process.returncode is None:
            process.terminate()
        if reader is not None:
            await reader
        else:
            await process.stderr.read()
        await process.wait()


async def listening_at(log: asyncio.StreamReader) -> str:
    """Read the log of a Prometheus until it serves, and return its URL.

    Args:
        log: its standard error.
    """
    lines: list[str] = []
    url, ready = "", False
    while line := (await log.readline()).decode():
        lines.append(line)
        if found := _LISTENING.search(line):
            url = f"http://{found[1]}"
        # Its storage and its listener start side by side: either line can be the first.
        ready = ready or _READY in line
        if ready and url:
            return url
    raise AssertionError(f"Prometheus did not start:\n{''.join(lines[-5:])}")


async def _drain(log: asyncio.StreamReader) -> None:
    while await log.read(65536):
        pass


async def promtool(*arguments: str, stdin: str = "") -> Finished:
    """Run promtool to its end.

    Args:
        arguments: without the program's name.
        stdin: text on its standard input.
    """
    assert PROMTOOL is not None, "the test must be marked with needs_promtool"
    return await run(PROMTOOL, *arguments, stdin=stdin)
