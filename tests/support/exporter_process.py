"""`k3k exporter` as a process, and its pages as values."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families as parse

from tests.support.programs import K3K, start

_SERVING = re.compile(r"Serving metrics at (\S+)/metrics")
# Between two questions whether what a test waits for has come: nothing tells.
_POLL_SECONDS = 0.1


@dataclass
class RunningExporter:
    """A running exporter.

    Attributes:
        process: its process.
        url: where it serves.
        client: connected to it.
        said: what it said on standard error.
    """

    process: asyncio.subprocess.Process
    url: str
    client: httpx.AsyncClient
    said: list[str]

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return self.url.partition("//")[2]

    async def metrics(self, path: str = "/metrics") -> Metrics:
        """Return a page of metrics."""
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return Metrics(answer.text)

    async def until(
        self, holds: Callable[[Metrics], Any], *, path: str = "/metrics", timeout: float = 60.0
    ) -> Metrics:
        """Ask for metrics until something is true of them."""
        async with asyncio.timeout(timeout):
            while True:
                found = await self.metrics(path)
                if holds(found):
                    return found
                await asyncio.sleep(_POLL_SECONDS)

    async def ended(self) -> int:
        """Wait for the end of the process and return its exit code."""
        async with asyncio.timeout(30):
            return await self.process.wait()


class Metrics:
    """A page of metrics."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples = [sample for family in parse(text) for sample in family.samples]

    def names(self, series: str = "k3k_control_plane_info") -> set[str]:
        """Return the control planes that have a series."""
        return {sample.labels["name"] for sample in self._samples if sample.name == series}

    def value(self, series: str, **labels: str) -> float | None:
        """Return the value of the first series that bears some labels; None when there is none."""
        found = (
            sample.value
            for sample in self._samples
            if sample.name == series and labels.items() <= sample.labels.items()
        )
        return next(found, None)

    def keys(self) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
        """Return the identity of every series of control planes."""
        return {
            (sample.name, tuple(sorted(sample.labels.items())))
            for sample in self._samples
            if "namespace" in sample.labels
        }


@asynccontextmanager
async def exporter(
    kubeconfig: Path, *arguments: str, tls: ssl.SSLContext | None = None, **client: Any
) -> AsyncIterator[RunningExporter]:
    """Run an exporter on a free port until the end of the block.

    Args:
        kubeconfig: of its hosts.
        arguments: more of its options.
        tls: what the client verifies it with.
        client: more for the client.
    """
    command = [K3K, "exporter", "--listen", "127.0.0.1:0", "--workers", "0", *arguments]
    process = await start(command, kubeconfig=kubeconfig)
    assert process.stderr is not None
    said: list[str] = []
    reading: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(60):
            url = await _url(process.stderr, said)
        reading = asyncio.create_task(_read(process.stderr, said))
        verify = tls if tls is not None else True
        async with httpx.AsyncClient(
            base_url=url, trust_env=False, timeout=30, verify=verify, **client
        ) as http:
            yield RunningExporter(process, url, http, said)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        if reading is not None:
            await reading


async def _url(stream: asyncio.StreamReader, said: list[str]) -> str:
    while line := (await stream.readline()).decode():
        said.append(line)
        if matched := _SERVING.search(line):
            return matched[1]
    raise AssertionError(f"the exporter did not start:\n{''.join(said)}")


async def _read(stream: asyncio.StreamReader, said: list[str]) -> None:
    while line := (await stream.readline()).decode():
        said.append(line)
