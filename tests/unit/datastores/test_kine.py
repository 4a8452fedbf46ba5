"""k3s' sqlite file, written and read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from k3k_core.datastores.kine import (
    COMPACTION_KEY,
    check_database,
    current_revision,
    read_rows,
    records_of,
    rows_of,
    write_database,
)
from k3k_core.datastores.rows import Row
from k3k_core.errors import K3kError

ROWS = [
    Row("/bootstrap/1a2b", b"\x00secret\xff", 2, 2),
    Row("/registry/configmaps/default/a", b'{"a":1}', 17, 5),
    Row("/registry/leases/kube-system/x", b"k8s\x00\x0a", 18, 18, 3600),
]


def _insert(path: Path, *records: tuple[object, ...]) -> None:
    columns = "id, name, created, deleted, create_revision, prev_revision, lease, value"
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany(f"INSERT INTO kine ({columns}) VALUES (?,?,?,?,?,?,?,?)", records)  # noqa: S608


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def test_rows_come_back_with_their_revisions_and_leases(path: Path) -> None:
    write_database(path, ROWS)
    assert read_rows(path) == ROWS
    check_database(path)


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    write_database(path, ROWS)
    assert path.stat().st_mode & 0o077 == 0


def test_the_newest_record_of_a_name_counts_and_what_is_deleted_does_not(path: Path) -> None:
    write_database(path, ROWS)
    _insert(
        path,
        (20, "/registry/configmaps/default/a", 0, 0, 5, 17, 0, b"newer"),
        (21, "/registry/leases/kube-system/x", 0, 1, 18, 18, 0, None),
    )
    found = {row.key: row for row in read_rows(path)}
    assert found["/registry/configmaps/default/a"] == Row("/registry/configmaps/default/a", b"newer", 20, 5)
    assert "/registry/leases/kube-system/x" not in found


def test_what_was_made_anew_after_a_deletion_has_a_new_create_revision(path: Path) -> None:
    write_database(path, ROWS)
    _insert(
        path,
        (30, "/registry/configmaps/default/a", 0, 1, 5, 17, 0, None),
        (31, "/registry/configmaps/default/a", 1, 0, 0, 30, 0, b"again"),
    )
    (row,) = [row for row in read_rows(path) if row.key.endswith("/a")]
    assert (row.revision, row.create_revision) == (31, 31)


def test_the_revision_never_goes_back_though_the_newest_change_was_a_deletion(path: Path) -> None:
    write_database(path, ROWS, revision=500)
    assert current_revision(path) == 500
    assert read_rows(path) == ROWS


def test_watches_from_before_are_told_to_list_again(path: Path) -> None:
    write_database(path, ROWS, revision=500)
    with closing(sqlite3.connect(path)) as database:
        (found,) = database.execute("SELECT prev_revision FROM kine WHERE name = ?", (COMPACTION_KEY,))
    assert found == (500,)


def test_a_compaction_by_kine_would_delete_nothing_that_lives(path: Path) -> None:
    # Of everything that is no compaction mark, kine deletes the record that a later one names as previous.
    records = list(records_of(ROWS, revision=500))
    doomed = {each.prev_revision for each in records if each.name != COMPACTION_KEY and each.prev_revision}
    assert doomed == set()
    assert rows_of(records) == ROWS


def test_revisions_from_one_on_leave_a_place_for_the_mark() -> None:
    rows = [Row(f"/registry/configmaps/default/{number}", b"", number, number) for number in (1, 2, 3)]
    records = list(records_of(rows))
    assert [each.id for each in records] == [1, 2, 3, 4]
    assert records[-1].name == COMPACTION_KEY


def test_an_empty_file_has_no_rows_and_is_at_the_mark(path: Path) -> None:
    write_database(path, [])
    assert read_rows(path) == []
    assert current_revision(path) == 1


def test_a_write_ahead_log_beside_the_file_is_taken_in(path: Path, tmp_path: Path) -> None:
    write_database(path, ROWS)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("DELETE FROM kine WHERE id = 17")
        database.commit()
        copy = tmp_path / "copy.db"
        for suffix in ("", "-wal"):
            (tmp_path / f"copy.db{suffix}").write_bytes((tmp_path / f"state.db{suffix}").read_bytes())
    assert [row.revision for row in read_rows(copy)] == [2, 18]


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be read", b""])
def test_what_is_no_database_is_one_clear_error(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(K3kError, match="is not a usable k3s database"):
        read_rows(path)


def test_a_damaged_file_is_found(path: Path) -> None:
    rows = [
        Row(f"/registry/configmaps/default/{number}", b"x" * 900, number, number) for number in range(9, 99)
    ]
    write_database(path, rows)
    content = bytearray(path.read_bytes())
    content[8192:12288] = bytes(4096)
    path.write_bytes(content)
    with pytest.raises(K3kError):
        check_database(path)


def test_a_file_that_exists_is_never_written_over(path: Path) -> None:
    write_database(path, ROWS)
    with pytest.raises(K3kError, match="exists already"):
        write_database(path, [])
    assert read_rows(path) == ROWS
