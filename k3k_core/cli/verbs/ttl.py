"""`k3k ttl`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from k3k_core.ages import format_age
from k3k_core.cli import options, planned
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.identity import identify
from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape
from k3k_core.errors import UsageError

if TYPE_CHECKING:
    from k3k_core.lifecycle.ttl import Lifetime

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "ttl",
    details="Without CHANGE it says when the control plane ends. CHANGE is `+1h` for an hour more than it has (from "
    "now, when it is over), `2h` for two hours from now, or `never`. `k3k prune` deletes what has ended; nothing "
    "ends by itself. It is counted on while the control plane is paused.",
    examples=(
        Example("How long it has", "k3k ttl ci -n team-a"),
        Example("An hour more", "k3k ttl ci +1h -n team-a"),
        Example("Two days from now", "k3k ttl ci 2d -n team-a"),
        Example("For good", "k3k ttl ci never -n team-a"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@options.name_argument
@click.argument("change", required=False)
@planned.plan_options
def command(session: Session, name: str, change: str | None, yes: bool, dry_run: bool) -> None:
    """Show or change when a control plane ends."""
    from k3k_core.lifecycle.ttl import parse_ttl, plan_ttl, read_ttl, set_ttl

    identity, now = identify(session, name), datetime.now(UTC)
    if change is None:
        if dry_run:
            raise UsageError("--dry-run goes with a change, e.g. +1h.")
        _tell(session, on_host(session, lambda host: read_ttl(host, identity)), now)
        return
    wanted = parse_ttl(change)
    if planned.agreed(
        session,
        lambda host: plan_ttl(host, identity, wanted, now=now),
        yes=yes,
        dry_run=dry_run,
        question="Go on?",
        ask=False,
    ):
        lifetime = planned.carried_out(
            session, lambda host, progress: set_ttl(host, identity, wanted, progress, now=now)
        )
        _tell(session, lifetime, now)


def _tell(session: Session, lifetime: Lifetime, now: datetime) -> None:
    from k3k_core.discovery.control_plane import format_time

    console, output = session.console, session.settings.output
    ends = lifetime.expires_at
    left = (ends - now).total_seconds() if ends is not None else None
    if output == "name":
        console.data(str(lifetime.id))
    elif output != "table":
        document = {
            "schema": "k3k.ttl/v1",
            "namespace": lifetime.id.namespace,
            "name": lifetime.id.name,
            "expiresAt": format_time(ends),
            "before": format_time(lifetime.before),
            "expired": left is not None and left <= 0,
        }
        write_document(console, document, output)
    elif left is None:
        console.data(escape(f"Control plane {lifetime.id} has no time to live"))
    elif left <= 0:
        console.data(escape(f"Control plane {lifetime.id} ended at {format_time(ends)}"))
    else:
        console.data(
            escape(f"Control plane {lifetime.id} ends in {format_age(left)}, at {format_time(ends)}")
        )
