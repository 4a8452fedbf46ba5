"""`k3k migrate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click

from k3k_core.cli import options, planned
from k3k_core.cli.command import Example, verb
from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape
from k3k_core.errors import UsageError

if TYPE_CHECKING:
    from k3k_core.lifecycle.migrate import Migrated
    from k3k_core.lifecycle.migrate_plan import Target
    from k3k_core.names import ControlPlaneId

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "migrate",
    details="The server is stopped, its sqlite database is copied from the volume into a dedicated etcd or an external "
    "database, with the revisions it has, read back and compared kind by kind, and only then the server starts on it. "
    "The old volume and the old values stay until --confirm deletes the volume; until then --back returns to sqlite, "
    "with what was written since, or as it was at the move with --discard. Authorities, tokens, address and "
    "kubeconfigs stay as they are. Run again after an interruption, the same command goes on.",
    examples=(
        Example("To an etcd of three members", "k3k migrate ci -n team-a --to etcd --members 3"),
        Example(
            "To the database whose DSN a Secret holds",
            "k3k migrate ci -n team-a --to external --secret ci-datastore",
        ),
        Example("What would happen", "k3k migrate ci -n team-a --to etcd --dry-run"),
        Example("Everything works: delete the old volume", "k3k migrate ci -n team-a --confirm"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@options.name_argument
@option("--to", type=click.Choice(["etcd", "external"]), help="Where to move what is stored.")
@option("--members", type=click.Choice(["1", "3"]), default="1", help="Members of the etcd (default 1).")
@option("--secret", metavar="NAME", help="Secret of the external database, with the key `endpoint`.")
@option(
    "--set",
    "assignments",
    multiple=True,
    metavar="PATH=VALUE",
    help="Another value of the datastore, e.g. datastore.etcd.storage_class=fast.",
)
@option("--back", is_flag=True, help="Return to sqlite, and bring along what was written since.")
@option("--discard", is_flag=True, help="With --back: leave behind what was written since the move.")
@option("--confirm", is_flag=True, help="Delete the old volume: there is no way back then.")
@planned.plan_options
@option(
    "--timeout",
    type=options.Duration(),
    default=1800.0,
    metavar="DURATION",
    help="Longest time for all of it (default 30m).",
)
def command(
    session: Session,
    name: str,
    to: str | None,
    members: str,
    secret: str | None,
    assignments: tuple[str, ...],
    back: bool,
    discard: bool,
    confirm: bool,
    yes: bool,
    dry_run: bool,
    timeout: float,
) -> None:
    """Move what a control plane stores from sqlite to an etcd or a database."""
    identity = identify(session, name)
    if [bool(to), back, confirm].count(True) != 1:
        raise UsageError(
            "One of --to, --back and --confirm is needed.", hint="`k3k migrate --help` shows examples."
        )
    if discard and not back:
        raise UsageError("--discard belongs to --back.", hint="`k3k migrate --help` shows examples.")
    if back:
        _go_back(session, identity, discard=discard, yes=yes, dry_run=dry_run, timeout=timeout)
    elif confirm:
        _confirm(session, identity, yes=yes, dry_run=dry_run)
    else:
        from k3k_core.lifecycle.migrate import migrate
        from k3k_core.lifecycle.migrate_plan import MigrateRequest, plan_migration

        target = cast("Target", to)
        request = MigrateRequest(identity, target, int(members), secret or "", assignments, timeout)
        if planned.agreed(
            session, lambda host: plan_migration(host, request), yes=yes, dry_run=dry_run, question="Move it?"
        ):
            moved = planned.carried_out(session, lambda host, progress: migrate(host, request, progress))
            _tell_moved(session, moved)


def _go_back(
    session: Session, identity: ControlPlaneId, *, discard: bool, yes: bool, dry_run: bool, timeout: float
) -> None:
    from k3k_core.lifecycle.migrate_back import go_back, plan_back

    if not planned.agreed(
        session,
        lambda host: plan_back(host, identity, discard=discard),
        yes=yes,
        dry_run=dry_run,
        question="Go back?",
    ):
        return
    done = planned.carried_out(
        session, lambda host, progress: go_back(host, identity, progress, discard=discard, timeout=timeout)
    )
    facts = {"datastore": "sqlite", "revision": done.revision, "elapsedSeconds": round(done.elapsed, 3)}
    _tell(session, identity, facts, f"is on sqlite again after {format_elapsed(done.elapsed)}")


def _confirm(session: Session, identity: ControlPlaneId, *, yes: bool, dry_run: bool) -> None:
    from k3k_core.lifecycle.migrate_back import confirm, plan_confirmation

    if planned.agreed(
        session,
        lambda host: plan_confirmation(host, identity),
        yes=yes,
        dry_run=dry_run,
        question="Delete the old volume?",
    ):
        planned.carried_out(session, lambda host, progress: confirm(host, identity, progress))
        _tell(session, identity, {"confirmed": True}, "has moved for good: the old volume is deleted")


def _tell_moved(session: Session, moved: Migrated) -> None:
    facts = {
        "datastore": moved.to,
        "objects": moved.objects,
        "kinds": moved.kinds,
        "revision": moved.revision,
        "elapsedSeconds": round(moved.elapsed, 3),
    }
    text = (
        f"is on {moved.to} after {format_elapsed(moved.elapsed)}: {moved.objects} objects of {moved.kinds} kinds are "
        f"the same. `k3k migrate {moved.id.name} -n {moved.id.namespace} --confirm` deletes the old volume, --back "
        "returns to it"
    )
    _tell(session, moved.id, facts, text)


def _tell(session: Session, identity: ControlPlaneId, facts: dict[str, Any], text: str) -> None:
    console, output = session.console, session.settings.output
    if output == "name":
        console.data(str(identity))
    elif output != "table":
        head = {"schema": "k3k.migrate/v1", "namespace": identity.namespace, "name": identity.name}
        write_document(console, {**head, **facts}, output)
    elif not console.quiet:
        console.data(escape(f"Control plane {identity} {text}"))
