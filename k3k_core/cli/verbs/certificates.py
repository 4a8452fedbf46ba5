"""`k3k certificates`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from k3k_core.ages import format_age
from k3k_core.cli import complete, options
from k3k_core.cli.asked_hosts import contexts_of
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import host_options, on_host, run
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.output import Cell, table, write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import Style
from k3k_core.errors import K3kError, UsageError

if TYPE_CHECKING:
    from k3k_core.lifecycle.certificates import CertificateEnd

FORMATS = ("table", "json", "yaml")
_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one host has: its name, the certificates of its control planes, why it told of none."""

    host: str
    ends: Sequence[CertificateEnd] = ()
    error: K3kError | None = None


@verb(
    "certificates",
    details="Without NAME those in the Secrets of all control planes, of one or more hosts. With NAME the servers are "
    "asked for theirs, too: the certificate they show, and the leaves that k3s made for itself. RENEWED BY is the "
    "command that makes one anew.",
    examples=(
        Example("Of one control plane", "k3k certificates ci -n team-a"),
        Example("All that end within a month, of every host", "k3k certificates --within 30d --all-contexts"),
        Example("For a script", "k3k certificates -A -o json"),
    ),
    common=(
        options.output_option(*FORMATS),
        options.list_namespace_option,
        options.all_namespaces_option,
        *options.host_options(many=True, namespace=False),
        options.general_options,
    ),
    outputs=FORMATS,
    many_hosts=True,
)
@click.argument("name", required=False, shell_complete=complete.control_planes)
@option(
    "--within",
    type=options.Duration(),
    metavar="DURATION",
    help="Only those that end in this time, or have ended.",
)
def command(session: Session, name: str | None, within: float | None) -> None:
    """List certificates and when they end."""
    now = datetime.now(UTC)
    answers = [_one(session, name, now)] if name is not None else run(_all(session))
    for answer in answers:
        if answer.error is not None:
            session.console.warn(f"host {answer.host}: {answer.error}")
    errors = [answer.error for answer in answers if answer.error is not None]
    if errors and len(errors) == len(answers):
        raise errors[0]
    latest = now + timedelta(seconds=within) if within is not None else None
    rows = [
        (answer.host, end)
        for answer in answers
        for end in answer.ends
        if latest is None or end.expires_at <= latest
    ]
    rows.sort(key=lambda row: row[1].expires_at)
    _show(session, rows, now, hosts=len(answers) > 1)


def _one(session: Session, name: str, now: datetime) -> _Answer:
    from k3k_core.lifecycle.certificates import certificate_ends

    if session.settings.all_contexts or len(session.settings.contexts) > 1:
        raise UsageError("With NAME only one --context makes sense.")
    identity = identify(session, name)
    ends, silent = on_host(session, lambda host: certificate_ends(host, identity, now=now))
    for why in silent:
        session.console.warn(why)
    return _Answer("", ends)


async def _all(session: Session) -> list[_Answer]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_ask(session, context)) for context in contexts_of(session)]
    return [task.result() for task in tasks]


async def _ask(session: Session, context: str | None) -> _Answer:
    from k3k_core.host import open_host
    from k3k_core.lifecycle.certificates import stored_ends_of_all

    settings = session.settings
    namespace = None if settings.all_namespaces else settings.namespace
    try:
        async with open_host(host_options(session, context)) as host:
            return _Answer(host.name, await stored_ends_of_all(host, namespace))
    except K3kError as error:
        return _Answer(context or "", error=error)


def _show(
    session: Session, rows: Sequence[tuple[str, CertificateEnd]], now: datetime, *, hosts: bool
) -> None:
    console, output = session.console, session.settings.output
    if output != "table":
        items = [({"host": host} if host else {}) | end.to_dict(now) for host, end in rows]
        write_document(console, {"schema": "k3k.certificates/v1", "items": items}, output)
    elif rows:
        headings = ["CONTROL PLANE", "CERTIFICATE", "WHERE", "ENDS", "LEFT", "RENEWED BY"]
        cells = [_cells(end, now) for _, end in rows]
        if hosts:
            headings = ["HOST", *headings]
            cells = [[host, *row] for (host, _), row in zip(rows, cells, strict=True)]
        console.data(table(console.out, headings, cells))
    else:
        console.note("No certificates.")


def _cells(end: CertificateEnd, now: datetime) -> list[Cell | str]:
    left = end.expires_at - now
    style: Style | None = "bad" if left <= timedelta(0) else "warn" if left <= _SOON else None
    text = format_age(left.total_seconds()) if left > timedelta(0) else "ended"
    return [
        str(end.id),
        end.name,
        end.holder,
        f"{end.expires_at:%Y-%m-%d}",
        Cell(text, style),
        f"k3k {end.renewed_by}",
    ]
