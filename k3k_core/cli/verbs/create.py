"""`k3k create`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.output import fields, write_document
from k3k_core.cli.private_file import check_target, write_private
from k3k_core.cli.session import Session
from k3k_core.cli.values_input import read_values, values_options
from k3k_core.errors import UsageError
from k3k_core.host import HostApi
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.lifecycle.create import Created, CreateRequest

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "create",
    details="Run again after an interruption, the same command goes on where it stopped; on a control plane "
    "that exists with the same values it changes nothing.",
    examples=(
        Example(
            "From a values file, and wait until it is ready", "k3k create ci -n team-a -f values.yaml --wait"
        ),
        Example(
            "A throw-away one, its kubeconfig in a file",
            "k3k create pr-42 -n ci --preset ci --ttl 2h --kubeconfig-out pr-42.yaml",
        ),
        Example("With single values", "k3k create dev -n team-a --set servers=2 --set datastore.kind=etcd"),
        Example("What would be applied", "k3k create ci -n team-a -f values.yaml --dry-run"),
    ),
    common=(
        options.output_option(*FORMATS),
        *options.host_options(),
        options.general_options,
    ),
    outputs=FORMATS,
    bare_values={"--dry-run": "client"},
)
@options.new_name_argument
@values_options
@option("--wait/--no-wait", default=True, help="Wait until every server is ready (default), or not.")
@option(
    "--timeout", type=options.Duration(), default=300.0, metavar="DURATION", help="Longest wait (default 5m)."
)
@option(
    "--address-timeout",
    type=options.Duration(),
    metavar="DURATION",
    help="Longest wait for a load balancer's address (default 8s, or 3s if the values fix the address). "
    "Afterwards the create goes on with the fixed address, or with one inside the host.",
)
@option(
    "--dry-run",
    type=click.Choice(["client", "server"]),
    metavar="[=client|server]",
    help="Change nothing: print what would be applied (client, secrets masked), or ask the host what would "
    "change (server).",
)
@option(
    "--force-conflicts", is_flag=True, help="Take over fields that another field manager of the host owns."
)
@option("--kubeconfig-out", metavar="FILE", help="Write the admin kubeconfig to FILE, readable by you alone.")
@option("--force", is_flag=True, help="With --kubeconfig-out: replace whatever FILE is.")
def command(
    session: Session,
    name: str,
    wait: bool,
    timeout: float,
    address_timeout: float | None,
    dry_run: str | None,
    force_conflicts: bool,
    kubeconfig_out: str | None,
    force: bool,
    **asked: Any,
) -> None:
    """Create a control plane."""
    from k3k_core.lifecycle.create import CreateRequest

    if force and kubeconfig_out is None:
        raise UsageError("--force goes with --kubeconfig-out.")
    identity = identify(session, name, new=True)
    if kubeconfig_out is not None:
        check_target(Path(kubeconfig_out), identity.name, force=force)
    values = read_values(session, **asked)
    request = CreateRequest(
        id=identity,
        values=values,
        wait=wait,
        timeout=timeout,
        address_timeout=address_timeout,
        force_conflicts=force_conflicts,
    )
    if dry_run == "client":
        _print_manifests(session, request)
    elif dry_run == "server":
        _ask_what_changes(session, request)
    else:
        created = _create(session, request)
        if kubeconfig_out is not None:
            write_private(Path(kubeconfig_out), created.kubeconfig)
        _tell(session, created, kubeconfig_out)


def _create(session: Session, request: CreateRequest) -> Created:
    from k3k_core.cli.progress import reporting
    from k3k_core.lifecycle.create import create

    async def work(host: HostApi) -> Created:
        async with reporting(session.console) as progress:
            return await create(host, request, progress)

    return on_host(session, work)


def _print_manifests(session: Session, request: CreateRequest) -> None:
    from datetime import UTC, datetime

    from k3k_core.cli.manifest_output import masked, write_manifests
    from k3k_core.lifecycle.render import render

    manifests = render(request.id, request.values, secrets="inline", now=datetime.now(UTC))
    session.console.note("Secret values are masked; `k3k render --secrets inline` prints them.", "dim")
    write_manifests(session, [masked(manifest) for manifest in manifests])


def _ask_what_changes(session: Session, request: CreateRequest) -> None:
    from k3k_core.cli.diff_output import write_diff
    from k3k_core.lifecycle.diff import dry_run

    write_diff(session, request.id, on_host(session, lambda host: dry_run(host, request.id, request.values)))


def _tell(session: Session, created: Created, kubeconfig_out: str | None) -> None:
    output, console = session.settings.output, session.console
    if output == "name":
        console.data(str(created.id))
    elif output != "table":
        write_document(console, _to_dict(created), output)
    elif not console.quiet:
        console.data(_sentence(created))
        console.data(
            fields(
                console.out,
                [
                    ("Endpoint", created.endpoint),
                    ("Version", created.version),
                    ("Next", _next_command(session, created.id, kubeconfig_out)),
                ],
                indent=2,
            )
        )


def _sentence(created: Created) -> str:
    done = "was there already" if created.existed else "created"
    took = format_elapsed(created.elapsed)
    state = f"ready after {took}" if created.ready else f"its servers were not waited for ({took})"
    return f"Control plane {created.id} {done}, {state}"


def _next_command(session: Session, identity: ControlPlaneId, kubeconfig_out: str | None) -> str:
    import shlex

    if kubeconfig_out is not None:
        return f"kubectl --kubeconfig {shlex.quote(kubeconfig_out)} get namespaces"
    context = f" --context {shlex.quote(session.settings.context)}" if session.settings.context else ""
    return (
        f"k3k kubeconfig {identity.name} -n {identity.namespace}{context} --out {identity.name}.yaml && "
        f"kubectl --kubeconfig {identity.name}.yaml get namespaces"
    )


def _to_dict(created: Created) -> dict[str, Any]:
    return {
        "schema": "k3k.create/v1",
        "namespace": created.id.namespace,
        "name": created.id.name,
        "version": created.version,
        "revision": created.revision,
        "endpoint": created.endpoint,
        "existed": created.existed,
        "ready": created.ready,
        "elapsedSeconds": round(created.elapsed, 3),
    }
