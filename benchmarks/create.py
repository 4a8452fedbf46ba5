"""Requests and time of a create on the sandbox, beside `kubectl apply` of the same objects.

    python benchmarks/create.py [--json] [--creates 100]

The sandbox runs in a process of its own. "Outside waiting" is the time of a create that is spent neither
waiting for the load balancer nor for the servers. The peer is `kubectl apply --server-side` of the rendered
manifests in the same run; without kubectl its figures are missing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from k3k_core.host import HostOptions, open_host
from k3k_core.host.transport import Transport
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.progress import Step
from k3k_core.lifecycle.render import render
from k3k_core.names import ControlPlaneId
from k3k_core.values import LoadedValues, load_values

ROUNDS = 7


class Stopwatch:
    """Adds up the time between the start and the end of the steps that wait."""

    def __init__(self) -> None:
        self.waited = 0.0
        self._since: dict[str, float] = {}

    def __call__(self, step: Step) -> None:
        if step.name in {"address", "ready"} and step.state == "started":
            self._since[step.name] = time.perf_counter()
        elif step.name in self._since and step.state == "done":
            self.waited += time.perf_counter() - self._since.pop(step.name)


@contextmanager
def counted_requests() -> Iterator[list[str]]:
    """Yield a list that grows by one entry with every HTTP request, repeated ones included."""
    sent: list[str] = []
    send = Transport.send

    async def counting(self: Transport, *args: Any, **named: Any) -> Any:
        sent.append("request")
        return await send(self, *args, **named)

    Transport.send = counting  # type: ignore[method-assign]
    try:
        yield sent
    finally:
        Transport.send = send  # type: ignore[method-assign]


@contextmanager
def sandbox(directory: Path) -> Iterator[Path]:
    """Run a sandbox in a process of its own; yields the path of its kubeconfig."""
    kubeconfig = directory / "kubeconfig.yaml"
    program = str(Path(sys.executable).with_name("k3k"))
    command = [program, "sandbox", "up", "--kubeconfig", str(kubeconfig)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while not kubeconfig.exists() and time.monotonic() < until:
            time.sleep(0.05)
        yield kubeconfig
    finally:
        process.terminate()
        process.wait(timeout=30)


async def measure(kubeconfig: Path, values: LoadedValues, creates: int) -> dict[str, Any]:
    """Create control planes one after another, then many at once."""
    outside, requests = [], []
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        for number in range(ROUNDS):
            watch = Stopwatch()
            identity = ControlPlaneId(f"bench-{number}", "one")
            with counted_requests() as sent:
                started = time.perf_counter()
                await create(host, CreateRequest(identity, values), watch)
            outside.append(time.perf_counter() - started - watch.waited)
            requests.append(len(sent))
        started = time.perf_counter()
        made = await asyncio.gather(
            *(
                create(host, CreateRequest(ControlPlaneId("bench-many", f"cp-{number}"), values))
                for number in range(creates)
            )
        )
        many = time.perf_counter() - started
    return {
        "requests_per_create": statistics.median(requests),
        "outside_waiting_ms": round(statistics.median(outside) * 1000, 1),
        "creates_at_once": creates,
        "creates_at_once_ready": sum(item.ready for item in made),
        "creates_at_once_s": round(many, 2),
    }


def measure_kubectl(kubeconfig: Path, values: LoadedValues, directory: Path) -> float | None:
    """Return median milliseconds of `kubectl apply --server-side` of the same objects, or None."""
    if shutil.which("kubectl") is None:
        return None
    elapsed = []
    for number in range(ROUNDS):
        identity = ControlPlaneId(f"bench-kubectl-{number}", "one")
        documents = render(identity, values, secrets="inline", now=datetime.now(UTC))
        path = directory / f"{number}.yaml"
        path.write_text(yaml.safe_dump_all(documents))
        command = ["kubectl", "--kubeconfig", str(kubeconfig), "apply", "--server-side", "-f", str(path)]
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        elapsed.append(time.perf_counter() - started)
    return round(statistics.median(elapsed) * 1000, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--creates", type=int, default=100, help="control planes created at once")
    arguments = parser.parse_args()
    values = load_values("")
    with tempfile.TemporaryDirectory() as name, sandbox(Path(name)) as kubeconfig:
        figures = asyncio.run(measure(kubeconfig, values, arguments.creates))
        figures["kubectl_apply_ms"] = measure_kubectl(kubeconfig, values, Path(name))
    if figures["kubectl_apply_ms"]:
        figures["ratio"] = round(figures["kubectl_apply_ms"] / figures["outside_waiting_ms"], 2)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"requests per create          {figures['requests_per_create']:>8g}   (aim: 25 or fewer)")
    print(f"time outside waiting         {figures['outside_waiting_ms']:>8g} ms (aim: 150 or less)")
    if figures["kubectl_apply_ms"]:
        print(f"kubectl apply, same objects  {figures['kubectl_apply_ms']:>8g} ms")
    title, ready = f"{figures['creates_at_once']} creates at once", figures["creates_at_once_ready"]
    print(f"{title:<28} {figures['creates_at_once_s']:>8g} s  ({ready} ready; aim: under 15)")


if __name__ == "__main__":
    main()
