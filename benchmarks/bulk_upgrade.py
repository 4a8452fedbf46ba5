"""Upgrading many control planes at once on the sandbox, some of which fail, beside one after the other.

    python benchmarks/bulk_upgrade.py [--json] [--control-planes 200] [--failures 0.03] [--start-delay 6.5]

The sandbox runs in a process of its own. It refuses to touch the servers of a share of the control planes, chosen by a
seed, with status 500: their upgrades fail. In one run are measured: the time of an upgrade of all of them at several
widths, the widest number that was under way at the same time, what became of each; how many are begun once the stop
rule has struck; and the peer, the same upgrade one after the other (`--max-parallel 1`) of a part of them, as time for
each. A simulated server is ready after `--start-delay`, by default the 6.5 s that a real k3s took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k3k_core.host import Host, HostOptions, open_host
from k3k_core.lifecycle.bulk import BulkResult, Happening, run_many
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.upgrade import Upgraded, UpgradeRequest, upgrade
from k3k_core.names import ControlPlaneId
from k3k_core.values import load_values

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SEED = 20261123
NAMESPACE = "bulk"
WIDTHS = (5, 20)
# Of the run whose stop rule is looked at.
STOP_AFTER, STOP_WIDTH = 2, 5
# The peer is measured on so many: one after the other, all of them would take too long to be repeated often.
ONE_BY_ONE = 10
CREATE_ROUNDS = 4


def identities(count: int) -> tuple[ControlPlaneId, ...]:
    """Return the control planes."""
    return tuple(ControlPlaneId(NAMESPACE, f"cp-{number:03}") for number in range(count))


def failing(count: int, share: float) -> frozenset[str]:
    """Return the names of those whose upgrades fail."""
    # The same ones every time, not secret ones.
    chosen = random.Random(SEED).sample(range(count), round(count * share))  # noqa: S311
    return frozenset(f"cp-{number:03}" for number in chosen)


async def serve(path: Path, count: int, share: float, start_delay: float) -> None:
    """Run the sandbox until standard input ends."""
    from k3k_core.resources import STATEFUL_SET
    from k3k_core.sandbox import Sandbox, SandboxOptions
    from k3k_core.sandbox.api.faults import Fault, Request

    broken = failing(count, share)
    body = {"kind": "Status", "status": "Failure", "code": 500, "message": "injected by the benchmark"}
    async with Sandbox.start(SandboxOptions(start_delay=start_delay)) as sandbox:

        def hook(request: Request) -> Fault | None:
            info = request.info
            name = str(info.name or "").removesuffix("-k3k-server")
            touches = (
                request.method == "PATCH" and info.plural == "statefulsets" and "dryRun" not in request.query
            )
            if not touches or name not in broken:
                return None
            there = sandbox.store.get(STATEFUL_SET, NAMESPACE, str(info.name)) is not None
            return Fault(status=500, body=body) if there else None

        sandbox.faults.append(hook)
        await asyncio.to_thread(path.write_text, sandbox.kubeconfig, encoding="utf-8")
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@asynccontextmanager
async def sandbox_beside(arguments: argparse.Namespace) -> AsyncIterator[Path]:
    """Start the sandbox in a process of its own; yield the path of its kubeconfig."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "host.yaml"
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            *("--serve", str(path)),
            *("--control-planes", str(arguments.control_planes)),
            *("--failures", str(arguments.failures)),
            *("--start-delay", str(arguments.start_delay)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            # One line when it is there.
            if process.stdout is not None:
                await process.stdout.readline()
            yield path
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


@dataclass(slots=True)
class Width:
    """Counts how many are under way at the same time, and what is begun when nothing should be any more."""

    stop_after: int | None = None
    now: int = 0
    widest: int = 0
    begun: int = 0
    failed: int = 0
    begun_after_stop: int = 0

    def __call__(self, happening: Happening[ControlPlaneId, Upgraded]) -> None:
        outcome = happening.outcome
        if outcome is None:
            self.now += 1
            self.begun += 1
            self.widest = max(self.widest, self.now)
            self.begun_after_stop += self.stop_after is not None and self.failed >= self.stop_after
        elif outcome.state != "skipped":
            self.now -= 1
            self.failed += outcome.state == "failed"


async def upgraded(
    host: Host, which: Sequence[ControlPlaneId], memory: str, width: int, stop_after: int | None = None
) -> tuple[BulkResult[ControlPlaneId, Upgraded], Width]:
    """Upgrade control planes, so many at a time."""
    seen = Width(stop_after)

    async def work(each: ControlPlaneId) -> Upgraded:
        return await upgrade(host, UpgradeRequest(each, assignments=(f"resources.requests.memory={memory}",)))

    result = await run_many(which, work, max_parallel=width, stop_after_failures=stop_after, progress=seen)
    return result, seen


async def made(host: Host, planes: Sequence[ControlPlaneId]) -> None:
    """Make the control planes; what a busy machine refuses at first is gone on with."""
    values = load_values("network_policy: {enabled: false}")
    left = planes
    for _ in range(CREATE_ROUNDS):
        result = await run_many(left, lambda each: create(host, CreateRequest(each, values)), max_parallel=10)
        left = [each.item for each in result.of("failed")]
        if not left:
            return
    raise SystemExit(f"cannot create {', '.join(map(str, left))}")


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make the control planes, upgrade them in several ways, and return the figures."""
    planes = identities(arguments.control_planes)
    broken = failing(arguments.control_planes, arguments.failures)
    async with sandbox_beside(arguments) as path, open_host(HostOptions(kubeconfig=str(path))) as host:
        await made(host, planes)
        found: dict[str, Any] = {
            "controlPlanes": len(planes),
            "failuresInjected": len(broken),
            "startDelaySeconds": arguments.start_delay,
            "widths": [],
        }
        sound = [each for each in planes if each.name not in broken][:ONE_BY_ONE]
        alone, _ = await upgraded(host, sound, "600Mi", 1)
        each_alone = alone.elapsed / len(sound)
        found["oneByOne"] = {"measuredOn": len(sound), "secondsEach": round(each_alone, 2)}
        for number, width in enumerate(WIDTHS):
            result, seen = await upgraded(host, planes, f"{601 + number}Mi", width)
            found["widths"].append(
                {
                    "maxParallel": width,
                    "widest": seen.widest,
                    "seconds": round(result.elapsed, 1),
                    "done": len(result.of("done")),
                    "failed": len(result.of("failed")),
                    "otherFailures": [
                        str(each.error) for each in result.of("failed") if each.item.name not in broken
                    ],
                    "timesFasterThanOneByOne": round(each_alone * len(planes) / result.elapsed, 2),
                }
            )
        result, seen = await upgraded(host, planes, "700Mi", STOP_WIDTH, STOP_AFTER)
        found["stopRule"] = {
            "stopAfterFailures": STOP_AFTER,
            "maxParallel": STOP_WIDTH,
            "begun": seen.begun,
            "failed": len(result.of("failed")),
            "neverBegun": len(result.of("skipped")),
            "begunAfterTheStop": seen.begun_after_stop,
        }
    return found


def show(found: dict[str, Any]) -> None:
    """Print the figures for a person."""
    print(
        f"{found['controlPlanes']} control planes, {found['failuresInjected']} of them failing; a server is ready "
        f"after {found['startDelaySeconds']:g} s"
    )
    alone = found["oneByOne"]
    print(f"one by one: {alone['secondsEach']:.2f} s each (measured on {alone['measuredOn']})")
    for each in found["widths"]:
        ended = f"{each['done']} done, {each['failed']} failed ({len(each['otherFailures'])} not injected)"
        faster = f"{each['timesFasterThanOneByOne']:.1f} times as fast as one by one"
        print(
            f"--max-parallel {each['maxParallel']}: {each['seconds']:.1f} s, {ended}, widest {each['widest']}, {faster}"
        )
    stop = found["stopRule"]
    options = f"--stop-after-failures {stop['stopAfterFailures']} --max-parallel {stop['maxParallel']}"
    counts = f"{stop['begun']} begun, {stop['failed']} failed, {stop['neverBegun']} never begun"
    print(f"{options}: {counts}, {stop['begunAfterTheStop']} begun after the stop")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--control-planes", type=int, default=200)
    parser.add_argument("--failures", type=float, default=0.03, help="share of them whose upgrades fail")
    parser.add_argument(
        "--start-delay", type=float, default=6.5, help="seconds until a simulated server is ready"
    )
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        asyncio.run(
            serve(arguments.serve, arguments.control_planes, arguments.failures, arguments.start_delay)
        )
        return
    found = asyncio.run(measure(arguments))
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)


if __name__ == "__main__":
    main()
