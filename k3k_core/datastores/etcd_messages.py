"""What etcd says over its JSON gateway, as data (https://etcd.io/docs/v3.6/dev-guide/api_reference_v3/).

The gateway writes 64-bit numbers as text, bytes as base64, and leaves out what is zero, false or empty.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from k3k_core.errors import K3kError

# gRPC status codes (https://grpc.github.io/grpc/core/md_doc_statuscodes.html).
NOT_FOUND, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, OUT_OF_RANGE, UNAVAILABLE = 5, 8, 9, 11, 14

AlarmKind = Literal["NONE", "NOSPACE", "CORRUPT"]


class EtcdError(K3kError):
    """A member answered, and refused.

    Args:
        message: what failed, on which member, and what etcd says.
        hint: what to do next.
        code: gRPC status code.
    """

    def __init__(self, message: str, *, hint: str = "", code: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.code = code


@dataclass(frozen=True, slots=True)
class Member:
    """A member as the cluster lists it.

    Attributes:
        id: as etcd numbers it.
        name: name of its pod; empty until it has started for the first time.
        peer_urls: where the other members reach it.
        client_urls: where clients reach it; none until it has started for the first time.
        learner: whether it follows without a vote.
    """

    id: int
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    learner: bool

    @property
    def started(self) -> bool:
        """Whether it has ever told the others who it is."""
        return bool(self.name)


@dataclass(frozen=True, slots=True)
class Status:
    """A member as it describes itself.

    Attributes:
        id: as etcd numbers it.
        cluster_id: as etcd numbers the cluster.
        version: of etcd, e.g. "3.6.8".
        leader: id of the leader; 0 when it knows of none.
        raft_term: counts elections.
        raft_index: newest entry it has.
        raft_applied_index: newest entry that is in its data.
        revision: of its data.
        size: bytes of its database.
        size_in_use: bytes of them that hold data; the rest is what a defragmentation frees.
        learner: whether it follows without a vote.
        errors: what it complains about, e.g. that there is no leader.
    """

    id: int
    cluster_id: int
    version: str
    leader: int
    raft_term: int
    raft_index: int
    raft_applied_index: int
    revision: int
    size: int
    size_in_use: int
    learner: bool
    errors: tuple[str, ...]

    @property
    def leads(self) -> bool:
        """Whether it is the leader."""
        return self.leader != 0 and self.leader == self.id


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that a member has raised; it stays until it is disarmed.

    Attributes:
        member: id of the member.
        kind: NOSPACE: nothing is written any more; CORRUPT: members differ.
    """

    member: int
    kind: str


@dataclass(frozen=True, slots=True)
class KeyValue:
    """One key and what it holds.

    Attributes:
        key: as stored.
        value: as stored; it may be a secret.
        create_revision: revision of its creation.
        mod_revision: revision of its last change.
        version: counts its changes.
        lease: id of the lease it ends with; 0 for none.
    """

    key: bytes
    value: bytes = field(repr=False)
    create_revision: int
    mod_revision: int
    version: int
    lease: int


@dataclass(frozen=True, slots=True)
class RangePage:
    """Part of a range of keys.

    Attributes:
        items: in the order of their keys.
        revision: of the data it was read from.
        more: whether keys follow.
        count: keys in the whole range.
    """

    items: tuple[KeyValue, ...]
    revision: int
    more: bool
    count: int


def encoded(data: bytes) -> str:
    """Return bytes as the gateway takes them."""
    return base64.b64encode(data).decode("ascii")


def decoded(text: str) -> bytes:
    """Return bytes that the gateway wrote."""
    return base64.b64decode(text)


def read_member(document: Mapping[str, Any]) -> Member:
    """Read a member of a list."""
    return Member(
        id=_number(document, "ID"),
        name=str(document.get("name", "")),
        peer_urls=tuple(document.get("peerURLs") or ()),
        client_urls=tuple(document.get("clientURLs") or ()),
        learner=bool(document.get("isLearner")),
    )


def read_status(document: Mapping[str, Any]) -> Status:
    """Read the answer to a status request."""
    header = document.get("header") or {}
    return Status(
        id=_number(header, "member_id"),
        cluster_id=_number(header, "cluster_id"),
        version=str(document.get("version", "")),
        leader=_number(document, "leader"),
        raft_term=_number(document, "raftTerm"),
        raft_index=_number(document, "raftIndex"),
        raft_applied_index=_number(document, "raftAppliedIndex"),
        revision=_number(header, "revision"),
        size=_number(document, "dbSize"),
        size_in_use=_number(document, "dbSizeInUse"),
        learner=bool(document.get("isLearner")),
        errors=tuple(str(each) for each in document.get("errors") or ()),
    )


def read_alarm(document: Mapping[str, Any]) -> Alarm:
    """Read an alarm of a list."""
    return Alarm(_number(document, "memberID"), str(document.get("alarm", "NONE")))


def read_range(document: Mapping[str, Any]) -> RangePage:
    """Read the answer to a range request."""
    return RangePage(
        items=tuple(_key_value(item) for item in document.get("kvs") or ()),
        revision=_number(document.get("header") or {}, "revision"),
        more=bool(document.get("more")),
        count=_number(document, "count"),
    )


def _key_value(document: Mapping[str, Any]) -> KeyValue:
    return KeyValue(
        key=decoded(document.get("key", "")),
        value=decoded(document.get("value", "")),
        create_revision=_number(document, "create_revision"),
        mod_revision=_number(document, "mod_revision"),
        version=_number(document, "version"),
        lease=_number(document, "lease"),
    )


def _number(document: Mapping[str, Any], key: str) -> int:
    return int(document.get(key) or 0)
