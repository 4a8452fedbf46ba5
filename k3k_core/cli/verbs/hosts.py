"""`k3k hosts`."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import run
from k3k_core.cli.option import option
from k3k_core.cli.output import Cell, table, write_document
from k3k_core.cli.session import Session
from k3k_core.errors import K3kError, UsageError
from k3k_core.host import Context, HostOptions

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "hosts",
    details="A host is one context of the kubeconfig. Nothing is contacted unless --check is given; "
    "the check fails when no host answers.",
    examples=(
        Example("What there is", "k3k hosts"),
        Example("Which of them answer", "k3k hosts --check --request-timeout 5s"),
        Example("Names only, for a script", "k3k hosts -o name"),
    ),
    common=(
        options.output_option(*FORMATS),
        *options.host_options(many=True, namespace=False),
        options.general_options,
    ),
    outputs=FORMATS,
    many_hosts=True,
)
@option("--check", is_flag=True, help="Ask each host for its version.")
def command(session: Session, check: bool) -> None:
    """List the hosts."""
    found = _chosen(session)
    answers = run(_ask_all(session, found)) if check else {}
    settings, console = session.settings, session.console
    if settings.output == "name":
        console.data("\n".join(host.name for host in found))
    elif settings.output == "table" and found:
        console.data(_table(session, found, answers))
    elif settings.output != "table":
        items = [_to_dict(host, answers.get(host.name)) for host in found]
        write_document(console, {"schema": "k3k.hosts/v1", "items": items}, settings.output)
    errors = [answer for answer in answers.values() if isinstance(answer, K3kError)]
    if errors and len(errors) == len(answers):
        raise click.exceptions.Exit(errors[0].exit_code)


def _chosen(session: Session) -> list[Context]:
    from k3k_core.host import hosts

    settings = session.settings
    found = hosts(HostOptions(settings.kubeconfig))
    unknown = [name for name in settings.contexts if name not in {host.name for host in found}]
    if unknown:
        known = ", ".join(host.name for host in found) or "none"
        raise UsageError(f"The kubeconfig has no context {unknown[0]!r}.", hint=f"Known contexts: {known}.")
    if not found:
        session.console.note("No host: there is no kubeconfig. `k3k sandbox up` starts one to try k3k on.")
    return [host for host in found if not settings.contexts or host.name in settings.contexts]


async def _ask_all(session: Session, found: list[Context]) -> dict[str, str | K3kError]:
    async with asyncio.TaskGroup() as group:
        asked = {host.name: group.create_task(_ask(session, host.name)) for host in found}
    return {name: task.result() for name, task in asked.items()}


async def _ask(session: Session, name: str) -> str | K3kError:
    from k3k_core.cli.connect import host_options
    from k3k_core.host import open_host

    try:
        async with open_host(host_options(session, name)) as host:
            return await host.version()
    except K3kError as error:
        return error


def _table(session: Session, found: list[Context], answers: dict[str, str | K3kError]) -> str:
    headings = ["CURRENT", "NAME", "SERVER", "NAMESPACE"] + (["VERSION", "STATUS"] if answers else [])
    rows = []
    for host in found:
        row: list[Cell | str] = ["*" if host.current else " ", host.name, host.server, host.namespace]
        rows.append(row + _status(answers[host.name]) if answers else row)
    return table(session.console.out, headings, rows)


def _status(answer: str | K3kError) -> list[Cell | str]:
    if isinstance(answer, K3kError):
        return ["", Cell(answer.message, "bad")]
    return [answer, Cell("Reachable", "good")]


def _to_dict(host: Context, answer: str | K3kError | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": host.name,
        "server": host.server,
        "namespace": host.namespace,
        "current": host.current,
    }
    if answer is not None:
        failed = isinstance(answer, K3kError)
        document |= {
            "reachable": not failed,
            "version": None if failed else answer,
            "error": str(answer) if failed else None,
        }
    return document
