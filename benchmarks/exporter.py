"""Answers of the exporter's `/metrics` for a large fleet of which everything changes, beside plain prometheus_client.

    python benchmarks/exporter.py [--json] [--control-planes 1000] [--requests 60]

The control planes are made up: each has everything that can be exported, and each changes every 15 seconds, one
after another. The exporter serves them from this process; a client in a process of its own asks for compressed
pages, one after another with a pause, as several Prometheus servers would. The peer is
`prometheus_client.generate_latest` over the same collector, in the same run; both figures are the best of some.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

sys.path.insert(0, str(Path(__file__).parents[1]))

from k3k_core.exporter.exposition import assemble
from k3k_core.exporter.server import Exporter, ServerOptions, serving
from k3k_core.exporter.web.listener import Address, bind
from k3k_core.fleet import FleetRow
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import fleet_row, full_signals, round_of

INTERVAL = 15.0
_PAUSE = 0.25
_PEER_ROUNDS = 3

CLIENT = """
import http.client, json, sys, time
port, requests, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
connection = http.client.HTTPConnection("127.0.0.1", port)
took, size = [], 0
for _ in range(requests + 2):
    began = time.perf_counter()
    connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
    size = len(connection.getresponse().read())
    took.append(time.perf_counter() - began)
    time.sleep(pause)
print(json.dumps({"took": took[2:], "size": size}))
"""


def row(index: int, round_number: int) -> FleetRow:
    """Return a control plane after one of its rounds."""
    scale = 1 + (index % 97) / 97 + round_number / 10
    return fleet_row(f"cp-{index:05}", signals=full_signals(time.time(), scale=scale))


async def change(fleet: FakeFleet, count: int) -> None:
    """Let one control plane after another change, all of them once an interval."""
    began, done = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - began) / INTERVAL * count)
        fleet.put(*(row(each % count, 1 + each // count) for each in range(done, due)))
        done = due
        await asyncio.sleep(0.05)


async def measure(count: int, requests: int) -> dict[str, Any]:
    """Return the figures of one run."""
    fleet = FakeFleet()
    sockets = bind(Address("127.0.0.1", 0))
    port = sockets[0].getsockname()[1]
    async with serving(fleet, sockets, ServerOptions()) as exporter:
        fleet.put(*(row(index, 0) for index in range(count)))
        while len(exporter.collector) < count:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.05)
        changing = asyncio.create_task(change(fleet, count))
        used = time.process_time()
        began = time.monotonic()
        client = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            CLIENT,
            str(port),
            str(requests),
            str(_PAUSE),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await client.communicate()
        share = (time.process_time() - used) / (time.monotonic() - began)
        changing.cancel()
        found = json.loads(out)
        return {
            **latencies(found["took"]),
            "packed_bytes": found["size"],
            "cpu_share": share,
            "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            **update_cost(exporter, count),
            **beside_peer(exporter),
        }


def latencies(took: list[float]) -> dict[str, float]:
    """Return quantiles of what a client waited, milliseconds."""
    ordered = sorted(took)
    return {
        name: 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]
        for name, share in (("p50_ms", 0.5), ("p90_ms", 0.9), ("p99_ms", 0.99), ("max_ms", 1.0))
    }


def update_cost(exporter: Exporter, count: int) -> dict[str, float]:
    """Return what taking one changed row costs, milliseconds of processor time."""
    rows = [row(index, 100) for index in range(min(count, 200))]
    best = float("inf")
    for _ in range(_PEER_ROUNDS):
        rows = [replace(each, signals=full_signals(time.time())) for each in rows]
        began = time.process_time()
        for each in rows:
            exporter.collector.count(round_of(each))
            exporter.collector.update(each)
        best = min(best, (time.process_time() - began) / len(rows))
    return {"update_ms": 1000 * best}


def beside_peer(exporter: Exporter) -> dict[str, float]:
    """Return the time of making one page, and of prometheus_client making the same, milliseconds."""
    registry = CollectorRegistry()
    registry.register(exporter.collector)
    ours, theirs, page = float("inf"), float("inf"), b""
    for _ in range(_PEER_ROUNDS):
        began = time.perf_counter()
        page = assemble(exporter.collector.lines(), form="text")
        ours = min(ours, time.perf_counter() - began)
        began = time.perf_counter()
        same = generate_latest(registry)
        theirs = min(theirs, time.perf_counter() - began)
        assert same == page, "the two pages differ"
    return {
        "page_bytes": len(page),
        "series": page.count(b"\n") - page.count(b"\n#"),
        "page_ms": 1000 * ours,
        "prometheus_client_ms": 1000 * theirs,
        "ratio": theirs / ours,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--control-planes", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=60)
    arguments = parser.parse_args()
    # As the command does.
    gc.set_threshold(50_000, 20, 20)
    found = asyncio.run(measure(arguments.control_planes, arguments.requests))
    found["control_planes"] = arguments.control_planes
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    print(
        f"{arguments.control_planes} control planes, {found['series']:.0f} series, "
        f"{found['page_bytes'] / 1e6:.1f} MB ({found['packed_bytes'] / 1e6:.1f} MB compressed)\n"
        f"GET /metrics while all change every {INTERVAL:.0f} s: p50 {found['p50_ms']:.0f} ms, "
        f"p90 {found['p90_ms']:.0f} ms, p99 {found['p99_ms']:.0f} ms, max {found['max_ms']:.0f} ms\n"
        f"taking one changed control plane: {found['update_ms']:.2f} ms of a processor\n"
        f"making a page: {found['page_ms']:.1f} ms, prometheus_client {found['prometheus_client_ms']:.0f} ms, "
        f"{found['ratio']:.0f} times as long\n"
        f"peak memory of serving: {found['memory_mib']:.0f} MiB, the made-up fleet included"
    )


if __name__ == "__main__":
    main()
