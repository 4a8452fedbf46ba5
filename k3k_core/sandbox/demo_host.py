"""The host of the demonstration as a process of its own: `python -m k3k_core.sandbox.demo_host FOLDER ...`.

It starts a sandbox, writes its kubeconfig into FOLDER, provisions the fleet and lets some of it be in trouble. What it
does it tells on standard output, one `Step` as JSON a line. It ends when standard input does, so that it never
outlives whoever started it, and takes the kubeconfig and FOLDER with it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from k3k_core.errors import K3kError
from k3k_core.host import HostOptions, open_host
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.names import ControlPlaneId
from k3k_core.sandbox import Sandbox, SandboxOptions
from k3k_core.sandbox.demo_fleet import Member, Trouble, cause, provision, recipe, troubles
from k3k_core.sandbox.fault_catalogue import FAULT_ANNOTATION

KUBECONFIG = "kubeconfig.yaml"
# Names of steps that a reader waits for.
LISTENING, COMPLETE, FAILED = "sandbox", "fleet", "failed"
# Seconds one control plane may take.
_TIMEOUT = 120.0
_AGE = timedelta(minutes=45)


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What is to be shown.

    Attributes:
        clusters: how many control planes.
        seed: of everything that is random.
        healthy: whether the troubles are left out.
    """

    clusters: int = 12
    seed: int = 0
    healthy: bool = False


async def serve(folder: Path, wanted: Demonstration, ended: asyncio.Event, tell: Progress) -> None:
    """Run the host until it is told to end.

    Args:
        folder: where its kubeconfig goes, its owner's alone.
        wanted: what is to be shown.
        ended: set when it is to end.
        tell: told what happens.
    """
    kubeconfig = folder / KUBECONFIG
    async with Sandbox.start(SandboxOptions(seed=wanted.seed)) as sandbox:
        kubeconfig.touch(mode=0o600)
        kubeconfig.write_text(sandbox.kubeconfig, encoding="utf-8")
        work = asyncio.ensure_future(_set_up(sandbox, kubeconfig, wanted, tell))
        end = asyncio.ensure_future(ended.wait())
        await asyncio.wait((work, end), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
            await end
        else:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


async def _set_up(sandbox: Sandbox, kubeconfig: Path, wanted: Demonstration, tell: Progress) -> None:
    members = recipe(wanted.clusters, wanted.seed)
    wrong = () if wanted.healthy else troubles(members, wanted.seed)
    made: list[ControlPlaneId] = []

    def one_more(member: Member, error: Exception | None) -> None:
        if error is None:
            made.append(member.id)
            tell(Step("create", "done", f"created {member.id}", f"ControlPlane/{member.id}"))
        else:
            tell(Step("create", "warning", f"{member.id}: {error}", f"ControlPlane/{member.id}"))

    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
        # Servers of a young control plane that are not ready count as starting. So those that will fail must look
        # old, and nobody may look at them before they are ready once.
        failing = {trouble.id for trouble in wrong if trouble.fault == "down"}
        with sandbox.dated_back(_AGE):
            await provision(
                host, [each for each in members if each.id in failing], timeout=_TIMEOUT, made=one_more
            )
        tell(Step(LISTENING, "done", f"Sandbox host (simulated) at {sandbox.url}"))
        await provision(
            host, [each for each in members if each.id not in failing], timeout=_TIMEOUT, made=one_more
        )
        wrong = tuple(trouble for trouble in wrong if trouble.id in made)
        await cause(host, wrong)
    for trouble in wrong:
        tell(
            Step("trouble", "done", f"in trouble, on purpose: {trouble.id}, {trouble.what}", str(trouble.id))
        )
    if wrong:
        tell(Step("recovery", "done", _how_to_recover(wrong[-1], kubeconfig)))
    tell(Step(COMPLETE, "done", _summary(len(made), len(members), wrong)))


def _how_to_recover(trouble: Trouble, kubeconfig: Path) -> str:
    resource, name = trouble.annotated
    return (
        f"{trouble.id} recovers: kubectl --kubeconfig {kubeconfig} -n {trouble.id.namespace} annotate "
        f"{resource.kind.lower()} {name} {FAULT_ANNOTATION}-"
    )


def _summary(made: int, wanted: int, wrong: Sequence[Trouble]) -> str:
    count = f"{made} control planes" if made == wanted else f"{made} of {wanted} control planes"
    trouble = f"{len(wrong)} of them in trouble on purpose" if wrong else "all of them well"
    return f"{count}, {trouble}."


async def _run(folder: Path, wanted: Demonstration, tell: Progress) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    # Ctrl-C is for whoever started this process.
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    watch = asyncio.ensure_future(_when_over(reader, ended.set))
    try:
        await serve(folder, wanted, ended, tell)
    finally:
        watch.cancel()


async def _when_over(reader: asyncio.StreamReader, then: Callable[[], None]) -> None:
    await reader.read()
    then()


def _tell(step: Step) -> None:
    # A reader that is gone is no reason to complain: standard input ends too.
    with suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(asdict(step)) + "\n")
        sys.stdout.flush()


def main(args: Sequence[str] | None = None) -> int:
    """Run the host of a demonstration.

    Args:
        args: the command line.

    Returns:
        The exit code: 0 ended when it was told to, 1 failed, which it tells as a step named `FAILED`.
    """
    parser = argparse.ArgumentParser(prog="demo_host", description="Run the host of the demonstration.")
    parser.add_argument("folder", type=Path, help="an empty one, where its kubeconfig goes")
    parser.add_argument("--clusters", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--healthy", action="store_true")
    parsed = parser.parse_args(args)
    wanted = Demonstration(parsed.clusters, parsed.seed, parsed.healthy)
    try:
        asyncio.run(_run(parsed.folder, wanted, _tell))
    except (K3kError, OSError) as error:
        _tell(Step(FAILED, "warning", str(error)))
        return 1
    finally:
        with suppress(OSError):
            (parsed.folder / KUBECONFIG).unlink(missing_ok=True)
            parsed.folder.rmdir()
    return 0


if __name__ == "__main__":
    sys.exit(main())
