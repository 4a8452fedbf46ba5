"""`/metrics` pages of simulated servers: the recorded ones, moving on with time and with the requests served.

The pages in `pages/` join two recordings of one server, some seconds apart: a line holds a series, its first
value and, where it differs, its second. A counter goes on at the recorded pace times a factor of the server's
own; series about requests go faster the more are served; gauges swing between their two values. Linear
combinations of two cumulative histograms are cumulative histograms: buckets, sums and counts stay consistent.
"""

from __future__ import annotations

import gzip
import math
import random
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

# Requests the recorded server answered between its two pages.
_RECORDED_REQUESTS = 200
_OF_REQUESTS = ("apiserver_", "etcd_", "authentication_", "authorization_")
# Servers older than this show the families of the older recording.
_MODERN_MINOR = 26
_GAUGE_PERIOD = 60.0


@dataclass(frozen=True, slots=True)
class _Series:
    """One moving line of a page."""

    name: bytes
    first: float
    change: float
    whole: bool
    gauge: bool
    of_requests: bool

    def value(self, time: float, requests: float, swing: float) -> bytes:
        if self.gauge:
            number = self.first + self.change * swing
        else:
            number = self.first + self.change * (requests if self.of_requests else time)
        return str(math.floor(number)).encode() if self.whole else repr(number).encode()


@dataclass(frozen=True, slots=True)
class _Page:
    """A recorded page: fixed text and moving lines in turn."""

    seconds: float
    parts: tuple[bytes | _Series, ...]


@cache
def _page(name: str) -> _Page:
    data = files("k3k_core.sandbox.k3s").joinpath(f"pages/{name}.txt.gz").read_bytes()
    seconds = 1.0
    kinds: dict[bytes, bytes] = {}
    parts: list[bytes | _Series] = []
    fixed: list[bytes] = []
    for line in gzip.decompress(data).splitlines():
        if line.startswith(b"#!"):
            matched = re.match(rb"#! seconds ([0-9.]+)", line)
            seconds = float(matched[1]) if matched else seconds
            continue
        if line.startswith(b"# TYPE "):
            _, _, family, kind = line.split(b" ")
            kinds[family] = kind
        series = None if line.startswith(b"#") else _series(line, kinds)
        if series is None:
            fixed.append(line)
            continue
        if fixed:
            parts.append(b"\n".join(fixed))
            fixed = []
        parts.append(series)
    if fixed:
        parts.append(b"\n".join(fixed))
    return _Page(seconds, tuple(parts))


def _series(line: bytes, kinds: dict[bytes, bytes]) -> _Series | None:
    """Read a line; None when its value does not move."""
    end = line.rfind(b"}") + 1 or line.index(b" ")
    values = line[end:].split()
    if len(values) < 2:
        return None
    first, second = float(values[0]), float(values[1])
    family = line[:end].partition(b"{")[0]
    return _Series(
        name=line[:end],
        first=first,
        change=second - first,
        whole=first.is_integer() and second.is_integer(),
        gauge=kinds.get(family) == b"gauge",
        of_requests=family.decode().startswith(_OF_REQUESTS),
    )


class Metrics:
    """The page of one server.

    Args:
        version: k3s version, e.g. "v1.36.2+k3s1".
        started: when the server started.
        seed: with the pace of its counters.
    """

    def __init__(self, version: str, started: datetime, seed: str) -> None:
        self._version = version
        self._started = started
        chance = random.Random(seed)  # noqa: S311, not a secret
        self._pace = chance.uniform(0.5, 1.5)
        self._phase = chance.uniform(0, 2 * math.pi)
        self._requests = 0

    def count(self) -> None:
        """Note a request that was served."""
        self._requests += 1

    def render(self, now: datetime) -> bytes:
        """Return the page in the Prometheus text format.

        Args:
            now: the current time.
        """
        minor = re.match(r"v1\.(\d+)", self._version)
        page = _page("k3s-1.36" if minor is None or int(minor[1]) >= _MODERN_MINOR else "k3s-1.21")
        elapsed = max(0.0, (now - self._started).total_seconds())
        time = elapsed / page.seconds * self._pace
        requests = time + self._requests / _RECORDED_REQUESTS
        swing = (1 + math.sin(self._phase + 2 * math.pi * elapsed / _GAUGE_PERIOD)) / 2
        lines = [
            part if isinstance(part, bytes) else part.name + b" " + part.value(time, requests, swing)
            for part in page.parts
        ]
        return self._own(b"\n".join(lines) + b"\n")

    def _own(self, text: bytes) -> bytes:
        """Put in what is this server's own: its version and when it started."""
        build = (
            f'kubernetes_build_info{{build_date="",compiler="gc",git_commit="",git_tree_state="simulated",'
            f'git_version="{self._version}",go_version="",major="1",'
            f'minor="{self._version.split(".")[1]}",platform="linux/amd64"}} 1'
        )
        text, found = re.subn(rb"(?m)^kubernetes_build_info\{.*$", build.encode(), text, count=1)
        if not found:
            text += b"# TYPE kubernetes_build_info gauge\n" + build.encode() + b"\n"
        start = f"process_start_time_seconds {self._started.timestamp():.2f}"
        return re.sub(rb"(?m)^process_start_time_seconds .*$", start.encode(), text, count=1)
