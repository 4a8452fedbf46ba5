"""`k3k demo`."""

from __future__ import annotations

import asyncio
import shlex
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import run
from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.option import option
from k3k_core.cli.private_file import write_private
from k3k_core.cli.rows import control_plane_table
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape
from k3k_core.errors import K3kError
from k3k_core.host import HostApi, HostOptions

if TYPE_CHECKING:
    from k3k_core.fleet import Fleet
    from k3k_core.sandbox.demo_fleet import Member, Trouble

_TIMEOUT = 120.0
# Seconds between two readings of a control plane: while it is shown, and to print it once.
_INTERVAL, _FIRST_INTERVAL = 5.0, 2.0
_SETTLED = 60.0
_AGE = timedelta(minutes=45)


@verb(
    "demo",
    details="Starts a sandbox in this process, creates control planes on it, shows them and what is measured of them "
    "until q or Ctrl-C is pressed. Without a terminal they are printed once. Some are in trouble, chosen by seed: "
    "one is degraded, one is down, one has certificates that run out, one a queue that is stuck, one too much load. "
    "Which ones is told, and how to cause and to end such troubles with kubectl. Everything is gone afterwards.",
    examples=(
        Example("A fleet of twelve", "k3k demo"),
        Example("A larger one, always the same", "k3k demo --clusters 40 --seed 7"),
        Example("All is well", "k3k demo --healthy"),
        Example("Print it and end", "k3k demo --once"),
    ),
    common=(options.general_options,),
)
@option(
    "--clusters",
    type=click.IntRange(1, 1000),
    default=12,
    metavar="N",
    help="How many control planes (default 12).",
)
@option(
    "--seed",
    type=int,
    default=0,
    metavar="S",
    help="Seed of everything that is random: the fleet, its troubles, its figures (default 0).",
)
@option("--healthy", is_flag=True, help="Leave out the troubles.")
@option("--once", is_flag=True, help="Print the list once and end.")
def command(session: Session, clusters: int, seed: int, healthy: bool, once: bool) -> None:
    """Show a fleet."""
    live = session.console.out.interactive and not once
    failed = run(_demo(session, clusters=clusters, seed=seed, healthy=healthy, live=live))
    if failed:
        raise K3kError(f"{failed} of {clusters} control planes could not be made.")


async def _demo(session: Session, *, clusters: int, seed: int, healthy: bool, live: bool) -> int:
    from k3k_core.fleet import Fleet, FleetOptions
    from k3k_core.host import open_host
    from k3k_core.sandbox import Sandbox, SandboxOptions
    from k3k_core.telemetry.scraper import ScrapeOptions

    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="k3k-demo-") as folder:
        kubeconfig = Path(folder) / "kubeconfig.yaml"
        async with Sandbox.start(SandboxOptions(seed=seed)) as sandbox:
            write_private(kubeconfig, sandbox.kubeconfig)
            session.console.note(f"Sandbox host (simulated) at {sandbox.url}")
            options = HostOptions(kubeconfig=str(kubeconfig))
            async with open_host(options) as host:
                # Servers of a young control plane that are not ready count as starting.
                with sandbox.dated_back(_AGE):
                    failed, made = await _provision(session, host, clusters, seed)
                wrong = () if healthy else await _go_wrong(session, host, made, seed)
            scrape = ScrapeOptions(interval=_INTERVAL if live else _FIRST_INTERVAL)
            async with Fleet(FleetOptions(hosts=(options,), scrape=scrape)) as fleet:
                if live:
                    await _watch(session, fleet, _how_to_reach(kubeconfig, made), wrong)
                else:
                    await fleet.settled(_SETTLED)
                    session.console.data(_table(session, fleet, wide=True))
    return failed


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a closed terminal or a request to end cancel the show, so that nothing of it is left behind."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    told: list[int] = []

    def end(number: int) -> None:
        told.append(number)
        if task is not None:
            task.cancel()

    signals = (signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, end, number)
    try:
        yield
    except asyncio.CancelledError:
        if not told:
            raise
        raise SystemExit(128 + told[0]) from None
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def _provision(
    session: Session, host: HostApi, clusters: int, seed: int
) -> tuple[int, tuple[Member, ...]]:
    """Make the fleet and return how many failed, and those that did not."""
    from k3k_core.sandbox.demo_fleet import provision, recipe

    members = recipe(clusters, seed)
    began = asyncio.get_running_loop().time()
    failed: list[Member] = []

    def tell(member: Member, error: Exception | None) -> None:
        if error is None:
            session.console.note(f"created {member.id}")
        else:
            failed.append(member)
            session.console.warn(f"{member.id}: {error}")

    await provision(host, members, timeout=_TIMEOUT, made=tell)
    took = asyncio.get_running_loop().time() - began
    session.console.note(f"{len(members) - len(failed)} control planes in {format_elapsed(took)}")
    return len(failed), tuple(member for member in members if member not in failed)


async def _go_wrong(
    session: Session, host: HostApi, made: Sequence[Member], seed: int
) -> tuple[Trouble, ...]:
    """Let some of the fleet be in trouble, and say which."""
    from k3k_core.sandbox.demo_fleet import cause, troubles

    wrong = troubles(made, seed)
    await cause(host, wrong)
    for trouble in wrong:
        session.console.note(f"in trouble, on purpose: {trouble.id}, {trouble.what}")
    return wrong


def _table(session: Session, fleet: Fleet, *, wide: bool = False, width: int | None = None) -> str:
    rows = fleet.rows.values()
    return control_plane_table(
        session.console.out,
        [row.control_plane for row in rows],
        now=datetime.now(UTC),
        wide=wide,
        measured={(row.id.host, row.id.namespace, row.id.name): row for row in rows},
        width=width,
    )


async def _watch(session: Session, fleet: Fleet, help_text: str, wrong: Sequence[Trouble]) -> None:
    import shutil

    from k3k_core.cli.live import show_until_quit

    footnotes = _what_is_wrong(wrong)

    async def draw() -> str:
        columns = shutil.get_terminal_size().columns
        return f"{help_text}\n\n{_table(session, fleet, width=columns)}\n\n{footnotes}"

    try:
        await show_until_quit(draw)
    except asyncio.CancelledError:
        # Ctrl-C is the ordinary way to end a show.
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()


def _how_to_reach(kubeconfig: Path, made: Sequence[Member]) -> str:
    lines = [
        "k3k demo: simulated control planes on a sandbox host. Press q to end.",
        f"  export KUBECONFIG={shlex.quote(str(kubeconfig))}",
    ]
    usable = next((member for member in made if member.made_by == "k3k"), None)
    if usable is not None:
        lines += [
            f"  k3k kubeconfig {usable.id} --out demo.yaml",
            "  kubectl --kubeconfig demo.yaml get namespaces",
        ]
    return "\n".join(escape(line) for line in lines)


def _what_is_wrong(wrong: Sequence[Trouble]) -> str:
    from k3k_core.sandbox.fault_catalogue import FAULT_ANNOTATION

    if not wrong:
        return ""
    lines = ["In trouble, on purpose (`k3k doctor NAME` explains; rules take some minutes):"]
    lines += [f"  {trouble.id}: {trouble.what}" for trouble in wrong]
    first = wrong[-1]
    resource, name = first.annotated
    lines.append(
        f"  kubectl -n {first.id.namespace} annotate {resource.kind.lower()} {name} {FAULT_ANNOTATION}-"
        f"   # {first.id} recovers"
    )
    return "\n".join(escape(line) for line in lines)
