"""`k3k connect`."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.private_file import check_target, write_private
from k3k_core.cli.session import Session
from k3k_core.cli.stopping import stop_signals
from k3k_core.errors import K3kError, UsageError
from k3k_core.host import HostApi

if TYPE_CHECKING:
    from k3k_core.lifecycle.connect import Connected


@verb(
    "connect",
    details="Through the host's API, as `kubectl port-forward` does: the control plane needs no address that "
    "can be reached from here. With a COMMAND it runs that with KUBECONFIG set, and ends with its exit code; "
    "without, the connection stays until Ctrl-C. TLS ends in the server itself. The kubeconfig is the admin's; "
    "it is removed at the end.",
    examples=(
        Example("One command", "k3k connect ci -n team-a -- kubectl get namespaces"),
        Example("A shell", "k3k connect ci -n team-a -- bash"),
        Example("Keep it open; use it in another terminal", "k3k connect ci -n team-a --out ci.yaml"),
    ),
    common=(*options.host_options(), options.general_options),
)
@options.name_argument
@click.argument("command_line", metavar="[-- COMMAND ...]", nargs=-1, type=click.UNPROCESSED)
@option("--out", metavar="FILE", help="Write the kubeconfig to FILE instead of a temporary one.")
@option("--force", is_flag=True, help="With --out: replace whatever FILE is.")
def command(session: Session, name: str, command_line: tuple[str, ...], out: str | None, force: bool) -> None:
    """Reach a control plane through its host."""
    from k3k_core.lifecycle.connect import connect

    if force and out is None:
        raise UsageError("--force goes with --out.")
    identity = identify(session, name)
    if out is not None:
        check_target(Path(out), identity.name, force=force)

    async def work(host: HostApi) -> int:
        async with connect(host, identity, _once_each(session.console.warn)) as connected:
            with _kubeconfig_file(connected.kubeconfig, out) as path:
                if command_line:
                    return await _run(command_line, path)
                await _stay(session, connected, path)
        return 0

    if code := on_host(session, work):
        raise click.exceptions.Exit(code)


@contextmanager
def _kubeconfig_file(text: str, out: str | None) -> Iterator[Path]:
    """Offer a kubeconfig as a file for its owner alone, and take it away again: it leads nowhere afterwards."""
    with tempfile.TemporaryDirectory(prefix="k3k-") as folder:
        path = Path(out) if out is not None else Path(folder, "kubeconfig.yaml")
        write_private(path, text)
        try:
            yield path.resolve()
        finally:
            path.unlink(missing_ok=True)


async def _run(command_line: tuple[str, ...], path: Path) -> int:
    from k3k_core.cli.child import run_child

    return await run_child(command_line, {"KUBECONFIG": str(path)})


async def _stay(session: Session, connected: Connected, path: Path) -> None:
    with stop_signals() as stopped:
        session.console.note(f"Connected to {connected.pod} at {connected.server} until Ctrl-C.")
        session.console.data(f"export KUBECONFIG={shlex.quote(str(path))}")
        sys.stdout.flush()
        await stopped.wait()


def _once_each(warn: Callable[[str], None]) -> Callable[[K3kError], None]:
    """Return what says each failure once: clients try again and again."""
    said: set[str] = set()

    def report(error: K3kError) -> None:
        text = str(error)
        if text not in said:
            said.add(text)
            warn(text)

    return report
