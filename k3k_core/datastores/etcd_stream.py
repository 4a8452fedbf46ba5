"""Snapshots of etcd: as the gateway streams them, and as files.

A snapshot is the database file followed by the SHA-256 digest of it, 32 bytes. That the digest is there can be seen
from the size: a database consists of pages, whose size is a multiple of 512
(https://github.com/etcd-io/etcd/blob/v3.6.8/etcdutl/snapshot/v3_snapshot.go).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k3k_core.datastores.etcd_messages import EtcdError, decoded
from k3k_core.errors import UsageError

_DIGEST = hashlib.sha256().digest_size
_SECTOR = 512
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TakenSnapshot:
    """A snapshot that is complete and fits its digest.

    Attributes:
        size: bytes, with the digest at the end.
        sha256: digest of the database, hexadecimal.
        version: of the etcd whose data it holds, e.g. "3.6"; empty before 3.6.
    """

    size: int
    sha256: str
    version: str = ""


class SnapshotReader:
    """Takes the messages of a snapshot one by one, and checks the whole at the end.

    Args:
        member: name of the member, for messages.
    """

    def __init__(self, member: str) -> None:
        self._member = member
        self._digest = hashlib.sha256()
        self._last = b""
        self._size = 0
        self._remaining: int | None = None
        self._version = ""

    @property
    def expected(self) -> int:
        """Bytes of the whole file, as far as it is known yet."""
        return self._size + (self._remaining or 0)

    def read(self, message: Mapping[str, Any]) -> bytes:
        """Return the bytes of a message.

        Args:
            message: `{"result": {...}}`, or `{"error": {...}}` when the member gave up.

        Raises:
            EtcdError: the member gave up.
        """
        if "error" in message:
            error = message["error"]
            reason = error.get("message", "") if isinstance(error, Mapping) else str(error)
            raise EtcdError(f"etcd member {self._member} gave up on the snapshot: {reason}")
        result = message.get("result") or {}
        piece = decoded(result.get("blob", ""))
        self._remaining = int(result.get("remaining_bytes") or 0)
        self._version = str(result.get("version") or self._version)
        self._size += len(piece)
        # The digest's own bytes, the last ones, are no part of what is digested.
        held = self._last + piece
        self._digest.update(held[:-_DIGEST])
        self._last = held[-_DIGEST:]
        return piece

    def finish(self) -> TakenSnapshot:
        """Return what was read.

        Raises:
            EtcdError: something is missing, or differs from its digest.
        """
        complete = self._size > _DIGEST and self._size % _SECTOR == _DIGEST and not self._remaining
        if not complete:
            raise EtcdError(
                f"the snapshot of etcd member {self._member} broke off after {self._size} bytes",
                hint="Run the same command again.",
            )
        if self._digest.digest() != self._last:
            raise EtcdError(
                f"the snapshot of etcd member {self._member} does not fit its digest",
                hint="Run the same command again; if that does not help, the member's disk may be broken.",
            )
        return TakenSnapshot(self._size, self._last.hex(), self._version)


def check_snapshot(path: Path) -> TakenSnapshot:
    """Read a snapshot file and see that it is whole.

    Args:
        path: the file.

    Raises:
        UsageError: it is no snapshot, or damaged.
    """
    digest, last, size = hashlib.sha256(), b"", 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            size += len(piece)
            held = last + piece
            digest.update(held[:-_DIGEST])
            last = held[-_DIGEST:]
    if size <= _DIGEST or size % _SECTOR != _DIGEST:
        raise UsageError(
            f"{path} is no snapshot of an etcd: it does not end with a digest.",
            hint="Take one with `k3k etcd snapshot` or `etcdctl snapshot save`; a copied database file will not do.",
        )
    if digest.digest() != last:
        raise UsageError(f"{path} is damaged: it does not fit its digest.", hint="Use another snapshot.")
    return TakenSnapshot(size, last.hex())
