"""What is in the datastore's part of a backup, and making it fit to be restored."""

from __future__ import annotations

from pathlib import Path

from k3k_core.backups.manifest import Payload
from k3k_core.datastores import etcd_snapshot, kine, sql
from k3k_core.datastores.rows import Row

# More changes than a control plane sees between a backup and its restore; ids of 32 bits, of old kine on Postgres, have
# room for some twenty restores.
_BUMP = 100_000_000


def read_payload(payload: Payload, path: Path) -> list[Row]:
    """Return what a backup holds, as rows. It blocks.

    Args:
        payload: what the file is.
        path: the file.

    Raises:
        K3kError: it is damaged.
    """
    if payload.kind == "sqlite":
        kine.check_database(path)
        return kine.read_rows(path)
    if payload.kind == "etcd":
        return etcd_snapshot.read_rows(path)
    return sql.read_rows(path)


def with_new_revisions(payload: Payload, path: Path) -> Path:
    """Return a copy of a sqlite database or a dump that goes on far beyond the revisions it was left at. It blocks.

    Clients know revisions that were given out after the backup: they have to find theirs compacted and list again,
    instead of taking a later change for one they have seen. Snapshots of etcd are bumped by etcd's own restore.

    Args:
        payload: what the file is.
        path: the file.

    Raises:
        K3kError: it cannot be read, or the copy cannot be written.
    """
    rows = read_payload(payload, path)
    target = path.with_name(f"bumped-{path.name}")
    target.unlink(missing_ok=True)
    revision = max((row.revision for row in rows), default=0) + _BUMP
    if payload.kind == "sqlite":
        kine.write_database(target, rows, revision=max(revision, kine.current_revision(path) + _BUMP))
    else:
        sql.write_sql(target, "mysql" if payload.engine == "mysql" else "postgres", rows, revision=revision)
    return target
