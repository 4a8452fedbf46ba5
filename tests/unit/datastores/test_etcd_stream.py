"""Snapshots as an etcd's gateway streams them, and as files."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from k3k_core.datastores.etcd_messages import EtcdError
from k3k_core.datastores.etcd_stream import SnapshotReader, check_snapshot
from k3k_core.errors import UsageError

DATABASE = bytes(range(256)) * 16
WHOLE = DATABASE + hashlib.sha256(DATABASE).digest()


def messages(content: bytes, size: int) -> Iterator[dict[str, Any]]:
    for start in range(0, len(content), size):
        piece = content[start : start + size]
        left = len(content) - start - len(piece)
        # What is zero the gateway leaves out.
        more = {"remaining_bytes": str(left)} if left else {}
        yield {"result": {"blob": base64.b64encode(piece).decode(), **more}}


@pytest.mark.parametrize("size", [1, 31, 33, 1000, len(WHOLE)])
def test_a_snapshot_arrives_as_it_was_sent_in_pieces_of_any_size(size: int) -> None:
    reader = SnapshotReader("etcd-0")
    assert b"".join(reader.read(message) for message in messages(WHOLE, size)) == WHOLE
    taken = reader.finish()
    assert (taken.size, taken.sha256) == (len(WHOLE), hashlib.sha256(DATABASE).hexdigest())


def test_a_snapshot_that_breaks_off_is_none() -> None:
    reader = SnapshotReader("etcd-0")
    for message in list(messages(WHOLE, 512))[:-1]:
        reader.read(message)
    with pytest.raises(EtcdError, match="broke off after 4096 bytes"):
        reader.finish()


def test_a_snapshot_that_differs_from_its_digest_is_none() -> None:
    reader = SnapshotReader("etcd-0")
    for message in messages(b"!" + WHOLE[1:], 512):
        reader.read(message)
    with pytest.raises(EtcdError, match="does not fit its digest"):
        reader.finish()


def test_a_member_that_gives_up_half_way_is_quoted() -> None:
    reader = SnapshotReader("etcd-0")
    reader.read(next(messages(WHOLE, 512)))
    with pytest.raises(EtcdError, match="etcd-0 gave up on the snapshot: server stopped"):
        reader.read({"error": {"grpc_code": 14, "message": "server stopped"}})


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is no snapshot"),
        (DATABASE, "is no snapshot"),
        (WHOLE[:-512], "is damaged"),
        (WHOLE[:-1] + b"?", "is damaged"),
    ],
    ids=["empty", "a copied database", "cut", "changed"],
)
def test_a_file_that_is_no_whole_snapshot_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "snapshot.db"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=why):
        check_snapshot(path)
