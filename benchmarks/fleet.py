"""What it costs to scrape a fleet: 1,000 control planes with a 4.4 MB page each, every 15 s.

    python benchmarks/fleet.py [--json] [--targets 100,300,1000] [--seconds 90] [--workers 1] [--scrape-only]

The control planes are listeners in processes of their own, each with its own authority; their pages come gzipped
over TLS and move between scrapes. Counted are the processes that scrape, compute the signals, judge them by all
rules and export them: this one and the pool's workers (with `--workers 0` this one alone). A client in a process
of its own asks for `/metrics` once a second, fifteen times as often as a Prometheus would.

CPU time is the kernel's count for these processes over the measured seconds, so that other work on the machine
changes it little; memory is their proportional share (PSS) at the end. The measurement begins when every control
plane has been scraped twice. `--scrape-only` leaves out rules and exporter.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from k3k_core.exporter.server import ServerOptions, serving
from k3k_core.exporter.web.listener import Address, bind
from k3k_core.fleet import FleetRow
from k3k_core.telemetry.judge import Judge
from k3k_core.telemetry.rules import load_rules
from k3k_core.telemetry.scraper import (
    ControlPlaneTarget,
    Scraped,
    ScrapeFigures,
    ScrapeOptions,
    Scraper,
    ScraperPool,
    ServerTarget,
    TargetId,
)
from k3k_core.telemetry.scraper.open_files import raise_open_files_limit
from tests.support.fake_fleet import FakeFleet
from tests.support.made_up import row as plane

TARGETS_PROGRAM = Path(__file__).with_name("fleet_targets.py")
TARGET_PROCESSES = 2
# Asks for metrics at a fixed rate; prints how many seconds each answer took.
CLIENT = """
import http.client, json, sys, time
port, requests, pace = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
connection = http.client.HTTPConnection("127.0.0.1", port)
took, due = [], time.perf_counter()
for _ in range(requests):
    time.sleep(max(0, due - time.perf_counter()))
    began = time.perf_counter()
    connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
    connection.getresponse().read()
    took.append(time.perf_counter() - began)
    due += pace
print(json.dumps(took))
"""
TOKEN = "monitoring-token-of-the-benchmark"  # noqa: S105

Fleet = Mapping[TargetId, ControlPlaneTarget]


@dataclass(frozen=True, slots=True)
class Result:
    """What scraping a fleet of one size cost.

    Attributes:
        targets: control planes.
        interval: seconds between two rounds of one of them.
        seconds: how long was measured.
        rounds_due: rounds that should have begun in that time.
        rounds_kept: rounds that did, and gave a page.
        rounds_missed: rounds that were left out because they could not begin in time.
        rounds_failed: rounds that brought an error.
        lag_p50: median of how late rounds began, seconds.
        lag_p99: the same, 99th percentile.
        duration_p50: median of how long rounds took, seconds.
        cores: CPU seconds per second.
        cpu_per_round: CPU milliseconds per round.
        memory: mebibytes, all scraping processes.
        memory_of_each: the same by process, this one first.
        received: megabytes a second over the network.
        metrics_p50: median of how long the exporter's `/metrics` took, milliseconds; None without an exporter.
        metrics_p99: the same, 99th percentile.
    """

    targets: int
    interval: float
    seconds: float
    rounds_due: float
    rounds_kept: int
    rounds_missed: int
    rounds_failed: int
    lag_p50: float
    lag_p99: float
    duration_p50: float
    cores: float
    cpu_per_round: float
    memory: float
    memory_of_each: tuple[float, ...]
    received: float
    metrics_p50: float | None
    metrics_p99: float | None


@contextmanager
def listening(count: int) -> Iterator[Fleet]:
    """Run processes with so many control planes."""
    with ExitStack() as stack:
        fleet: dict[TargetId, ControlPlaneTarget] = {}
        share = -(-count // TARGET_PROCESSES)
        processes = [
            stack.enter_context(_process(first, min(share, count - first)))
            for first in range(0, count, share)
        ]
        for process in processes:
            assert process.stdout is not None
            for line in process.stdout:
                target = _target(json.loads(line))
                fleet[target.id] = target
                if len(fleet) % share == 0 or len(fleet) == count:
                    break
        yield fleet


@contextmanager
def _process(first: int, count: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(TARGETS_PROGRAM), str(first), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _target(line: Mapping[str, str]) -> ControlPlaneTarget:
    return ControlPlaneTarget(
        id=TargetId("bench", f"team-{int(line['number']) % 20}", f"plane-{line['number']}"),
        servers=(ServerTarget("server-0", f"https://127.0.0.1:{line['port']}"),),
        ca_pem=line["authority"],
        token=TOKEN,
        datastore="etcd",
    )


class Collector:
    """Takes the results of rounds as a fleet does: judges each and lets an exporter show it.

    Args:
        fleet: what is scraped.
        exported: what an exporter shows; None to keep the results only.
    """

    def __init__(self, fleet: Fleet, exported: FakeFleet | None) -> None:
        rules = load_rules()
        self.latest: dict[TargetId, Scraped] = {}
        self.rounds: list[tuple[float, float]] = []
        self._exported = exported
        self._judges = {one: Judge(rules) for one in fleet}
        self._planes = {one: plane(host=one.host, namespace=one.namespace, name=one.name) for one in fleet}

    def publish(self, scraped: Scraped) -> None:
        """Take a result."""
        self.latest[scraped.id] = scraped
        self.rounds.append((scraped.lag, scraped.duration))
        if self._exported is not None:
            judgement = self._judges[scraped.id].judge(scraped.signals, base="Healthy", at=time.time())
            row = FleetRow(self._planes[scraped.id], judgement, scraped.signals, scraped)
            self._exported.put(row)


@asynccontextmanager
async def exporting(fleet: FakeFleet | None) -> AsyncIterator[int]:
    """Serve a fleet's metrics; yields the port, 0 when there is nothing to serve."""
    if fleet is None:
        yield 0
        return
    sockets = bind(Address("127.0.0.1", 0))
    async with serving(fleet, sockets, ServerOptions()):
        yield sockets[0].getsockname()[1]


async def ask(port: int, seconds: float) -> list[float]:
    """Ask an exporter for its metrics once a second, for so long; returns what each answer took, sorted, seconds."""
    if not port:
        await asyncio.sleep(seconds)
        return []
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLIENT, str(port), str(int(seconds)), "1", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await client.communicate()
    return sorted(json.loads(out))


async def scrape(
    fleet: Fleet, options: ScrapeOptions, *, seconds: float, workers: int, export: bool
) -> Result:
    """Scrape a fleet for a while and measure it."""
    exported = FakeFleet() if export else None
    collector = Collector(fleet, exported)
    publish = collector.publish
    scraper = ScraperPool(options, publish, workers=workers) if workers else Scraper(options, publish)
    async with exporting(exported) as port:
        running = asyncio.create_task(scraper.run())
        scraper.update(fleet)
        await asyncio.sleep(2.5 * options.interval)
        processes = [os.getpid(), *(scraper.process_ids if isinstance(scraper, ScraperPool) else ())]
        before, used, began = scraper.figures, _cpu(processes), time.monotonic()
        collector.rounds.clear()
        asked = await ask(port, seconds)
        after, cpu, took = scraper.figures, _cpu(processes) - used, time.monotonic() - began
        memory = tuple(_memory(process) for process in processes)
        running.cancel()
        await asyncio.wait([running])
    return _result(fleet, options, before, after, collector, asked, cpu=cpu, seconds=took, memory=memory)


def _result(
    fleet: Fleet,
    options: ScrapeOptions,
    before: ScrapeFigures,
    after: ScrapeFigures,
    collector: Collector,
    asked: list[float],
    *,
    cpu: float,
    seconds: float,
    memory: tuple[float, ...],
) -> Result:
    kept = after.rounds.get("ok", 0) - before.rounds.get("ok", 0)
    done = sum(after.rounds.values()) - sum(before.rounds.values())
    lags = sorted(lag for lag, _ in collector.rounds)
    durations = sorted(duration for _, duration in collector.rounds)
    return Result(
        targets=len(fleet),
        interval=options.interval,
        seconds=round(seconds, 1),
        rounds_due=round(len(fleet) * seconds / options.interval, 1),
        rounds_kept=kept,
        rounds_missed=after.missed - before.missed,
        rounds_failed=done - kept,
        lag_p50=round(_quantile(lags, 0.5), 4),
        lag_p99=round(_quantile(lags, 0.99), 4),
        duration_p50=round(_quantile(durations, 0.5), 4),
        cores=round(cpu / seconds, 3),
        cpu_per_round=round(1000 * cpu / max(1, done), 2),
        memory=round(sum(memory), 1),
        memory_of_each=tuple(round(one, 1) for one in memory),
        received=round((after.received_bytes - before.received_bytes) / seconds / 1e6, 2),
        metrics_p50=round(1000 * _quantile(asked, 0.5), 1) if asked else None,
        metrics_p99=round(1000 * _quantile(asked, 0.99), 1) if asked else None,
    )


def _quantile(values: Sequence[float], quantile: float) -> float:
    return values[min(len(values) - 1, int(quantile * len(values)))] if values else float("nan")


def _cpu(processes: Sequence[int]) -> float:
    """Return the CPU seconds that processes have used so far (proc(5), fields 14 and 15 of stat)."""
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _memory(process: int) -> float:
    """Return a process' proportional share of memory, MiB."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel does not tell the memory of processes")


def report(one: Result) -> str:
    """Return a result for a person to read."""
    parts = " + ".join(f"{part:.0f}" for part in one.memory_of_each)
    lines = [
        f"{one.targets} control planes, one round each {one.interval:g} s, over {one.seconds} s",
        (
            f"  rounds     {one.rounds_due:.0f} due, {one.rounds_kept} kept, {one.rounds_missed} missed, "
            f"{one.rounds_failed} failed"
        ),
        (
            f"  lag        p50 {1000 * one.lag_p50:.1f} ms, p99 {1000 * one.lag_p99:.1f} ms; "
            f"a round takes {1000 * one.duration_p50:.0f} ms (p50)"
        ),
        f"  processor  {one.cores:.2f} cores, {one.cpu_per_round:.1f} ms a round",
        f"  memory     {one.memory:.0f} MiB ({parts})",
        f"  network    {one.received:.1f} MB/s received",
    ]
    if one.metrics_p99 is not None:
        lines.append(f"  /metrics   p50 {one.metrics_p50:.0f} ms, p99 {one.metrics_p99:.0f} ms")
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--targets", default="100,300,1000", help="sizes of fleets, with commas")
    parser.add_argument("--seconds", type=float, default=90.0, help="measured seconds for each")
    parser.add_argument("--interval", type=float, default=15.0, help="seconds between rounds")
    parser.add_argument("--workers", type=int, default=1, help="worker processes; 0: scrape in this one")
    parser.add_argument("--scrape-only", action="store_true", help="without rules and exporter")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    raise_open_files_limit()
    options = ScrapeOptions(interval=arguments.interval)
    results = []
    for count in (int(text) for text in arguments.targets.split(",")):
        with listening(count) as fleet:
            results.append(
                asyncio.run(
                    scrape(
                        fleet,
                        options,
                        seconds=arguments.seconds,
                        workers=arguments.workers,
                        export=not arguments.scrape_only,
                    )
                )
            )
        if not arguments.json:
            print(report(results[-1]), flush=True)
    if arguments.json:
        print(
            json.dumps({"results": [asdict(result) for result in results], "cpus": os.cpu_count()}, indent=2)
        )


if __name__ == "__main__":
    main()
