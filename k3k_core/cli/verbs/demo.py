"""`k3k demo`."""

from __future__ import annotations

import asyncio
import shlex
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
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
    from k3k_core.sandbox.demo_fleet import Member

_TIMEOUT = 120.0


@verb(
    "demo",
    details="Starts a sandbox in this process, creates control planes on it, shows them until q or Ctrl-C "
    "is pressed. Without a terminal they are printed once. Everything is gone afterwards.",
    examples=(
        Example("A fleet of six", "k3k demo"),
        Example("A larger one, always the same", "k3k demo --clusters 40 --seed 7"),
        Example("Print it and end", "k3k demo --once"),
    ),
    common=(options.general_options,),
)
@option(
    "--clusters",
    type=click.IntRange(1, 1000),
    default=6,
    metavar="N",
    help="How many control planes (default 6).",
)
@option("--seed", type=int, default=0, metavar="S", help="Seed of everything that is random (default 0).")
@option("--once", is_flag=True, help="Print the list once and end.")
def command(session: Session, clusters: int, seed: int, once: bool) -> None:
    """Show a fleet."""
    live = session.console.out.interactive and not once
    failed = run(_demo(session, clusters=clusters, seed=seed, live=live))
    if failed:
        raise K3kError(f"{failed} of {clusters} control planes could not be made.")


async def _demo(session: Session, *, clusters: int, seed: int, live: bool) -> int:
    from k3k_core.host import open_host
    from k3k_core.sandbox import Sandbox, SandboxOptions

    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="k3k-demo-") as folder:
        kubeconfig = Path(folder) / "kubeconfig.yaml"
        async with Sandbox.start(SandboxOptions(seed=seed)) as sandbox:
            write_private(kubeconfig, sandbox.kubeconfig)
            session.console.note(f"Sandbox host (simulated) at {sandbox.url}")
            async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as host:
                failed, first = await _provision(session, host, clusters, seed)
                help_text = _how_to_reach(kubeconfig, first)
                if live:
                    await _watch(session, host, help_text)
                else:
                    session.console.data(await _list(session, host))
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


async def _provision(session: Session, host: HostApi, clusters: int, seed: int) -> tuple[int, Member | None]:
    """Make the fleet and return how many failed, and one that can be used."""
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
    usable = [member for member in members if member.made_by == "k3k" and member not in failed]
    return len(failed), usable[0] if usable else None


async def _list(session: Session, host: HostApi, *, width: int | None = None) -> str:
    from k3k_core.discovery import list_control_planes

    now = datetime.now(UTC)
    rows = await list_control_planes(host, namespace=None, now=now)
    return control_plane_table(session.console.out, rows, now=now, width=width)


async def _watch(session: Session, host: HostApi, help_text: str) -> None:
    import shutil

    from k3k_core.cli.live import show_until_quit

    async def draw() -> str:
        columns = shutil.get_terminal_size().columns
        return f"{help_text}\n\n{await _list(session, host, width=columns)}"

    try:
        await show_until_quit(draw)
    except asyncio.CancelledError:
        # Ctrl-C is the ordinary way to end a show.
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()


def _how_to_reach(kubeconfig: Path, member: Member | None) -> str:
    lines = [
        "k3k demo: simulated control planes on a sandbox host. Press q to end.",
        f"  export KUBECONFIG={shlex.quote(str(kubeconfig))}",
    ]
    if member is not None:
        lines += [
            f"  k3k kubeconfig {member.id} --out demo.yaml",
            "  kubectl --kubeconfig demo.yaml get namespaces",
        ]
    return "\n".join(escape(line) for line in lines)
