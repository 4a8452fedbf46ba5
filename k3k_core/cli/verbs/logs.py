"""`k3k logs`."""

from __future__ import annotations

import sys
from contextlib import aclosing

import click

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.session import Session
from k3k_core.errors import UsageError
from k3k_core.host import HostApi


@verb(
    "logs",
    details="Of all servers, one after the other, each line with the name of its server where there are several. "
    "Following goes on with a server that is started again or replaced, until Ctrl-C. On a terminal control "
    "characters are spelled out; elsewhere the lines are as they were written.",
    examples=(
        Example("The last hundred lines of each server", "k3k logs ci -n team-a --tail 100"),
        Example("As they come", "k3k logs ci -n team-a -f --tail 20"),
        Example("Why the second server was restarted", "k3k logs ci -n team-a --server 1 --previous"),
        Example("A member of its etcd", "k3k logs ci -n team-a --server ci-k3k-etcd-0 --since 10m"),
    ),
    common=(*options.host_options(), options.general_options),
)
@options.name_argument
@option("-f", "--follow", is_flag=True, help="Go on with the lines that are yet to be written.")
@option("--server", metavar="NUMBER|POD", help="Of this server only, by its number or the name of its pod.")
@option(
    "--tail", type=click.IntRange(min=0), metavar="LINES", help="At most so many lines of each, the newest."
)
@option("--since", type=options.Duration(), metavar="DURATION", help="Only lines of the last 10m, 2h ...")
@option("-p", "--previous", is_flag=True, help="Of the run before the last restart of the container.")
@option("--timestamps", is_flag=True, help="Begin every line with the time it was written at.")
def command(
    session: Session,
    name: str,
    follow: bool,
    server: str | None,
    tail: int | None,
    since: float | None,
    previous: bool,
    timestamps: bool,
) -> None:
    """Show what the servers of a control plane write."""
    from k3k_core.lifecycle.log_following import follow_logs
    from k3k_core.lifecycle.logs import LogOptions, log_sources, pick_sources, server_logs

    if follow and previous:
        raise UsageError("--previous is of a run that has ended: there is nothing to follow.")
    identity = identify(session, name)
    asked = LogOptions(follow=follow, tail=tail, previous=previous, since=since, timestamps=timestamps)

    async def work(host: HostApi) -> None:
        sources = pick_sources(identity, await log_sources(host, identity), server)
        several = len(sources) > 1
        lines = (
            follow_logs(host, identity, server, asked)
            if follow
            else server_logs(host, identity, sources, asked)
        )
        async with aclosing(lines):
            async for line in lines:
                head = f"[{line.source.pod}] " if several else ""
                session.console.document(f"{head}{line.text}\n")
                if follow:
                    sys.stdout.flush()

    on_host(session, work)
