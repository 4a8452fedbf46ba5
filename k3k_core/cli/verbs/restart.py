"""`k3k restart`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape
from k3k_core.errors import K3kError, UsageError
from k3k_core.host import HostApi
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.lifecycle.restart import Restarted

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "restart",
    details="Servers are started again one at a time, each when the one before it is ready; with a single server "
    "the API does not answer meanwhile. Nothing of what is stored changes, unless it is on no volume: then it is lost "
    "with the pod, and the name has to be typed first. A restart also renews the certificates "
    "that k3s made for itself, in the last 120 days of their life. Run again after an interruption, the same "
    "command goes on.",
    examples=(
        Example("And wait until it is ready", "k3k restart ci -n team-a"),
        Example("What would happen", "k3k restart ci -n team-a --dry-run"),
        Example("Without waiting", "k3k restart ci -n team-a --no-wait"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@options.name_argument
@option("--dry-run", is_flag=True, help="Change nothing: show what would happen, and whether it may.")
@option("-y", "--yes", is_flag=True, help="Do not ask, not even where data is lost.")
@option("--wait/--no-wait", default=True, help="Wait until every server is ready (default), or not.")
@option(
    "--timeout",
    type=options.Duration(),
    default=600.0,
    metavar="DURATION",
    help="Longest wait (default 10m).",
)
def command(session: Session, name: str, dry_run: bool, yes: bool, wait: bool, timeout: float) -> None:
    """Restart the servers of a control plane."""
    from k3k_core.cli.planned import write_plan
    from k3k_core.cli.progress import reporting
    from k3k_core.lifecycle.restart import plan_restart, restart

    identity = identify(session, name)
    if dry_run:
        write_plan(session, on_host(session, lambda host: plan_restart(host, identity)))
        return
    if not yes:
        _ask_about_losses(session, identity)

    async def work(host: HostApi) -> Restarted:
        async with reporting(session.console) as progress:
            return await restart(host, identity, progress, wait=wait, timeout=timeout)

    _tell(session, on_host(session, work))


def _ask_about_losses(session: Session, identity: ControlPlaneId) -> None:
    """Have a person agree to a restart that loses what is stored; others need no asking."""
    from k3k_core.lifecycle.losses import ends_with_its_server

    if not on_host(session, lambda host: ends_with_its_server(host, identity)):
        return
    console = session.console
    if not console.can_ask():
        raise UsageError(
            f"What {identity} stores is on no volume and is lost with its server; there is no terminal to ask on.",
            hint="Give --yes when you mean it.",
        )
    console.warn(f"what {identity} stores is on no volume: it is lost with its server.")
    if console.ask(f"Type the name {identity.name!r} to restart it: ") != identity.name:
        raise K3kError("Nothing was restarted.")


def _tell(session: Session, restarted: Restarted) -> None:
    console, output = session.console, session.settings.output
    if output == "name":
        console.data(str(restarted.id))
    elif output != "table":
        document = {
            "schema": "k3k.restart/v1",
            "namespace": restarted.id.namespace,
            "name": restarted.id.name,
            "servers": restarted.servers,
            "resumed": restarted.resumed,
            "ready": restarted.ready,
            "elapsedSeconds": round(restarted.elapsed, 3),
        }
        write_document(console, document, output)
    elif not console.quiet:
        took = format_elapsed(restarted.elapsed)
        state = f"ready after {took}" if restarted.ready else "its servers were not waited for"
        console.data(escape(f"Control plane {restarted.id} restarted, {state}"))
