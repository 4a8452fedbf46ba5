"""`k3k sandbox up`, `k3k sandbox down` and `k3k sandbox faults`."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from k3k_core.cli import options
from k3k_core.cli.catalog import VERBS
from k3k_core.cli.command import Example, VerbCommand
from k3k_core.cli.connect import run
from k3k_core.cli.group import Group
from k3k_core.cli.option import CONTEXT_SETTINGS, option
from k3k_core.cli.private_file import check_target, write_private
from k3k_core.cli.running import Running, claim, find_running, stop
from k3k_core.cli.session import Session
from k3k_core.cli.stopping import stop_signals

if TYPE_CHECKING:
    from k3k_core.sandbox import Sandbox

CONTEXT = "k3k-sandbox"


@click.group(
    "sandbox",
    cls=Group,
    context_settings=dict(CONTEXT_SETTINGS),
    help=f"{VERBS['sandbox'].summary}\n\nA real HTTPS API server on loopback that speaks enough of the "
    "Kubernetes API for kubectl and k3k. Its servers are simulated, and it says so wherever it shows.",
)
def command() -> None:
    """Group the verbs."""


@command.command(
    "up",
    cls=VerbCommand,
    short_help="Start a sandbox and run it until it is stopped.",
    help="Start a sandbox and run it until it is stopped.\n\nStop it with Ctrl-C, or with `k3k sandbox down` "
    f"from another terminal. The context of its kubeconfig is {CONTEXT}.",
    examples=(
        Example("On any free port; forgets everything when stopped", "k3k sandbox up"),
        Example("On a fixed port, with a memory", "k3k sandbox up --port 6550 --data ./sandbox"),
        Example("With its kubeconfig where you want it", "k3k sandbox up --kubeconfig sandbox.yaml"),
    ),
)
@option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="Port, 0 for any free one (default).",
)
@option("--data", metavar="DIR", help="Keep all state in DIR, and start from what is there.")
@option("--kubeconfig", metavar="FILE", help="Where to write the kubeconfig.")
@option("--seed", type=int, default=0, metavar="N", help="Seed of everything that is random (default 0).")
@option("--force", is_flag=True, help="With --kubeconfig: replace whatever FILE is.")
@options.general_options
def up(session: Session, port: int, data: str | None, kubeconfig: str | None, seed: int, force: bool) -> None:
    """Run a sandbox."""
    if kubeconfig is not None:
        check_target(Path(kubeconfig), CONTEXT, force=force)
    run(_serve(session, port=port, data=data, kubeconfig=kubeconfig, seed=seed))


@command.command(
    "down",
    cls=VerbCommand,
    short_help="Stop a running sandbox.",
    help="Stop a running sandbox.\n\nWithout --data it is the one that was started without it.",
    examples=(
        Example("The one that runs", "k3k sandbox down"),
        Example("The one that keeps its state in a folder", "k3k sandbox down --data ./sandbox"),
    ),
)
@option("--data", metavar="DIR", help="Folder the sandbox was started with.")
@option("--port", type=click.IntRange(1, 65535), metavar="PORT", help="Port it listens on, when several run.")
@options.general_options
def down(session: Session, data: str | None, port: int | None) -> None:
    """Stop a sandbox."""
    running = find_running(Path(data) if data is not None else None, port)
    stop(running)
    session.console.note(f"Stopped the sandbox at {running.url}.")


@command.command(
    "faults",
    cls=VerbCommand,
    short_help="List what can be made to go wrong on a sandbox.",
    help="List what can be made to go wrong on a sandbox.\n\nAn annotation switches faults on: of a namespace, of a "
    "control plane's root Secret, of a StatefulSet or of one pod. Without it they are gone:\n\n\b\n"
    "  kubectl annotate namespace team sandbox.k3k.ayedo.de/fault=queue-stuck\n"
    "  kubectl annotate namespace team sandbox.k3k.ayedo.de/fault-",
    examples=(
        Example("What there is", "k3k sandbox faults"),
        Example("What can befall members of a dedicated etcd", "k3k sandbox faults --of etcd"),
    ),
)
@option("--of", type=click.Choice(("k3s", "etcd")), help="Only faults of k3s servers, or of etcd members.")
@options.general_options
def faults(session: Session, of: str | None) -> None:
    """List faults."""
    from k3k_core.cli.output import table
    from k3k_core.sandbox.fault_catalogue import FAULTS

    rows = [[fault.spelled, fault.of, fault.summary] for fault in FAULTS.values() if of in {None, fault.of}]
    session.console.data(table(session.console.out, ["FAULT", "OF", "WHAT IS SEEN"], rows))


async def _serve(session: Session, *, port: int, data: str | None, kubeconfig: str | None, seed: int) -> None:
    from k3k_core.sandbox import Sandbox, SandboxOptions

    folder = Path(data) if data is not None else None
    with claim(folder) as slot, stop_signals() as stopped:
        async with Sandbox.start(SandboxOptions(port=port, data_dir=folder, seed=seed)) as sandbox:
            path = Path(kubeconfig) if kubeconfig is not None else slot.kubeconfig
            write_private(path, sandbox.kubeconfig)
            try:
                slot.announce(Running.of_this_process(sandbox.url, path))
                _tell(session, sandbox.url, path)
                await _until_stopped(sandbox, stopped)
                session.console.note("Stopping.")
            finally:
                if folder is None:
                    # Its credentials are of no use any more.
                    path.unlink(missing_ok=True)


async def _until_stopped(sandbox: Sandbox, stopped: asyncio.Event) -> None:
    """Wait for a signal to stop.

    Raises:
        K3kError: the sandbox cannot keep its state any more.
    """
    stop, failure = asyncio.ensure_future(stopped.wait()), asyncio.ensure_future(sandbox.fails())
    try:
        await asyncio.wait((stop, failure), return_when=asyncio.FIRST_COMPLETED)
        if failure.done():
            raise failure.result()
    finally:
        stop.cancel()
        failure.cancel()


def _tell(session: Session, url: str, kubeconfig: Path) -> None:
    import sys

    path = shlex.quote(str(kubeconfig.resolve()))
    session.console.data(
        f"Sandbox host (simulated) at {url}\n"
        f"  export KUBECONFIG={path}\n"
        f"  kubectl --context {CONTEXT} get namespaces\n"
        "  k3k create dev --wait"
    )
    sys.stdout.flush()
    session.console.note("Ctrl-C stops it.")
