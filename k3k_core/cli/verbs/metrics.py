"""`k3k metrics`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import run
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session
from k3k_core.errors import ForbiddenError, UnreachableError, UsageError

if TYPE_CHECKING:
    from k3k_core.cli.fleet_look import Followed
    from k3k_core.fleet import FleetRow
    from k3k_core.names import ControlPlaneId

FORMATS = ("table", "wide", "json", "yaml")


@verb(
    "metrics",
    details="Reads the metrics of each server twice, a window apart, and shows what happened in between: requests "
    "and their latency, the datastore, work queues, certificates, processes. What is not known is shown as not "
    "available, never as zero. Servers are reached by their pods, their Service, or through the host.",
    examples=(
        Example("Over five seconds", "k3k metrics ci -n team-a"),
        Example("Everything, over a minute", "k3k metrics team-a/ci -o wide --window 1m"),
        Example("Until Ctrl-C", "k3k metrics ci --watch"),
        Example("A document a line, for a script", "k3k metrics ci --watch -o json"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@options.name_argument
@option(
    "--window",
    type=options.Duration(),
    default="5s",
    metavar="DURATION",
    help="Time between two readings (default 5s).",
)
@option("--watch", is_flag=True, help="Go on, window after window, until Ctrl-C.")
def command(session: Session, name: str, window: float, watch: bool) -> None:
    """Show what is measured of one control plane."""
    identity = identify(session, name)
    if window < 1:
        # A shorter one would mostly measure the measuring.
        raise UsageError("A window has at least one second.")
    run(_watch(session, identity, window) if watch else _once(session, identity, window))


async def _once(session: Session, identity: ControlPlaneId, window: float) -> None:
    from k3k_core.cli.fleet_look import follow

    async with follow(session, identity, window=window) as followed:
        row = followed.row()
        _check(row)
        if session.settings.output in {"json", "yaml"}:
            write_document(session.console, _document(row), session.settings.output)
        else:
            session.console.data(_text(session, followed))


async def _watch(session: Session, identity: ControlPlaneId, window: float) -> None:
    from k3k_core.cli.fleet_look import follow
    from k3k_core.cli.stopping import until_stopped

    await until_stopped(_show(session, follow(session, identity, window=window)))


async def _show(session: Session, following: Any) -> None:
    async with following as followed:
        _check(followed.row())
        followed.fleet.focus(list(followed.fleet.rows))
        if session.console.out.interactive and session.settings.output in {"table", "wide"}:
            from k3k_core.cli.live import show_until_quit

            async def draw() -> str:
                return _text(session, followed)

            try:
                await show_until_quit(draw)
            finally:
                # A screen may be too small for all of it, and is gone afterwards.
                session.console.data(_text(session, followed))
        else:
            await _print_rounds(session, followed)


async def _print_rounds(session: Session, followed: Followed) -> None:
    """Print a block, a document or a line after each round."""
    output = session.settings.output
    last = -1.0
    async for _ in followed.fleet.changes():
        row = followed.row()
        at = row.signals.at if row.signals is not None else last
        if at == last:
            continue
        last = at
        if output == "json":
            session.console.data(json.dumps(_document(row)))
        elif output == "yaml":
            session.console.data("---")
            write_document(session.console, _document(row), output)
        else:
            # Sections are parted by one empty line, rounds by two.
            session.console.data(f"{_text(session, followed)}\n\n\n")
        sys.stdout.flush()


def _check(row: FleetRow) -> None:
    """Make sure that there is something to show.

    Raises:
        UnreachableError: nothing could be read.
        ForbiddenError: the host refuses this identity what it takes.
    """
    name = f"control plane {row.id}"
    signals = row.signals
    if signals is None or row.reach.way is None:
        reason = row.reach.reason.rstrip(".") or "its servers have not answered in time"
        state = f" It is {row.judgement.verdict}: {row.reason.rstrip('.')}." if row.reason else ""
        refusal = ForbiddenError if row.reach.forbidden else UnreachableError
        raise refusal(f"{name}: {reason}.{state}", hint=row.reach.hint)
    if not signals.processes and all(server.round_trip is None for server in signals.servers):
        told = [f"{item.server}: {item.error}" for item in signals.servers if item.error]
        told += row.scraped.errors if row.scraped is not None and not told else ()
        said = "; ".join(dict.fromkeys(told))
        raise UnreachableError(
            f"{name}: none of its servers answers ({said or 'none was asked'}).",
            hint="`k3k doctor` tells what is wrong with it.",
        )


def _document(row: FleetRow) -> dict[str, Any]:
    return {"schema": "k3k.metrics/v1", **row.to_dict()}


def _text(session: Session, followed: Followed) -> str:
    from k3k_core.cli.metrics_output import metrics_text

    return metrics_text(
        session.console.out,
        followed.row(),
        wide=session.settings.output == "wide",
        host_error=followed.host_error(),
    )
