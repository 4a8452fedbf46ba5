"""Where simulated control planes keep their data: on a volume, in an etcd, or in an external database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from k3k_core.errors import UsageError
from k3k_core.manifests.database_clients import Database, parse_endpoint
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.k3s.etcd_state import EtcdState
from k3k_core.sandbox.node.process import StartError

Close = Callable[[], None]
_SCHEMES = frozenset(("http", "https", "postgres", "postgresql", "mysql", "nats", "sqlite", "unix", "unixs"))
# Watches of embedded clusters are few: a short history saves memory.
_HISTORY = 2000


@dataclass(slots=True)
class Datastore:
    """The data of one embedded cluster.

    Attributes:
        key: what it lies on.
        store: its objects.
        files: certificate files that were put next to the data at the first start.
        token_hash: of the server token it was first opened with, "" before that.
        holder: name of the pod that has it open, for kinds that allow one only.
        populated: whether the cluster's own namespaces were made.
        etcd: the etcd that holds the data; None where it is another kind of datastore.
        populate: makes the cluster's own namespaces, which a server that runs leaves until somebody asks it.
    """

    key: str
    store: Store = field(default_factory=lambda: Store(history=_HISTORY))
    files: dict[str, str] = field(default_factory=dict, repr=False)
    token_hash: str = ""
    holder: str = ""
    populated: bool = False
    etcd: EtcdState | None = None
    populate: Callable[[], object] | None = field(default=None, repr=False)

    def check_token(self, token: str) -> None:
        """Compare the server token with the one the data was first encrypted with.

        Raises:
            StartError: it is another one.
        """
        hashed = self._hash(token)
        if self.token_hash and self.token_hash != hashed:
            raise StartError(
                'level=fatal msg="starting kubernetes: preparing server: bootstrap data already found and '
                'encrypted with different token"'
            )
        self.token_hash = hashed

    def encrypt(self, token: str) -> None:
        """Encrypt what servers share with another server token."""
        self.token_hash = self._hash(token)

    def _hash(self, token: str) -> str:
        return hashlib.sha256(f"k3s\0{token}".encode()).hexdigest()

    def facts(self) -> dict[str, Any]:
        """Return everything but the objects as one JSON value; it holds secrets."""
        etcd = {} if self.etcd is None else {"etcd": self.etcd.to_dict()}
        return {"files": dict(self.files), "tokenHash": self.token_hash, "populated": self.populated, **etcd}


class Datastores:
    """All datastores of a sandbox.

    Args:
        on_open: called with each datastore when it is first used in this process.
    """

    def __init__(self, on_open: Callable[[Datastore], None] | None = None) -> None:
        self._by_key: dict[str, Datastore] = {}
        self._on_open = on_open or (lambda _: None)

    def __iter__(self) -> Iterator[Datastore]:
        return iter(tuple(self._by_key.values()))

    def open(self, key: str) -> Datastore:
        """Return the datastore of a key, empty when it is new."""
        found = self._by_key.get(key)
        if found is None:
            found = self._by_key[key] = Datastore(key)
            self._on_open(found)
        return found

    def find(self, key: str) -> Datastore | None:
        """Return the datastore of a key; None when nothing was stored under it."""
        return self._by_key.get(key)

    def drop(self, prefix: str) -> list[Datastore]:
        """Forget the datastores on volumes whose name begins with a prefix; returns them.

        An etcd is forgotten with the last of its members' volumes.
        """
        dropped = [
            key
            for key, each in self._by_key.items()
            if key.startswith(prefix) or (each.etcd is not None and each.etcd.lose(prefix))
        ]
        return [self._by_key.pop(key) for key in dropped]

    def restore(self, datastore: Datastore) -> None:
        """Take over a datastore that was kept from an earlier run."""
        self._by_key[datastore.key] = datastore
        self._on_open(datastore)


@dataclass(frozen=True, slots=True)
class Member:
    """A running etcd.

    Attributes:
        namespace: of its pod.
        pod: name of the pod.
        services: names of Services that select the pod.
        volume: what its data lies on, the same for all members of a cluster.
        ready: whether it answers.
        member: its number in the cluster.
        works: whether it can be worked with at the moment, as its faults have it.
    """

    namespace: str
    pod: str
    services: frozenset[str]
    volume: str
    ready: bool = False
    member: int = 0
    works: Callable[[], bool] = field(default=lambda: True, compare=False, repr=False)


class Members:
    """The etcd members of a sandbox, and who wants to know of changes."""

    def __init__(self) -> None:
        self._members: dict[tuple[str, str], Member] = {}
        self._listeners: dict[object, Callable[[], None]] = {}

    def put(self, member: Member) -> None:
        """Add a member or change it."""
        self._members[member.namespace, member.pod] = member
        self._notify()

    def remove(self, namespace: str, pod: str) -> None:
        """Forget a member."""
        if self._members.pop((namespace, pod), None) is not None:
            self._notify()

    def listen(self, owner: object, callback: Callable[[], None]) -> Close:
        """Call back on every change; returns what ends that."""
        self._listeners[owner] = callback
        return lambda: (self._listeners.pop(owner, None), None)[1]

    def _notify(self) -> None:
        for callback in tuple(self._listeners.values()):
            callback()

    def sharing(self, volume: str) -> list[Member]:
        """Return the members of one cluster that run."""
        return [member for member in self._members.values() if member.volume == volume]

    def behind(self, host: str, namespace: str) -> list[Member] | None:
        """Return the members a DNS name leads to.

        Args:
            host: name or address from an endpoint.
            namespace: of the pod that asks.

        Returns:
            Members, possibly none; None when the name is none of the cluster's.
        """
        labels = host.removesuffix(".").split(".")
        if "svc" in labels:
            labels = labels[: labels.index("svc")]
            if len(labels) == 3:
                pod, service, home = labels
            elif len(labels) == 2:
                pod, service, home = "", labels[0], labels[1]
            else:
                return []
        elif len(labels) == 1 and not host[:1].isdigit() and host != "localhost":
            pod, service, home = "", labels[0], namespace
        else:
            return None
        return [
            member
            for member in self._members.values()
            if member.namespace == home and service in member.services and pod in {"", member.pod}
        ]


def endpoint_hosts(endpoint: str) -> list[str]:
    """Return the host names in a `datastore-endpoint`.

    Args:
        endpoint: a DSN, or a comma-separated list of etcd URLs.

    Raises:
        StartError: k3s knows no such datastore.
    """
    scheme = endpoint.partition("://")[0].lower()
    if "://" not in endpoint or scheme not in _SCHEMES:
        known = scheme if "://" in endpoint else ""
        raise StartError(
            f'level=fatal msg="starting kubernetes: preparing server: creating storage endpoint: '
            f'building kine: unknown storage backend {known}"'
        )
    if scheme == "mysql":
        location = endpoint.rpartition("@")[2]
        inner = location.partition("(")[2].partition(")")[0]
        return [inner.rpartition(":")[0] or inner or location.partition("/")[0]]
    return [urlsplit(part.strip()).hostname or "" for part in endpoint.split(",")]


def endpoint_key(endpoint: str) -> str:
    """Return the key of the datastore behind an endpoint that leads out of the sandbox.

    A database is the same for all its users.

    Args:
        endpoint: `datastore-endpoint`, as k3s is given it.
    """
    try:
        database = parse_endpoint(endpoint)
    except UsageError:
        database = Database("etcd", endpoint)
    return database_key(database)


def database_key(database: Database) -> str:
    """Return the key of the datastore that is an external database.

    Args:
        database: where it is.
    """
    return f"endpoint/{hashlib.sha256(database.place.encode()).hexdigest()}"


def engine_of(endpoint: str) -> Literal["", "sqlite", "sql"]:
    """Return what kine stands before; "" where k3s talks to an etcd itself.

    Args:
        endpoint: `datastore-endpoint`, empty for the default.
    """
    if not endpoint:
        return "sqlite"
    scheme = endpoint.partition("://")[0].lower()
    if scheme in {"http", "https", "unix", "unixs"}:
        return ""
    return "sqlite" if scheme == "sqlite" else "sql"
