"""What would change, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import Style, escape
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.lifecycle.comparison import Action, FieldChange, ObjectDiff

_SIGNS: dict[Action, tuple[str, Style]] = {
    "create": ("+", "add"),
    "change": ("~", "warn"),
    "remove": ("-", "remove"),
}


def differing(diffs: Sequence[ObjectDiff]) -> list[ObjectDiff]:
    """Return the objects that would change.

    Args:
        diffs: one for each object.
    """
    return [diff for diff in diffs if diff.action != "none"]


def write_diff(session: Session, identity: ControlPlaneId, diffs: Sequence[ObjectDiff]) -> None:
    """Write what would change; nothing on standard output when nothing would.

    Args:
        session: of the verb.
        identity: the control plane.
        diffs: one for each object.
    """
    console, output = session.console, session.settings.output
    changed = differing(diffs)
    if output in {"json", "yaml"}:
        document = {
            "schema": "k3k.diff/v1",
            "namespace": identity.namespace,
            "name": identity.name,
            "changed": bool(changed),
            "objects": [diff.to_dict() for diff in diffs],
        }
        write_document(console, document, output)
    elif output == "name":
        console.data("\n".join(escape(diff.subject) for diff in changed))
    elif not changed:
        console.note(f"{identity}: nothing would change.")
    else:
        console.data("\n".join(line for diff in changed for line in object_lines(session, diff)))


def object_lines(session: Session, diff: ObjectDiff) -> list[str]:
    """Return the lines that tell what would change of one object.

    Args:
        session: of the verb.
        diff: of the object.
    """
    sign, style = _SIGNS[diff.action]
    head = session.console.out.style(f"{sign} {escape(diff.subject)}", style)
    return [head, *(line for change in diff.changes for line in _field_lines(session, change))]


def _field_lines(session: Session, change: FieldChange) -> list[str]:
    paint = session.console.out.style
    lines = [f"    {escape(change.path)}:"]
    lines += [paint(f"  -   {escape(change.before)}", "remove")] if change.before else []
    lines += [paint(f"  +   {escape(change.after)}", "add")] if change.after else []
    return lines
