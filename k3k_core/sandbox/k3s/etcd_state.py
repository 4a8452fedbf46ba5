"""What the members of a simulated etcd agree on, and how one that starts finds its place.

The rules are those of etcd's own bootstrap (https://github.com/etcd-io/etcd/blob/v3.6.8/server/etcdserver/bootstrap.go):
a member with data goes on as who it was; one without begins a new cluster or joins the one there is, as it is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class EtcdMember:
    """One member.

    Attributes:
        id: its number.
        name: of its pod; empty until it has started.
        peer_url: where the others reach it.
        volume: what its data lies on; empty until it has started, and when that was lost.
        learner: whether it has no vote.
    """

    id: int
    name: str
    peer_url: str
    volume: str = ""
    learner: bool = False


@dataclass(slots=True)
class EtcdState:
    """A cluster.

    Attributes:
        token: namespace and `--initial-cluster-token`.
        members: those there are.
        started: numbers of members that have ever started.
        removed: volumes of members that were removed.
        alarms: numbers of members and kinds of their alarms.
        free: part of the databases that holds nothing.
        snapshot: names the restore it comes from.
    """

    token: str
    members: list[EtcdMember] = field(default_factory=list)
    started: list[int] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    alarms: list[tuple[int, str]] = field(default_factory=list)
    free: float = 0.4
    snapshot: str = ""

    @property
    def quorum(self) -> int:
        """How many members have to agree."""
        return sum(not member.learner for member in self.members) // 2 + 1

    def on(self, volume: str) -> EtcdMember | None:
        """Return the member whose data lies on a volume."""
        return next((member for member in self.members if member.volume == volume), None)

    def at(self, peer_url: str) -> EtcdMember | None:
        """Return the member that the others reach at a URL."""
        return next((member for member in self.members if member.peer_url == peer_url), None)

    def numbered(self, number: int) -> EtcdMember | None:
        """Return the member of a number."""
        return next((member for member in self.members if member.id == number), None)

    def add(self, peer_url: str, *, learner: bool) -> EtcdMember:
        """Take in a member that has not started yet."""
        number = _number(f"{peer_url}\0{len(self.removed)}\0{len(self.members)}")
        member = EtcdMember(number, "", peer_url, learner=learner)
        self.members.append(member)
        return member

    def remove(self, member: EtcdMember) -> None:
        """Forget a member for good."""
        self.members.remove(member)
        self.alarms = [each for each in self.alarms if each[0] != member.id]
        if member.volume:
            self.removed.append(member.volume)

    def lose(self, prefix: str) -> bool:
        """Note that volumes are gone; says whether the data is, too, because no other member has it."""
        had_data = False
        for member in self.members:
            had_data = had_data or bool(member.volume)
            if f"{member.volume}/".startswith(prefix):
                member.volume = ""
        self.removed = [volume for volume in self.removed if not f"{volume}/".startswith(prefix)]
        return had_data and not any(member.volume for member in self.members)

    def to_dict(self) -> dict[str, Any]:
        """Return it as one JSON value."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> EtcdState:
        """Read back what `to_dict` returned."""
        members = [EtcdMember(**each) for each in document["members"]]
        alarms = [(number, kind) for number, kind in document["alarms"]]
        return cls(**{**document, "members": members, "alarms": alarms})


def founded(token: str, initial_cluster: Mapping[str, str], snapshot: str = "") -> EtcdState:
    """Return a cluster that begins.

    Args:
        token: namespace and `--initial-cluster-token`.
        initial_cluster: peer URLs by name.
        snapshot: names the restore it comes from.
    """
    members = [EtcdMember(_number(f"{url}\0{token}"), name, url) for name, url in initial_cluster.items()]
    return EtcdState(token, members, snapshot=snapshot)


def _number(text: str) -> int:
    # The gateway writes it as a signed number's digits; etcd's own are of 64 bits.
    return int.from_bytes(hashlib.sha1(text.encode(), usedforsecurity=False).digest()[:8]) >> 1
