"""`k3k delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape
from k3k_core.errors import ConflictError, K3kError, NotFoundError, UsageError
from k3k_core.host import HostApi
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.lifecycle.delete import Deleted, DeletePlan, DeleteRequest

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "delete",
    details="Asks before anything is lost. Run again after an interruption, the same command goes on where "
    "it stopped. The namespace stays, and so does the volume that backups were written to. One that is protected "
    "(`k3k protect`) is refused.",
    examples=(
        Example("With everything in it", "k3k delete ci -n team-a"),
        Example("But keep the volumes, for a later create", "k3k delete ci -n team-a --keep-data"),
        Example("In a script, whether it exists or not", "k3k delete ci -n team-a --yes --ignore-not-found"),
        Example("What would go", "k3k delete ci -n team-a --dry-run"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@options.name_argument
@option("--keep-data", is_flag=True, help="Keep the volumes, and the credentials that belong to them.")
@option("--delete-backups", is_flag=True, help="Delete the volume that holds its backups too.")
@option("-y", "--yes", is_flag=True, help="Do not ask.")
@option(
    "--timeout",
    type=options.Duration(),
    default=120.0,
    metavar="DURATION",
    help="Longest wait until all of it is gone (default 2m).",
)
@option("--ignore-not-found", is_flag=True, help="It is no failure when there is none of that name.")
@option("--dry-run", is_flag=True, help="Only show what would be deleted.")
def command(
    session: Session,
    name: str,
    keep_data: bool,
    delete_backups: bool,
    yes: bool,
    timeout: float,
    ignore_not_found: bool,
    dry_run: bool,
) -> None:
    """Delete a control plane."""
    from k3k_core.lifecycle.delete import DeleteRequest

    identity = identify(session, name)
    if not (yes or dry_run or session.console.can_ask()):
        raise UsageError(
            f"Deleting {identity} has to be confirmed, and there is no terminal to ask on.",
            hint="Give --yes when you mean it; --dry-run shows what would go.",
        )
    request = DeleteRequest(identity, keep_data=keep_data, delete_backups=delete_backups, timeout=timeout)
    try:
        if dry_run or not yes:
            plan = _plan(session, identity)
            if dry_run:
                _tell_plan(session, plan, request)
            _refuse_protected(plan)
            if dry_run:
                return
            _confirm(session, plan, request)
        _tell(session, _delete(session, request))
    except NotFoundError as error:
        if not ignore_not_found:
            raise
        session.console.note(f"Nothing to delete: {error.message}.".replace("..", "."))


def _plan(session: Session, identity: ControlPlaneId) -> DeletePlan:
    from k3k_core.lifecycle.delete import plan_delete

    return on_host(session, lambda host: plan_delete(host, identity))


def _delete(session: Session, request: DeleteRequest) -> Deleted:
    from k3k_core.cli.progress import reporting
    from k3k_core.lifecycle.delete import delete

    async def work(host: HostApi) -> Deleted:
        async with reporting(session.console) as progress:
            return await delete(host, request, progress)

    return on_host(session, work)


def _refuse_protected(plan: DeletePlan) -> None:
    from k3k_core.lifecycle.protect import protect_command

    if plan.protected:
        raise ConflictError(
            f"control plane {plan.id} is protected; nothing was deleted",
            hint=f"`{protect_command(plan.id, on=False)}` takes the protection off.",
        )


def _confirm(session: Session, plan: DeletePlan, request: DeleteRequest) -> None:
    """Ask the person at the terminal; what loses data has to be confirmed by typing the name."""
    console = session.console
    lost = _lost(plan, request)
    text = f"control plane {plan.id} will be deleted: {len(plan.objects)} objects"
    if lost:
        volumes = "\n".join(f"  {volume}" for volume in lost)
        console.warn(f"{text}, and all that is on these volumes:\n{volumes}")
        answer = console.ask(f"Type the name {plan.id.name!r} to delete it: ")
        agreed = answer == plan.id.name
    else:
        console.warn(f"{text}.")
        answer = console.ask("Delete it? [y/N] ")
        agreed = answer.lower() in {"y", "yes"}
    if not agreed:
        raise K3kError("Nothing was deleted.")


def _lost(plan: DeletePlan, request: DeleteRequest) -> list[str]:
    """Return the volumes that go."""
    return [
        *(() if request.keep_data else plan.volumes),
        *(plan.backups if request.delete_backups else ()),
    ]


def _tell_plan(session: Session, plan: DeletePlan, request: DeleteRequest) -> None:
    console, output = session.console, session.settings.output
    lost = _lost(plan, request)
    going = [*plan.objects, *lost]
    if output in {"json", "yaml"}:
        document = {
            "schema": "k3k.delete-plan/v1",
            "namespace": plan.id.namespace,
            "name": plan.id.name,
            "objects": list(plan.objects),
            "volumes": list(plan.volumes),
            "backups": list(plan.backups),
            "keepData": request.keep_data,
            "deleteBackups": request.delete_backups,
            "protected": plan.protected,
        }
        write_document(console, document, output)
    else:
        console.data("\n".join(escape(name) for name in going))
    if kept := [volume for volume in (*plan.volumes, *plan.backups) if volume not in lost]:
        console.note(f"Kept: {', '.join(kept)}.")


def _tell(session: Session, deleted: Deleted) -> None:
    console, output = session.console, session.settings.output
    if output == "name":
        console.data(str(deleted.id))
    elif output != "table":
        document = {
            "schema": "k3k.delete/v1",
            "namespace": deleted.id.namespace,
            "name": deleted.id.name,
            "kept": list(deleted.kept),
        }
        write_document(console, document, output)
    elif not console.quiet:
        kept = f"; kept: {', '.join(deleted.kept)}" if deleted.kept else ""
        console.data(escape(f"Control plane {deleted.id} deleted{kept}"))
