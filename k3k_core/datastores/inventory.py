"""What a datastore holds, as a number and a digest for each kind of object: two are compared by it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from k3k_core.datastores.rows import Row

# Come and go, or change by the second, without anybody's doing.
VOLATILE = frozenset({"events", "health", "leases", "masterleases", "peerserverleases"})

_PREFIX = "/registry/"
_BOOTSTRAP = "/bootstrap"
# Resources that the API server stores under another name (pkg/registry of Kubernetes).
_RENAMED = {"minions": "nodes", "services/specs": "services", "services/endpoints": "endpoints"}


@dataclass(frozen=True, slots=True)
class KindSum:
    """The objects of one kind.

    Attributes:
        count: how many there are.
        digest: SHA-256 over their keys and values, hexadecimal; revisions do not count.
    """

    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a datastore holds.

    Attributes:
        kinds: by resource, e.g. "configmaps" or "addons.k3s.cattle.io"; "bootstrap" is what k3s keeps of its own.
        revision: the newest revision of any row.
    """

    kinds: Mapping[str, KindSum] = field(default_factory=dict)
    revision: int = 0

    @property
    def objects(self) -> int:
        """How many objects there are."""
        return sum(each.count for each in self.kinds.values())

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON keeps it."""
        kinds = {
            name: {"count": each.count, "digest": each.digest} for name, each in sorted(self.kinds.items())
        }
        return {"revision": self.revision, "kinds": kinds}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Inventory:
        """Return what `to_dict` made a document of.

        Args:
            document: with `revision` and `kinds`.
        """
        kinds = {
            str(name): KindSum(int(each["count"]), str(each["digest"]))
            for name, each in dict(document["kinds"]).items()
        }
        return cls(kinds, int(document["revision"]))


@dataclass(frozen=True, slots=True)
class KindDifference:
    """A kind whose objects are not the same in two datastores.

    Attributes:
        kind: the resource.
        before: how many there were.
        after: how many there are.
    """

    kind: str
    before: int
    after: int

    def __str__(self) -> str:
        if self.before == self.after:
            return f"{self.kind}: {self.before}, but not the same"
        return f"{self.kind}: {self.before} -> {self.after}"


def kind_of(key: str) -> str:
    """Return the resource a key is of, as `kubectl api-resources` names it; "other" for an unknown place.

    Args:
        key: of a row.
    """
    if key.startswith(_BOOTSTRAP):
        return "bootstrap"
    if not key.startswith(_PREFIX):
        return "other"
    first, _, rest = key.removeprefix(_PREFIX).partition("/")
    second = rest.partition("/")[0]
    # Aggregated and custom resources are stored under their group, the built-in ones without it.
    if "." in first and second:
        return f"{second}.{first}"
    return _RENAMED.get(first) or _RENAMED.get(f"{first}/{second}") or first


def inventory(rows: Iterable[Row], *, volatile: bool = False) -> Inventory:
    """Count and digest rows by kind.

    Args:
        rows: of one datastore, in any order.
        volatile: whether events, leases and the like are counted too.
    """
    digests: dict[str, list[bytes]] = {}
    newest = 0
    for row in rows:
        newest = max(newest, row.revision)
        kind = kind_of(row.key)
        if volatile or kind not in VOLATILE:
            digests.setdefault(kind, []).append(_digest(row))
    kinds = {
        kind: KindSum(len(each), hashlib.sha256(b"".join(sorted(each))).hexdigest())
        for kind, each in sorted(digests.items())
    }
    return Inventory(kinds, newest)


def compare(before: Inventory, after: Inventory, *, but: Iterable[str] = ()) -> tuple[KindDifference, ...]:
    """Return the kinds whose objects are not the same.

    Args:
        before: of one datastore.
        after: of the other.
        but: kinds that are not looked at.
    """
    names = sorted({*before.kinds, *after.kinds} - set(but))
    nothing = KindSum(0, "")
    return tuple(
        KindDifference(name, before.kinds.get(name, nothing).count, after.kinds.get(name, nothing).count)
        for name in names
        if before.kinds.get(name) != after.kinds.get(name)
    )


def _digest(row: Row) -> bytes:
    """Return a digest of a key and its value; the length keeps the two apart."""
    key = row.key.encode()
    return hashlib.sha256(len(key).to_bytes(4) + key + row.value).digest()
