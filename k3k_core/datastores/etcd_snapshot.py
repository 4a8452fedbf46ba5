"""Snapshots of etcd, read and written without etcd: what `etcdctl snapshot save` makes and `snapshot restore` takes.

A snapshot is etcd's database file and the SHA-256 of it. Its bucket `key` holds every revision that is not compacted
(https://etcd.io/docs/v3.6/learning/data_model/); the newest of a key counts, unless it is a tombstone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from k3k_core.datastores.bolt import Item, bolt_bytes, open_bolt
from k3k_core.datastores.rows import Row
from k3k_core.errors import K3kError

_KEY, _META, _LEASE = b"key", b"meta", b"lease"
# All that etcd has; it would make those that are missing.
_EMPTY = (b"alarm", b"auth", b"authRoles", b"authUsers", b"cluster", b"members", b"members_removed")
# Revision, an underscore, and the number of the change within the revision; a deletion has one byte more.
_TOMBSTONE_SIZE = 18
# Leases need numbers of their own, the same for all rows of one time to live.
_LEASE_BASE = 0x6B33_6B00_0000_0000
_VARINT, _BYTES = 0, 2


def read_rows(path: Path) -> list[Row]:
    """Return what a snapshot holds, ordered by key.

    Args:
        path: of the snapshot, or of a member's database.

    Raises:
        K3kError: it is no snapshot, or is damaged.
    """
    newest: dict[bytes, Row | None] = {}
    try:
        with open_bolt(path) as file:
            seconds = {int.from_bytes(key): _fields(value).get(2, 0) for key, value in file.bucket(_LEASE)}
            for revision, value in file.bucket(_KEY):
                fields = _fields(value)
                key = fields.get(1, b"")
                if not isinstance(key, bytes) or not key:
                    # What `--bump-revision` leaves: a revision without a change.
                    continue
                newest[key] = None if len(revision) == _TOMBSTONE_SIZE else _row(key, fields, seconds)
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise K3kError(f"{path} is not a whole etcd snapshot: {error}", hint="Take it again.") from None
    return [row for _, row in sorted(newest.items()) if row is not None]


def current_revision(path: Path) -> int:
    """Return the revision a snapshot is at.

    Args:
        path: of the snapshot, or of a member's database.

    Raises:
        K3kError: it is no snapshot, or is damaged.
    """
    with open_bolt(path) as file:
        marks = [value for key, value in file.bucket(_META) if key.endswith(b"CompactRev")]
        changes = (key for key, _ in file.bucket(_KEY))
        # Revisions begin with their number, and a compaction may have taken the newest changes away.
        return max((int.from_bytes(each[:8]) for each in (*marks, *changes)), default=1)


def write_snapshot(path: Path, rows: Iterable[Row], *, revision: int = 0) -> None:
    """Write a snapshot that etcd restores: the rows at their revisions, all before them compacted.

    Args:
        path: of the file, which must not exist.
        rows: what it is to hold.
        revision: the revision it is to be at, if that is above those of the rows.

    Raises:
        K3kError: it cannot be written.
    """
    content = snapshot_bytes(rows, revision=revision)
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(content)
    except OSError as error:
        raise K3kError(f"{path} cannot be written: {error.strerror}", hint="Is there room?") from None


def snapshot_bytes(rows: Iterable[Row], *, revision: int = 0) -> bytes:
    """Return a snapshot; see `write_snapshot`.

    Args:
        rows: what it is to hold.
        revision: the revision it is to be at, if that is above those of the rows.
    """
    ordered = sorted(rows, key=lambda row: (row.revision, row.key))
    # etcd counts from one.
    newest = max([revision, 1, *(row.revision for row in ordered)])
    buckets: dict[bytes, list[Item]] = {name: [] for name in _EMPTY}
    buckets[_KEY] = list(_changes(ordered))
    leases = sorted({row.lease for row in ordered if row.lease})
    buckets[_LEASE] = [(_lease(each).to_bytes(8), _message((1, _lease(each)), (2, each))) for each in leases]
    compacted = _revision(newest, 0)
    buckets[_META] = [(b"finishedCompactRev", compacted), (b"scheduledCompactRev", compacted)]
    content = bolt_bytes(buckets)
    return content + hashlib.sha256(content).digest()


def _changes(ordered: Iterable[Row]) -> Iterator[Item]:
    last, number = 0, 0
    for row in ordered:
        # Rows that one transaction wrote share a revision.
        number = number + 1 if row.revision == last else 0
        last = row.revision
        changed = row.revision != row.create_revision
        fields: list[tuple[int, int | bytes]] = [
            (1, row.key.encode()),
            (2, row.create_revision),
            (3, row.revision),
            (4, 1 + changed),
        ]
        if row.value:
            fields.append((5, row.value))
        if row.lease:
            fields.append((6, _lease(row.lease)))
        yield _revision(row.revision, number), _message(*fields)


def _row(key: bytes, fields: dict[int, int | bytes], seconds: dict[int, int | bytes]) -> Row:
    value = fields.get(5, b"")
    lease = seconds.get(_number(fields.get(6, 0)), 0)
    return Row(
        key.decode(),
        value if isinstance(value, bytes) else b"",
        _number(fields.get(3, 0)),
        _number(fields.get(2, 0)),
        _number(lease),
    )


def _number(value: int | bytes) -> int:
    # Bytes where a number should be are of a message that is not etcd's.
    return value if isinstance(value, int) else int(bytes(value))


def _lease(seconds: int) -> int:
    return _LEASE_BASE + seconds


def _revision(main: int, sub: int) -> bytes:
    return main.to_bytes(8) + b"_" + sub.to_bytes(8)


def _message(*fields: tuple[int, int | bytes]) -> bytes:
    """Return a message in the wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding/)."""
    parts = []
    for number, value in fields:
        if isinstance(value, int):
            parts += [_varint(number << 3 | _VARINT), _varint(value)]
        else:
            parts += [_varint(number << 3 | _BYTES), _varint(len(value)), value]
    return b"".join(parts)


def _fields(message: bytes) -> dict[int, int | bytes]:
    """Return the fields of a message of numbers and bytes, by their numbers; of one that is repeated the last."""
    found: dict[int, int | bytes] = {}
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        value, position = _read_varint(message, position)
        if tag & 7 == _VARINT:
            found[tag >> 3] = value
        elif tag & 7 == _BYTES and position + value <= len(message):
            found[tag >> 3] = message[position : position + value]
            position += value
        else:
            raise ValueError("a message is not of etcd")
    return found


def _varint(value: int) -> bytes:
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    result.append(value)
    return bytes(result)


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return result, position
        shift += 7
