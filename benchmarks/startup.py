"""Start-up time of the command, and time and memory of a list of many control planes.

    python benchmarks/startup.py [--json] [--control-planes 500] [--rounds 9]

Each figure is the best of several runs, beside `python -c pass` in the same run. The list is taken from a
sandbox in a process of its own that holds the objects of that many control planes, scaled to zero servers so
that the sandbox has nothing to simulate; its peer is `kubectl get` of the same kinds, if there is a kubectl.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

K3K = str(Path(sys.executable).with_name("k3k"))
TEMPLATE = "bench-0000"
NAMESPACES = 20
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Run:
    """The best of several runs of one command.

    Attributes:
        seconds: wall time.
        mebibytes: peak resident memory of the process.
    """

    seconds: float
    mebibytes: float


def measure(command: Sequence[str], rounds: int, environ: dict[str, str] | None = None) -> Run:
    """Run a command several times and return its best time and its best peak memory."""
    seconds, kibibytes = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environ or dict(os.environ)
        )
        assert process.stderr is not None
        said = process.stderr.read()
        process.stderr.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds.append(time.perf_counter() - began)
        kibibytes.append(usage.ru_maxrss)
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{said.decode()}")
    return Run(min(seconds), min(kibibytes) / 1024)


@contextmanager
def sandbox(folder: Path) -> Iterator[Path]:
    """Run a sandbox in a process of its own; yields the path of its kubeconfig."""
    kubeconfig = folder / "kubeconfig.yaml"
    process = subprocess.Popen(
        [K3K, "sandbox", "up", "--kubeconfig", str(kubeconfig), "--quiet"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise SystemExit("the sandbox did not start")
        yield kubeconfig
    finally:
        process.terminate()
        process.communicate(timeout=60)


async def fill(kubeconfig: Path, count: int) -> None:
    """Put the objects of many control planes on the sandbox, each as large as a real one's.

    It runs in a process of its own: a child's peak memory is never told as less than its parent's at its
    start, so the process that measures has to stay small.
    """
    import asyncio

    from k3k_core.host import HostOptions, open_host
    from k3k_core.lifecycle.render import render
    from k3k_core.names import ControlPlaneId
    from k3k_core.values import load_values

    values = load_values("")
    objects = render(ControlPlaneId("placeholder", TEMPLATE), values, secrets="inline", now=datetime.now(UTC))
    for item in objects:
        if item["kind"] == "StatefulSet":
            item["spec"]["replicas"] = 0
    text = json.dumps([item for item in objects if item["kind"] != "Namespace"])
    places = asyncio.Semaphore(AT_ONCE)
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        for number in range(NAMESPACES):
            name = f"team-{number}"
            await host.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

        async def put(number: int) -> None:
            mine = text.replace(TEMPLATE, f"bench-{number:04}").replace(
                "placeholder", f"team-{number % NAMESPACES}"
            )
            for manifest in json.loads(mine):
                async with places:
                    await host.create(manifest)

        async with asyncio.TaskGroup() as group:
            for number in range(1, count + 1):
                group.create_task(put(number))


def benchmark(control_planes: int, rounds: int) -> dict[str, Any]:
    """Measure everything."""
    runs = {
        "python -c pass": measure([sys.executable, "-c", "pass"], rounds),
        "k3k --help": measure([K3K, "--help"], rounds),
        "k3k version": measure([K3K, "version"], rounds),
        "k3k list --help": measure([K3K, "list", "--help"], rounds),
    }
    with tempfile.TemporaryDirectory(prefix="k3k-bench-") as name, sandbox(Path(name)) as kubeconfig:
        filler = [
            sys.executable,
            __file__,
            "--fill",
            str(kubeconfig),
            "--control-planes",
            str(control_planes),
        ]
        subprocess.run(filler, check=True)
        environ = {**os.environ, "KUBECONFIG": str(kubeconfig)}
        runs[f"k3k list ({control_planes})"] = measure([K3K, "list"], rounds, environ)
        if kubectl := shutil.which("kubectl"):
            command = [kubectl, "get", "secrets,services,statefulsets", "-A"]
            runs["kubectl get, same kinds"] = measure(command, rounds, environ)
    base = runs["python -c pass"].seconds
    return {
        "runs": {label: {**asdict(run), "ratio": run.seconds / base} for label, run in runs.items()},
        "controlPlanes": control_planes,
        "rounds": rounds,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--control-planes", type=int, default=500, metavar="N")
    parser.add_argument("--rounds", type=int, default=9, metavar="N")
    parser.add_argument("--fill", type=Path, metavar="KUBECONFIG", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fill is not None:
        import asyncio

        asyncio.run(fill(args.fill, args.control_planes))
        return
    found = benchmark(args.control_planes, args.rounds)
    if args.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'command':<28}{'best':>10}{'ratio':>8}{'peak':>12}")
    for label, run in found["runs"].items():
        memory = f"{run['mebibytes']:.1f} MiB"
        print(f"{label:<28}{run['seconds'] * 1000:>7.0f} ms{run['ratio']:>7.1f}x{memory:>12}")


if __name__ == "__main__":
    main()
