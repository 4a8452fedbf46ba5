"""What `k3k backup` prints of backups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from k3k_core.ages import format_age
from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.output import fields, table, write_document
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape

if TYPE_CHECKING:
    from k3k_core.backups.manifest import Summary
    from k3k_core.backups.naming import BackupName
    from k3k_core.lifecycle.backup import BackedUp


def tell_taken(session: Session, taken: BackedUp) -> None:
    """Tell of a backup that was taken.

    Args:
        session: of the verb.
        taken: the backup.
    """
    console, output = session.console, session.settings.output
    if output == "name":
        console.data(str(taken.name))
    elif output != "table":
        document = {
            "schema": "k3k.backup/v1",
            **taken.summary.to_dict(),
            "place": taken.place,
            "elapsedSeconds": round(taken.elapsed, 3),
        }
        write_document(console, document, output)
    elif not console.quiet:
        summary = taken.summary
        console.data(escape(f"Backup {taken.name} taken in {format_elapsed(taken.elapsed)}"))
        rows = [
            ("Place", taken.place),
            ("Size", _size(summary.size)),
            ("Objects", str(summary.objects)),
            ("Restore", f"k3k backup restore {taken.name.id.name} -n {taken.name.id.namespace}"),
        ]
        console.data(fields(console.out, rows, indent=2))
    if taken.key_made is not None:
        console.warn(
            f"the key {taken.key_made} was made for this backup. Keep a copy of it somewhere else: without it, nobody "
            "can restore."
        )


def write_list(session: Session, place: str, summaries: tuple[Summary, ...]) -> None:
    """Write what there is.

    Args:
        session: of the verb.
        place: where it is.
        summaries: the backups, the newest first.
    """
    console, output = session.console, session.settings.output
    if output == "name":
        console.data("\n".join(str(each.name) for each in summaries))
    elif output != "table":
        items = [each.to_dict() for each in summaries]
        write_document(console, {"schema": "k3k.backups/v1", "place": place, "items": items}, output)
    elif not summaries:
        console.note(f"No backups in {place}.")
    else:
        now = datetime.now(UTC)
        rows = [
            [
                str(each.name),
                format_age((now - each.name.at).total_seconds()),
                each.version,
                f"{each.datastore} ({each.how})",
                str(each.objects),
                _size(each.size),
            ]
            for each in summaries
        ]
        console.data(table(console.out, ("NAME", "AGE", "VERSION", "DATASTORE", "OBJECTS", "SIZE"), rows))
        console.note(f"In {place}.", "dim")


def tell_removed(session: Session, removed: tuple[BackupName, ...]) -> None:
    """Tell what a prune has removed.

    Args:
        session: of the verb.
        removed: names of the backups.
    """
    console, output = session.console, session.settings.output
    names = [str(each) for each in removed]
    if output == "name":
        console.data("\n".join(names))
    elif output != "table":
        write_document(console, {"schema": "k3k.backup-prune/v1", "removed": names}, output)
    elif not console.quiet:
        console.data(f"Removed {len(names)} backup{'s' if len(names) != 1 else ''}")


def _size(size: int) -> str:
    if size < 1 << 20:
        return f"{max(1, size >> 10)} KiB"
    return f"{size / (1 << 20):.1f} MiB"
