"""`k3k backup`: create, list, restore, verify, prune, key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from k3k_core.cli import options, planned
from k3k_core.cli.backup_output import tell_removed, tell_taken, write_list
from k3k_core.cli.catalog import VERBS
from k3k_core.cli.command import Example, VerbCommand
from k3k_core.cli.connect import on_host
from k3k_core.cli.group import Group
from k3k_core.cli.identity import default_namespace, identify
from k3k_core.cli.option import CONTEXT_SETTINGS, option
from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session

if TYPE_CHECKING:
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.backup import BackupRequest
    from k3k_core.names import ControlPlaneId

FORMATS = ("table", "json", "yaml", "name")
_COMMON = (options.output_option(*FORMATS), *options.host_options(), options.general_options)
_PLACES = (
    "a folder, s3://BUCKET/PREFIX, or `volume` for the volume of the values (`volume:CLAIM` for another)"
)


@click.group(
    "backup",
    cls=Group,
    context_settings=dict(CONTEXT_SETTINGS),
    help=f"{VERBS['backup'].summary}\n\nA backup holds what is stored, the authorities, the tokens and the values, "
    "encrypted: only who has the key can open it. Backups go where the values say (`backup.s3`, `backup.volume`), or "
    "into a folder of yours.",
)
def command() -> None:
    """Group the verbs."""


def _common(function: Any) -> Any:
    for add in reversed(_COMMON):
        function = add(function)
    return function


@command.command(
    "create",
    cls=VerbCommand,
    short_help="Take a backup.",
    help="Take a backup.\n\nsqlite is copied while its server is held still for a moment, or with --cold while it is "
    "stopped; etcd gives a snapshot; an external database is dumped by a Job. The backup is encrypted for the "
    "`backup.recipients` of the values, else for your own key (`k3k backup key`), which is made when there is none. "
    "Run again after an interruption, the same command takes another one.",
    examples=(
        Example("To where the values say", "k3k backup create ci -n team-a"),
        Example("Into a folder", "k3k backup create ci -n team-a --to ./backups"),
        Example(
            "Into a bucket, for two people", "k3k backup create ci --to s3://backups/k3k -r age1a -r age1b"
        ),
        Example("What would happen", "k3k backup create ci -n team-a --dry-run"),
    ),
    outputs=FORMATS,
)
@options.name_argument
@option("--to", metavar="PLACE", help=f"Where to: {_PLACES}.")
@option(
    "-r",
    "--recipient",
    "recipients",
    multiple=True,
    metavar="KEY",
    help="Public key (age1...) of who may restore it; may be repeated.",
)
@option("--cold", is_flag=True, help="With sqlite: stop the server for the copy.")
@option("--if-running", is_flag=True, help="End well, without a backup, when it is paused; for schedules.")
@option(
    "--prune",
    is_flag=True,
    help="Afterwards, remove backups that need not be kept, as `k3k backup prune` does.",
)
@option("--dry-run", is_flag=True, help="Change nothing: show what would happen, and whether it may.")
@_common
def create(
    session: Session,
    name: str,
    to: str | None,
    recipients: tuple[str, ...],
    cold: bool,
    if_running: bool,
    prune: bool,
    dry_run: bool,
) -> None:
    """Take a backup."""
    from k3k_core.backups.keys import parse_recipients
    from k3k_core.lifecycle.backup import BackupRequest, create_backup, plan_backup
    from k3k_core.lifecycle.backup_catalog import PruneRequest
    from k3k_core.lifecycle.backup_catalog import prune as remove_superfluous

    if not dry_run:
        parse_recipients(recipients)
    request = BackupRequest(identify(session, name), to=to, recipients=recipients, cold=cold)
    if if_running and _is_paused(session, request):
        session.console.note(f"{request.id} is paused: there is nothing to back up.")
        return
    if planned.agreed(
        session,
        lambda host: plan_backup(host, request),
        yes=True,
        dry_run=dry_run,
        question="",
        ask=False,
    ):
        tell_taken(
            session, planned.carried_out(session, lambda host, steps: create_backup(host, request, steps))
        )
        if prune:
            superfluous = PruneRequest(request.id, source=to)
            planned.carried_out(session, lambda host, steps: remove_superfluous(host, superfluous, steps))


def _is_paused(session: Session, request: BackupRequest) -> bool:
    from k3k_core.lifecycle.existing import find_root
    from k3k_core.lifecycle.pause import paused_at

    async def ask(host: HostApi) -> bool:
        return paused_at(await find_root(host, request.id)) is not None

    return on_host(session, ask)


@command.command(
    "list",
    cls=VerbCommand,
    short_help="List backups.",
    help="List backups, the newest first.\n\nWithout a name those of every control plane in the place. Nothing has to "
    "be decrypted for it.",
    examples=(
        Example("Of one control plane, where its values say", "k3k backup list ci -n team-a"),
        Example("Everything in a folder", "k3k backup list --from ./backups"),
        Example("For a script", "k3k backup list ci -n team-a -o name"),
    ),
    outputs=FORMATS,
)
@click.argument("name", required=False)
@option("--from", "source", metavar="PLACE", help=f"Where from: {_PLACES}.")
@_common
def list_backups(session: Session, name: str | None, source: str | None) -> None:
    """List backups."""
    from k3k_core.lifecycle.backup_catalog import list_backups as find
    from k3k_core.names import ControlPlaneId

    identity = identify(session, name) if name is not None else None
    # A volume is in a namespace, whoever's backups are on it.
    place = identity or ControlPlaneId(default_namespace(session), "")
    found = on_host(session, lambda host: find(host, place, source))
    write_list(session, found.place, found.summaries)


@command.command(
    "restore",
    cls=VerbCommand,
    short_help="Restore a backup.",
    help="Restore a backup, in place or as a new control plane.\n\nA control plane that exists becomes what it was "
    "when the backup was taken: data, authorities, tokens and values; what was stored since is lost, so its name has "
    "to be typed. One that does not exist is made anew, under its own name or, with --as, under another one. "
    "Kubeconfigs that were given out before go on working. The k3s version has to be that of the backup or a little "
    "newer. Run again "
    "after an interruption, the same command goes on.",
    examples=(
        Example("The newest one, in place or after a delete", "k3k backup restore ci -n team-a"),
        Example(
            "That of a certain time, from a folder", "k3k backup restore ci 20261123T080000Z --from ./backups"
        ),
        Example("Beside the original, under another name", "k3k backup restore ci -n team-a --as ci-copy"),
        Example("What would happen", "k3k backup restore ci -n team-a --dry-run"),
    ),
    outputs=FORMATS,
)
@options.name_argument
@click.argument("backup", required=False)
@option("--from", "source", metavar="PLACE", help=f"Where it is: the archive's own file, {_PLACES}.")
@option("--as", "other", metavar="NAME", help="Restore as another control plane: NAME, or NAMESPACE/NAME.")
@option("--key-file", metavar="FILE", help="The file with the key, instead of yours.")
@option("--keep-values", is_flag=True, help="In place: keep the values and the k3s version it has now.")
@option(
    "--set",
    "assignments",
    multiple=True,
    metavar="PATH=VALUE",
    help="Set one value, e.g. version=v1.36.2+k3s1; may be repeated.",
)
@option(
    "--timeout",
    type=options.Duration(),
    default=900.0,
    metavar="DURATION",
    help="Longest wait (default 15m).",
)
@planned.plan_options
@_common
def restore_backup(
    session: Session,
    name: str,
    backup: str | None,
    source: str | None,
    other: str | None,
    key_file: str | None,
    keep_values: bool,
    assignments: tuple[str, ...],
    timeout: float,
    yes: bool,
    dry_run: bool,
) -> None:
    """Restore a backup."""
    from k3k_core.cli.backup_restore import Asked, restore

    of = identify(session, name)
    asked = Asked(
        of=of,
        id=_other_name(of, other),
        backup=backup,
        place=source,
        key_file=Path(key_file).expanduser() if key_file is not None else None,
        keep_values=keep_values,
        overrides=assignments,
        timeout=timeout,
    )
    restore(session, asked, yes=yes, dry_run=dry_run)


def _other_name(of: ControlPlaneId, other: str | None) -> ControlPlaneId:
    """Return what `--as` names: NAME beside the original, or NAMESPACE/NAME."""
    from k3k_core.names import ControlPlaneId as Identity
    from k3k_core.names import validate_name, validate_namespace

    if other is None:
        return of
    namespace, slash, name = other.rpartition("/")
    return Identity(validate_namespace(namespace) if slash else of.namespace, validate_name(name))


@command.command(
    "verify",
    cls=VerbCommand,
    short_help="Prove that a backup can be restored.",
    help="Prove that a backup can be restored.\n\nIt is restored to a control plane of its own, NAME-verify-..., which "
    "is compared with the backup object by object and then deleted; should that be prevented, it ends after two "
    "hours. With --quick only the archive is opened and compared with its description.",
    examples=(
        Example("The newest one", "k3k backup verify ci -n team-a"),
        Example("Only the archive", "k3k backup verify ci -n team-a --quick"),
        Example("A certain one, by kind", "k3k backup verify ci 20261123T080000Z -n team-a -v"),
    ),
    outputs=FORMATS,
)
@options.name_argument
@click.argument("backup", required=False)
@option("--from", "source", metavar="PLACE", help=f"Where it is: the archive's own file, {_PLACES}.")
@option("--key-file", metavar="FILE", help="The file with the key, instead of yours.")
@option("--quick", is_flag=True, help="Check the archive only.")
@option(
    "--timeout",
    type=options.Duration(),
    default=600.0,
    metavar="DURATION",
    help="Longest wait (default 10m).",
)
@option("--dry-run", is_flag=True, help="Change nothing: show what would happen.")
@_common
def verify_backup(
    session: Session,
    name: str,
    backup: str | None,
    source: str | None,
    key_file: str | None,
    quick: bool,
    timeout: float,
    dry_run: bool,
) -> None:
    """Prove that a backup can be restored."""
    from k3k_core.cli.backup_restore import verify
    from k3k_core.lifecycle.restore_source import SourceRequest

    key = Path(key_file).expanduser() if key_file is not None else None
    wanted = SourceRequest(identify(session, name), backup, source, key)
    verify(session, wanted, quick=quick, timeout=timeout, dry_run=dry_run)


@command.command(
    "prune",
    cls=VerbCommand,
    short_help="Remove backups that need not be kept.",
    help="Remove backups that need not be kept.\n\nThe newest backup of a control plane is always kept; so are as many "
    "as `backup.retention.keep` says, and those younger than `backup.retention.keep_for`.",
    examples=(
        Example("What would go", "k3k backup prune ci -n team-a --dry-run"),
        Example("As the values say", "k3k backup prune ci -n team-a --yes"),
        Example("The last three, and those of this week", "k3k backup prune ci --keep 3 --keep-for 7d --yes"),
    ),
    outputs=FORMATS,
)
@options.name_argument
@option("--from", "source", metavar="PLACE", help=f"Where they are: {_PLACES}.")
@option(
    "--keep",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="Keep so many of the newest; 0: by age alone.",
)
@option("--keep-for", type=options.Duration(), metavar="DURATION", help="Keep younger ones as well.")
@planned.plan_options
@_common
def prune_backups(
    session: Session,
    name: str,
    source: str | None,
    keep: int | None,
    keep_for: float | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """Remove backups that need not be kept."""
    from k3k_core.lifecycle.backup_catalog import PruneRequest, plan_prune, prune

    request = PruneRequest(identify(session, name), source=source, keep=keep, keep_for=keep_for)
    if planned.agreed(
        session,
        lambda host: plan_prune(host, request),
        yes=yes,
        dry_run=dry_run,
        question="Remove them?",
    ):
        removed = planned.carried_out(session, lambda host, steps: prune(host, request, steps))
        tell_removed(session, removed)


@command.command(
    "key",
    cls=VerbCommand,
    short_help="Show your public key, making a key when there is none.",
    help="Show your public key, making a key when there is none.\n\nThe key file is readable by you alone. Keep a copy "
    "of it somewhere else: without it, nobody can restore. The public key goes into the values (`backup.recipients`), "
    "or to --recipient. K3K_BACKUP_KEY_FILE names another file.",
    examples=(
        Example("Yours", "k3k backup key"),
        Example("In another file", "k3k backup key --key-file ./team.key"),
    ),
    outputs=("table", "json", "yaml", "name"),
)
@option("--key-file", metavar="FILE", help="The file instead of yours.")
@options.output_option(*FORMATS)
@options.general_options
def key(session: Session, key_file: str | None) -> None:
    """Show the public key."""
    from k3k_core.backups.keys import ensure_key, key_path

    found = ensure_key(Path(key_file) if key_file is not None else key_path())
    console, output = session.console, session.settings.output
    if output in {"json", "yaml"}:
        document = {
            "schema": "k3k.backup-key/v1",
            "recipient": found.recipient,
            "file": str(found.path),
            "made": found.made,
        }
        write_document(console, document, output)
    else:
        console.data(found.recipient)
    if found.made:
        console.warn(
            f"the key was made in {found.path}. Keep a copy of it somewhere else: without it, nobody can restore."
        )
