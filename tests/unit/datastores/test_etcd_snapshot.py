"""Snapshots of etcd, written and read without it; and what a real etcd makes of them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from k3k_core.datastores.etcd_snapshot import current_revision, read_rows, snapshot_bytes, write_snapshot
from k3k_core.datastores.etcd_stream import check_snapshot
from k3k_core.datastores.rows import Row
from k3k_core.errors import K3kError

ROWS = [
    Row("/bootstrap/1a2b", b"\x00secret\xff", 2, 2),
    Row("/registry/configmaps/default/a", b"", 17, 5),
    Row("/registry/leases/kube-system/x", b"k8s\x00\x0a", 18, 18, 3600),
    Row("/registry/leases/kube-system/y", b"k8s\x00\x0b", 18, 18, 15),
]


def _many() -> list[Row]:
    sizes = (0, 10, 300, 3000, 9000)
    return [
        Row(
            f"/registry/configmaps/n{number % 7}/o{number:04}",
            bytes([number % 251]) * sizes[number % 5],
            rev,
            rev,
        )
        for number, rev in enumerate(range(10, 910, 2))
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "snapshot.db"


def test_rows_come_back_with_their_revisions_and_leases(path: Path) -> None:
    write_snapshot(path, ROWS)
    assert read_rows(path) == ROWS
    check_snapshot(path)


def test_more_rows_than_a_page_holds_come_back(path: Path) -> None:
    rows = _many()
    write_snapshot(path, rows)
    assert read_rows(path) == sorted(rows, key=lambda row: row.key)


def test_a_snapshot_of_nothing_has_no_rows(path: Path) -> None:
    write_snapshot(path, [])
    assert read_rows(path) == []


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    write_snapshot(path, ROWS)
    assert path.stat().st_mode & 0o077 == 0


def test_a_member_s_own_database_is_read_like_a_snapshot(path: Path) -> None:
    path.write_bytes(snapshot_bytes(ROWS)[: -hashlib.sha256().digest_size])
    assert read_rows(path) == ROWS


def test_a_snapshot_is_at_its_revision_though_no_row_is(path: Path) -> None:
    write_snapshot(path, ROWS, revision=99)
    assert current_revision(path) == 99


@pytest.mark.parametrize("content", [b"", b"short", bytes(20_000)], ids=["empty", "short", "zeros"])
def test_what_is_no_snapshot_is_one_clear_error(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(K3kError, match="is not a whole etcd database"):
        read_rows(path)


def test_a_snapshot_cut_short_is_one_clear_error(path: Path) -> None:
    path.write_bytes(snapshot_bytes(_many())[:40_000])
    with pytest.raises(K3kError):
        read_rows(path)


def test_a_file_that_exists_is_never_written_over(path: Path) -> None:
    path.write_bytes(b"mine")
    with pytest.raises(K3kError):
        write_snapshot(path, ROWS)
    assert path.read_bytes() == b"mine"


@pytest.mark.skipif(shutil.which("etcdctl") is None, reason="needs etcdctl (Debian: etcd-client)")
def test_etcd_restores_what_is_written_here_and_it_is_read_back_from_its_database(path: Path) -> None:
    rows = sorted([*ROWS, *[row for row in _many() if row.revision > 18]], key=lambda row: row.key)
    write_snapshot(path, rows, revision=5000)
    data = path.parent / "restored"
    command = ["etcdctl", "snapshot", "restore", str(path), "--data-dir", str(data)]
    done = subprocess.run(
        command,
        env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/usr/local/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-500:]
    assert read_rows(data / "member" / "snap" / "db") == rows
