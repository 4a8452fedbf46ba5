"""`k3k join`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from k3k_core.ages import format_age
from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.output import table, write_document
from k3k_core.cli.session import Session
from k3k_core.errors import UsageError
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.lifecycle.join import Invitation
    from k3k_core.lifecycle.join_forms import Form

FORMATS = ("table", "json", "yaml")
FORMS = ("command", "cloud-init", "systemd")
_DAY = 24 * 3600.0


@verb(
    "join",
    details="Makes a token with which agents can join, and nothing else, until --ttl is over; agents that have joined "
    "stay. It pins the authority of the control plane, so an agent never joins another one. The agent gets the version "
    "of the control plane. What is printed holds the token: treat it like a password. `--list` shows the tokens there "
    "are, `--revoke ID` ends one early.",
    examples=(
        Example("The command for a new agent", "k3k join ci -n team-a"),
        Example(
            "As user data of a virtual machine",
            "k3k join ci -n team-a --ttl 1h --form cloud-init --out user-data",
        ),
        Example("The tokens that still work", "k3k join ci -n team-a --list"),
        Example("End one of them", "k3k join ci -n team-a --revoke k3k4me"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@options.name_argument
@option(
    "--ttl",
    type=options.Duration(),
    default=_DAY,
    metavar="DURATION",
    help="How long agents can join with the token (default 24h).",
)
@option(
    "--form",
    type=click.Choice(FORMS),
    default="command",
    help="What is printed: a command line, cloud-init user data, or a script with a systemd unit (default command).",
)
@option("--description", metavar="TEXT", default="", help="What the token is for.")
@option("--out", metavar="FILE", help="Write to FILE, readable by you alone, instead of standard output.")
@option("--dry-run", is_flag=True, help="Make nothing: show what would be made.")
@option("--list", "listed", is_flag=True, help="Show the tokens there are; nothing is made.")
@option("--revoke", metavar="ID", help="Delete a token; nothing is made.")
def command(
    session: Session,
    name: str,
    ttl: float,
    form: Form,
    description: str,
    out: str | None,
    dry_run: bool,
    listed: bool,
    revoke: str | None,
) -> None:
    """Print how an agent joins a control plane."""
    identity = identify(session, name)
    if listed and revoke is not None:
        raise UsageError("Give either --list or --revoke.")
    if dry_run and (listed or revoke is not None):
        raise UsageError("--dry-run shows what a new token would be; leave out --list and --revoke.")
    if dry_run:
        _plan(session, identity, timedelta(seconds=ttl))
    elif listed:
        _list(session, identity)
    elif revoke is not None:
        _revoke(session, identity, revoke)
    else:
        _invite(session, identity, timedelta(seconds=ttl), form, description, out)


def _plan(session: Session, identity: ControlPlaneId, lifetime: timedelta) -> None:
    from k3k_core.cli.planned import write_plan
    from k3k_core.lifecycle.join import plan_invite

    now = datetime.now(UTC)
    write_plan(
        session, on_host(session, lambda host: plan_invite(host, identity, lifetime=lifetime, now=now))
    )


def _invite(
    session: Session,
    identity: ControlPlaneId,
    lifetime: timedelta,
    form: Form,
    description: str,
    out: str | None,
) -> None:
    from k3k_core.cli.private_file import write_private
    from k3k_core.lifecycle.join import invite
    from k3k_core.lifecycle.join_forms import rendered

    if out is not None and not Path(out).resolve().parent.is_dir():
        raise UsageError(f"The folder of {out} does not exist.", hint="Create it first.")
    found = on_host(
        session,
        lambda host: invite(
            host, identity, lifetime=lifetime, description=description, now=datetime.now(UTC)
        ),
    )
    text = rendered(found, form)
    if session.settings.output != "table":
        write_document(session.console, _document(found, text), session.settings.output)
    elif out is None:
        session.console.document(text)
    else:
        write_private(Path(out), text)
        session.console.note(f"Wrote {out}.")
    _tell(session, found)


def _tell(session: Session, found: Invitation) -> None:
    from k3k_core.lifecycle.join import is_inside

    session.console.note(
        f"Agents can join {found.id} with token {found.token_id} until {found.expires_at:%Y-%m-%d %H:%M} UTC."
    )
    if is_inside(found.server):
        session.console.warn(
            f"{found.server} is a name that only pods of the host know; agents elsewhere need a LoadBalancer or a "
            "NodePort: `k3k values --explain` describes `service`"
        )
    elif not found.reached:
        session.console.warn(
            f"{found.server} did not answer from this machine; it has to be reached from where the agent is"
        )


def _document(found: Invitation, text: str) -> dict[str, object]:
    return {
        "schema": "k3k.join/v1",
        "namespace": found.id.namespace,
        "name": found.id.name,
        "server": found.server,
        "token": found.token,
        "tokenId": found.token_id,
        "version": found.version,
        "expiresAt": f"{found.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        "reachedFromHere": found.reached,
        "text": text,
    }


def _list(session: Session, identity: ControlPlaneId) -> None:
    from k3k_core.lifecycle.join import invitations

    found = on_host(session, lambda host: invitations(host, identity))
    console, output, now = session.console, session.settings.output, datetime.now(UTC)
    if output != "table":
        items = [
            {
                "tokenId": each.token_id,
                "expiresAt": f"{each.expires_at:%Y-%m-%dT%H:%M:%SZ}" if each.expires_at else None,
                "description": each.description,
                "byK3k": each.by_k3k,
            }
            for each in found
        ]
        write_document(console, {"schema": "k3k.join-tokens/v1", "items": items}, output)
    elif found:
        rows = [
            [
                each.token_id,
                format_age((each.expires_at - now).total_seconds()) if each.expires_at else "never",
                each.description,
            ]
            for each in found
        ]
        console.data(table(console.out, ["TOKEN", "ENDS IN", "DESCRIPTION"], rows))
    else:
        console.note(f"Control plane {identity} has no bootstrap tokens.")


def _revoke(session: Session, identity: ControlPlaneId, token_id: str) -> None:
    from k3k_core.lifecycle.join import revoke_invitation

    on_host(session, lambda host: revoke_invitation(host, identity, token_id))
    session.console.note("The token is gone: nobody joins with it any more. Agents that have joined stay.")
