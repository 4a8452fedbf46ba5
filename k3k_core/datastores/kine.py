"""k3s' sqlite file: kine's log of revisions in one table.

Every change is a record whose `id` is its revision; the newest of a name counts, unless it is a deletion. What is
older than the compaction point is gone, and that point is kept as the `prev_revision` of one record with a name of its
own. The schema and the meaning of the columns are kine's (https://github.com/k3s-io/kine, pkg/drivers and
pkg/logstructured).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k3k_core.datastores.rows import Row
from k3k_core.errors import K3kError

if TYPE_CHECKING:
    from sqlite3 import Connection

COLUMNS = (
    "id",
    "name",
    "created",
    "deleted",
    "create_revision",
    "prev_revision",
    "lease",
    "value",
    "old_value",
)
COMPACTION_KEY = "compact_rev_key"
# Stands for a revision that nothing is known of any more.
GAP_PREFIX = "gap-"

_SCHEMA = (
    """\
    CREATE TABLE IF NOT EXISTS kine (
      id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, created INTEGER, deleted INTEGER, create_revision INTEGER,
      prev_revision INTEGER, lease INTEGER, value BLOB, old_value BLOB
    )""",
    "CREATE INDEX IF NOT EXISTS kine_name_index ON kine (name)",
    "CREATE INDEX IF NOT EXISTS kine_name_id_index ON kine (name,id)",
    "CREATE INDEX IF NOT EXISTS kine_id_deleted_index ON kine (id,deleted)",
    "CREATE INDEX IF NOT EXISTS kine_prev_revision_index ON kine (prev_revision)",
    "CREATE UNIQUE INDEX IF NOT EXISTS kine_name_prev_revision_uindex ON kine (name, prev_revision)",
)
_LIVE = (
    "SELECT id, name, created, create_revision, lease, value FROM kine"
    " JOIN (SELECT MAX(id) AS newest FROM kine GROUP BY name) ON id = newest"
    " WHERE deleted = 0 AND name != ? AND name NOT LIKE ? ORDER BY name"
)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of kine's table, in the order of `COLUMNS`.

    Attributes:
        id: the revision.
        name: the key.
        created: 1 when the key did not exist before.
        deleted: 1 when the key does not exist any more.
        create_revision: at which the key was created; 0 when this is the record that created it.
        prev_revision: the record before it of the same name; 0 for none that is known.
        lease: seconds to live; 0 for ever.
        value: the new value.
    """

    id: int
    name: str
    created: int
    deleted: int
    create_revision: int
    prev_revision: int
    lease: int
    value: bytes | None = field(repr=False)


def read_rows(path: Path) -> list[Row]:
    """Return what a k3s' sqlite file holds now, ordered by key.

    Args:
        path: a complete file, with its write-ahead log beside it or none.

    Raises:
        K3kError: it is not such a file, or is damaged.
    """
    with closing(_open(path)) as database:
        found = _query(database, path, _LIVE, (COMPACTION_KEY, f"{GAP_PREFIX}%"))
        return [
            Row(
                str(name),
                bytes(value or b""),
                int(number),
                int(number if created else origin),
                int(lease or 0),
            )
            for number, name, created, origin, lease, value in found
        ]


def current_revision(path: Path) -> int:
    """Return the revision a k3s' sqlite file is at; 0 when nothing was ever stored.

    Args:
        path: the file.

    Raises:
        K3kError: it is not such a file, or is damaged.
    """
    with closing(_open(path)) as database:
        return int(_query(database, path, "SELECT COALESCE(MAX(id), 0) FROM kine")[0][0])


def check_database(path: Path) -> None:
    """See that a sqlite file is whole and kine's.

    Args:
        path: the file.

    Raises:
        K3kError: it is not.
    """
    with closing(_open(path)) as database:
        said = [str(row[0]) for row in _query(database, path, "PRAGMA integrity_check(1)")]
        if said != ["ok"]:
            raise K3kError(f"{path} is damaged: {'; '.join(said)}", hint="Take the copy again.")
        _query(database, path, "SELECT COUNT(*) FROM kine")


def write_database(path: Path, rows: Iterable[Row], *, revision: int = 0) -> None:
    """Write a sqlite file that k3s starts from: the rows at their revisions, and no history.

    Args:
        path: of the file, which must not exist.
        rows: what it is to hold.
        revision: the revision it is to be at, if that is above those of the rows.

    Raises:
        K3kError: it cannot be written.
    """
    import sqlite3

    places = ", ".join("?" * len(COLUMNS))
    if path.exists():
        raise K3kError(f"{path} exists already", hint="Name another file.")
    try:
        path.touch(mode=0o600)
        with closing(sqlite3.connect(path)) as database, database:
            for statement in _SCHEMA:
                database.execute(statement)
            database.executemany(
                f"INSERT INTO kine ({', '.join(COLUMNS)}) VALUES ({places})",  # noqa: S608 - constants
                (
                    (
                        each.id,
                        each.name,
                        each.created,
                        each.deleted,
                        each.create_revision,
                        each.prev_revision,
                        each.lease,
                        each.value,
                        None,
                    )
                    for each in records_of(rows, revision=revision)
                ),
            )
    except (sqlite3.Error, OSError) as error:
        raise K3kError(f"{path} cannot be written: {error}", hint="Is there room on the disk?") from None


def records_of(rows: Iterable[Row], *, revision: int = 0) -> Iterator[Record]:
    """Yield the records that stand for rows without a history, by rising revision.

    Whoever watches from before them is told that this is compacted, and lists again.

    Args:
        rows: at most one of a key.
        revision: the revision to be at, if that is above those of the rows.
    """
    ordered = sorted(rows, key=lambda row: row.revision)
    newest = max([revision, *(row.revision for row in ordered)])
    taken = {row.revision for row in ordered}
    mark = next(number for number in range(1, newest + 3) if number not in taken)
    yield from _with_mark(ordered, mark, newest)
    if newest > max([mark, *taken]):
        yield Record(newest, f"{GAP_PREFIX}{newest}", 0, 1, 0, 0, 0, None)


def rows_of(records: Iterable[Record]) -> list[Row]:
    """Return what records stand for, ordered by key; the newest of a name counts.

    Args:
        records: in any order.
    """
    newest: dict[str, Record] = {}
    for each in records:
        if each.name == COMPACTION_KEY or each.name.startswith(GAP_PREFIX):
            continue
        if each.name not in newest or newest[each.name].id < each.id:
            newest[each.name] = each
    return [
        Row(name, each.value or b"", each.id, each.id if each.created else each.create_revision, each.lease)
        for name, each in sorted(newest.items())
        if not each.deleted
    ]


def _with_mark(ordered: list[Row], mark: int, newest: int) -> Iterator[Record]:
    """Yield a record for each row, and at its place the one that tells how far it is compacted."""
    marker = Record(mark, COMPACTION_KEY, 1, 0, 0, newest, 0, b"")
    waiting = True
    for row in ordered:
        if waiting and mark < row.revision:
            waiting = False
            yield marker
        created = row.create_revision == row.revision
        # No previous revision: kine would take it for one that a compaction is to delete.
        yield Record(
            row.revision,
            row.key,
            int(created),
            0,
            0 if created else row.create_revision,
            0,
            row.lease,
            row.value,
        )
    if waiting:
        yield marker


def _open(path: Path) -> Connection:
    import sqlite3

    if not path.exists():
        raise K3kError(f"{path} does not exist", hint="Name the sqlite file of a k3s server.")
    try:
        # Read and write: a write-ahead log beside it is taken in.
        return sqlite3.connect(path)
    except sqlite3.Error as error:
        raise K3kError(f"{path} cannot be opened: {error}", hint="Take the copy again.") from None


def _query(
    database: Connection, path: Path, statement: str, parameters: tuple[str, ...] = ()
) -> list[tuple[Any, ...]]:
    import sqlite3

    try:
        return list(database.execute(statement, parameters))
    except sqlite3.Error as error:
        raise K3kError(f"{path} is not a usable k3s database: {error}", hint="Take the copy again.") from None
