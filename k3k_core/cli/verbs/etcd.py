"""`k3k etcd status`, `defrag`, `disarm`, `replace-member` and `snapshot`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from k3k_core.cli import options
from k3k_core.cli.catalog import VERBS
from k3k_core.cli.command import Example, VerbCommand, help_text
from k3k_core.cli.connect import on_host
from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.group import Group
from k3k_core.cli.identity import identify
from k3k_core.cli.option import CONTEXT_SETTINGS, option
from k3k_core.cli.output import write_document
from k3k_core.cli.planned import agreed, carried_out, plan_options
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape
from k3k_core.errors import UsageError
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.lifecycle.etcd_maintenance import Defragmented

FORMATS = ("table", "json", "yaml")


@click.group(
    "etcd",
    cls=Group,
    context_settings=dict(CONTEXT_SETTINGS),
    help=f"{VERBS['etcd'].summary}\n\nFor control planes with `datastore.kind: etcd`. Members are reached through the "
    "host's API, as `kubectl port-forward` reaches a pod; nothing has to be installed.",
)
def command() -> None:
    """Group the verbs."""


def _etcd_verb(
    name: str, summary: str, details: str, *examples: Example
) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function one of the verbs, with the options all of them have."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        for add in reversed(
            (options.output_option(*FORMATS), *options.host_options(), options.general_options)
        ):
            function = add(function)
        return command.command(
            name,
            cls=VerbCommand,
            short_help=summary,
            help=help_text(summary, details),
            examples=examples,
            outputs=FORMATS,
        )(options.name_argument(function))

    return decorate


_timeout_option = option(
    "--timeout",
    type=options.Duration(),
    default=600.0,
    metavar="DURATION",
    help="Longest wait (default 10m).",
)


@_etcd_verb(
    "status",
    "Show how every member of a control plane's etcd is.",
    "Whether each answers, who leads, how large the databases are, alarms, and what should be done. The exit code is 5 "
    "when too few members work for anything to be written.",
    Example("Members, alarms and advice", "k3k etcd status ci -n team-a"),
    Example("For a script", "k3k etcd status ci -n team-a -o json"),
)
def status(session: Session, name: str) -> None:
    """Show the members."""
    from k3k_core.cli.etcd_output import status_text
    from k3k_core.errors import NotReadyError
    from k3k_core.lifecycle.etcd_status import etcd_status

    identity = identify(session, name)
    found = on_host(session, lambda host: etcd_status(host, identity))
    if session.settings.output == "table":
        session.console.data(status_text(session.console.out, found))
    else:
        document = {"schema": "k3k.etcd-status/v1", **found.to_dict()}
        write_document(session.console, document, session.settings.output)
    for each in found.advice:
        session.console.warn(str(each))
    if not found.has_quorum:
        raise NotReadyError(
            f"the etcd of {identity} has no quorum: {found.healthy} of {len(found.members)} members work, "
            f"{found.quorum} are needed.",
            hint=f"`k3k describe {identity.name} -n {identity.namespace}` shows their pods.",
        )


@_etcd_verb(
    "defrag",
    "Make the databases of a control plane's etcd smaller.",
    "The API server forgets old revisions every five minutes; a defragmentation gives back the space they took. One "
    "member at a time, the leader last, each when the one before it works again. Nothing of what is stored changes, "
    "and it can be stopped at any time.",
    Example("After asking", "k3k etcd defrag ci -n team-a"),
    Example("What would happen", "k3k etcd defrag ci -n team-a --dry-run"),
)
@plan_options
@_timeout_option
def defrag(session: Session, name: str, yes: bool, dry_run: bool, timeout: float) -> None:
    """Defragment every member."""
    from k3k_core.lifecycle.etcd_maintenance import defragment, plan_defragmentation

    identity = identify(session, name)
    if agreed(
        session,
        lambda host: plan_defragmentation(host, identity),
        yes=yes,
        dry_run=dry_run,
        question="Defragment it?",
        ask=False,
    ):
        done = carried_out(
            session, lambda host, progress: defragment(host, identity, progress, timeout=timeout)
        )
        _tell_defragmented(session, done, "k3k.etcd-defrag/v1")


@_etcd_verb(
    "disarm",
    "Make room in a full etcd, and end its alarms.",
    "An etcd whose database reaches its limit raises the alarm NOSPACE and takes no more writes, not even the API "
    "server's own housekeeping. This forgets old revisions, defragments every member, sees that there is room, and "
    "ends the alarm.",
    Example("Take writes again", "k3k etcd disarm ci -n team-a"),
    Example("What would happen", "k3k etcd disarm ci -n team-a --dry-run"),
)
@plan_options
@_timeout_option
def disarm(session: Session, name: str, yes: bool, dry_run: bool, timeout: float) -> None:
    """End alarms."""
    from k3k_core.lifecycle.etcd_maintenance import disarm as end_alarms
    from k3k_core.lifecycle.etcd_maintenance import plan_disarming

    identity = identify(session, name)
    if agreed(
        session,
        lambda host: plan_disarming(host, identity),
        yes=yes,
        dry_run=dry_run,
        question="Make room and end the alarms?",
        ask=False,
    ):
        done = carried_out(
            session, lambda host, progress: end_alarms(host, identity, progress, timeout=timeout)
        )
        _tell_defragmented(session, done, "k3k.etcd-disarm/v1")


@_etcd_verb(
    "replace-member",
    "Replace a member of a control plane's etcd that lost its volume.",
    "NUMBER is the one at the end of its pod's name. The others forget the member and take in a new one without a "
    "vote; its claim and pod are made anew, and when it has caught up it gets its vote. The API answers all the time. "
    "Refused while another member does not work, and for an etcd of one member. Run again after an interruption, the "
    "same command goes on.",
    Example("Member 1 lost its volume", "k3k etcd replace-member ci 1 -n team-a"),
    Example("What would happen", "k3k etcd replace-member ci 1 -n team-a --dry-run"),
)
@click.argument("number", type=click.IntRange(min=0))
@plan_options
@_timeout_option
def replace_member(
    session: Session, name: str, number: int, yes: bool, dry_run: bool, timeout: float
) -> None:
    """Replace a member."""
    from k3k_core.lifecycle.etcd_replace import ReplaceRequest, plan_replacement
    from k3k_core.lifecycle.etcd_replace import replace_member as replace

    request = ReplaceRequest(identify(session, name), number, timeout)
    if not agreed(
        session,
        lambda host: plan_replacement(host, request),
        yes=yes,
        dry_run=dry_run,
        question=f"Replace {request.pod}?",
    ):
        return
    done = carried_out(session, lambda host, progress: replace(host, request, progress))
    if session.settings.output != "table":
        document = {
            "schema": "k3k.etcd-replace-member/v1",
            "namespace": done.id.namespace,
            "name": done.id.name,
            "member": done.member,
            "id": f"{done.number:x}",
            "resumed": done.resumed,
            "elapsedSeconds": round(done.elapsed, 3),
        }
        write_document(session.console, document, session.settings.output)
    elif not session.console.quiet:
        took = format_elapsed(done.elapsed)
        session.console.data(escape(f"Etcd member {done.member} of {done.id} replaced after {took}"))


@_etcd_verb(
    "snapshot",
    "Write a snapshot of a control plane's etcd to a file.",
    "The file is what `etcdctl snapshot save` writes, and holds every Secret of the control plane. `k3k backup create` "
    "takes one too, encrypted and with all that is needed to restore it.",
    Example("To a file", "k3k etcd snapshot ci -n team-a --to ci.db"),
    Example("In place of one that exists", "k3k etcd snapshot ci -n team-a --to ci.db --force"),
)
@option("--to", "target", required=True, metavar="FILE", help="File to write; only you can read it.")
@option("--force", is_flag=True, help="Replace FILE.")
def snapshot(session: Session, name: str, target: str, force: bool) -> None:
    """Take a snapshot."""
    from k3k_core.lifecycle.etcd_snapshots import save_snapshot

    identity, path = identify(session, name), Path(target)
    if path.exists() and not force:
        raise UsageError(f"{path} exists.", hint="Choose another file, or give --force to replace it.")
    taken = carried_out(session, lambda host, progress: save_snapshot(host, identity, path, progress))
    if session.settings.output != "table":
        document = {
            "schema": "k3k.etcd-snapshot/v1",
            "namespace": identity.namespace,
            "name": identity.name,
            "file": str(path),
            "sizeBytes": taken.size,
            "sha256": taken.sha256,
        }
        write_document(session.console, document, session.settings.output)
    elif not session.console.quiet:
        session.console.data(escape(f"Snapshot of {identity} in {path}: {taken.size} bytes"))


def _tell_defragmented(session: Session, done: Defragmented, schema: str) -> None:
    if session.settings.output != "table":
        document = {"schema": schema, **_defragmented(done.id, done)}
        write_document(session.console, document, session.settings.output)
    elif not session.console.quiet:
        ended = f", ended the alarm of {', '.join(done.disarmed)}" if done.disarmed else ""
        session.console.data(escape(f"Etcd of {done.id}: freed {done.freed >> 10} KiB{ended}"))


def _defragmented(identity: ControlPlaneId, done: Defragmented) -> dict[str, Any]:
    return {
        "namespace": identity.namespace,
        "name": identity.name,
        "members": [
            {"name": name, "sizeBytesBefore": before, "sizeBytes": after}
            for name, before, after in done.members
        ],
        "freedBytes": done.freed,
        "disarmed": list(done.disarmed),
    }
