"""`k3k history`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from k3k_core.ages import format_age
from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.output import Cell, table, write_document
from k3k_core.cli.session import Session
from k3k_core.errors import NotFoundError
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.lifecycle.revisions import Revision

FORMATS = ("table", "json", "yaml")
_SHOWN_CHANGES = 3


@verb(
    "history",
    details="The last ten revisions are kept, without tokens and passwords. A revision is made by create, and by "
    "every upgrade that changes a value.",
    examples=(
        Example("What changed when", "k3k history ci -n team-a"),
        Example("The values of a revision, as a values file", "k3k history ci -n team-a --revision 2"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@options.name_argument
@option(
    "--revision",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Print the values of this revision as YAML; with -o json all that is known of it.",
)
def command(session: Session, name: str, revision: int | None) -> None:
    """Show the revisions of a control plane."""
    from k3k_core.lifecycle.revisions import revisions

    identity = identify(session, name)
    found = on_host(session, lambda host: revisions(host, identity))
    if revision is not None:
        found = (_one(identity, found, revision),)
    output = session.settings.output
    if output != "table":
        document = {
            "schema": "k3k.history/v1",
            "namespace": identity.namespace,
            "name": identity.name,
            "revisions": [each.to_dict() for each in found],
        }
        write_document(session.console, document, output)
    elif revision is not None:
        session.console.document(found[0].values)
    else:
        session.console.data(_table(session, found))


def _one(identity: ControlPlaneId, found: tuple[Revision, ...], number: int) -> Revision:
    for each in found:
        if each.number == number:
            return each
    kept = ", ".join(str(each.number) for each in reversed(found))
    raise NotFoundError(f"control plane {identity} has no revision {number}", hint=f"Kept are: {kept}.")


def _table(session: Session, found: tuple[Revision, ...]) -> str:
    now = datetime.now(UTC)
    rows: list[list[Cell | str]] = [
        [
            str(each.number),
            format_age((now - each.at).total_seconds()) if each.at else "",
            each.version,
            _state(each),
            _changes(each),
        ]
        for each in found
    ]
    return table(session.console.out, ("REVISION", "AGE", "VERSION", "STATE", "CHANGES"), rows)


def _state(revision: Revision) -> Cell | str:
    if revision.current:
        return Cell("current", "good")
    return Cell("taken back", "warn") if revision.taken_back else ""


def _changes(revision: Revision) -> str:
    shown = [
        f"{each.path}: {each.before or '(none)'} -> {each.after or '(none)'}"
        for each in revision.changes[:_SHOWN_CHANGES]
    ]
    more = len(revision.changes) - len(shown)
    return "; ".join([*shown, *([f"and {more} more"] if more else [])])
