"""How a simulated etcd member that starts finds its cluster: by what lies on its volume, or by its flags."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from k3k_core.sandbox.k3s.cluster import Surroundings
from k3k_core.sandbox.k3s.datastores import Datastore
from k3k_core.sandbox.k3s.etcd_state import EtcdMember, EtcdState, founded
from k3k_core.sandbox.node.process import StartError

# What a simulated `snapshot restore` leaves in a data directory: the snapshot, and the flags it was given.
RESTORED_DATA, RESTORED_FLAGS = "member/snap/db", "member/restored.json"
_SUFFIX = "/etcd"


@dataclass(frozen=True, slots=True)
class Flags:
    """What tells a member who it is.

    Attributes:
        name: `--name`.
        token: namespace and `--initial-cluster-token`.
        initial_cluster: peer URLs by name.
        existing: whether `--initial-cluster-state` is "existing".
        volume: what its data lies on.
        folder: path of the data directory on that.
    """

    name: str
    token: str
    initial_cluster: dict[str, str]
    existing: bool
    volume: str
    folder: str

    @property
    def peer_url(self) -> str:
        """Where the others reach it."""
        return self.initial_cluster.get(self.name, "")


def place(datastore: Datastore) -> str:
    """Return what servers take for the volume that the data of an etcd lies on."""
    return datastore.key.removesuffix(_SUFFIX)


def clusters(around: Surroundings) -> Iterator[tuple[Datastore, EtcdState]]:
    """Yield every simulated etcd there is data of."""
    for datastore in around.datastores:
        if datastore.etcd is not None:
            yield datastore, datastore.etcd


def has_data(around: Surroundings, volume: str) -> bool:
    """Tell whether an etcd member's data lies on a volume."""
    if any(path.endswith(RESTORED_FLAGS) for path in around.volumes.names(volume)):
        return True
    return any(state.on(volume) or volume in state.removed for _, state in clusters(around))


def bootstrap(around: Surroundings, flags: Flags) -> tuple[Datastore, EtcdMember]:
    """Return the data and the member that a process is.

    Args:
        around: the sandbox.
        flags: of the process.

    Raises:
        StartError: it cannot be any, as etcd would say it.
    """
    if (restored := _restored(around, flags)) is not None:
        return restored
    for datastore, state in clusters(around):
        if flags.volume in state.removed:
            raise _fatal("the member has been permanently removed from the cluster")
        if (member := state.on(flags.volume)) is not None:
            return datastore, member
    found = next(
        ((data, state) for data, state in clusters(around) if state.token == flags.token and _alive(state)),
        None,
    )
    if flags.existing:
        return _join(found, flags)
    return _begin(around, found, flags)


def _alive(state: EtcdState) -> bool:
    return any(member.volume for member in state.members)


def _join(found: tuple[Datastore, EtcdState] | None, flags: Flags) -> tuple[Datastore, EtcdMember]:
    if found is None:
        raise _fatal("cannot fetch cluster info from peer urls: could not retrieve cluster information")
    datastore, state = found
    member = state.at(flags.peer_url)
    if member is None or len(state.members) != len(flags.initial_cluster):
        raise _fatal("error validating peerURLs: member count is unequal")
    return _settle(datastore, member, flags)


def _begin(
    around: Surroundings, found: tuple[Datastore, EtcdState] | None, flags: Flags
) -> tuple[Datastore, EtcdMember]:
    if found is not None:
        datastore, state = found
        member = state.at(flags.peer_url)
        # One of those that begin together, or whose volume was lost.
        if member is not None and _starts_first(state, member):
            return _settle(datastore, member, flags)
        raise _fatal(f"member {flags.name} has already been bootstrapped")
    return _found(around, flags)


def _starts_first(state: EtcdState, member: EtcdMember) -> bool:
    return not member.volume and member.id not in state.started


def _found(around: Surroundings, flags: Flags, snapshot: str = "") -> tuple[Datastore, EtcdMember]:
    """Begin a cluster whose first member this is."""
    number = 1 + sum(state.token == flags.token for _, state in clusters(around))
    while around.datastores.find(f"etcd/{flags.token}/{number}{_SUFFIX}") is not None:
        number += 1
    datastore = around.datastores.open(f"etcd/{flags.token}/{number}{_SUFFIX}")
    datastore.etcd = founded(flags.token, flags.initial_cluster, snapshot)
    member = datastore.etcd.at(flags.peer_url)
    if member is None:
        raise _fatal(f"couldn't find local name {flags.name!r} in the initial cluster configuration")
    return _settle(datastore, member, flags)


def _settle(datastore: Datastore, member: EtcdMember, flags: Flags) -> tuple[Datastore, EtcdMember]:
    member.volume, member.name = flags.volume, flags.name
    if datastore.etcd is not None and member.id not in datastore.etcd.started:
        datastore.etcd.started.append(member.id)
    return datastore, member


def _restored(around: Surroundings, flags: Flags) -> tuple[Datastore, EtcdMember] | None:
    """Begin the cluster that a snapshot was restored for, or join it when another member has begun it."""
    told = around.volumes.take(flags.volume, f"{flags.folder}/{RESTORED_FLAGS}")
    if told is None:
        return None
    content = around.volumes.take(flags.volume, f"{flags.folder}/{RESTORED_DATA}") or b""
    restored = json.loads(told)
    for _, state in clusters(around):
        # What was on the volume before is no more.
        state.lose(f"{flags.volume}/")
    for datastore, state in clusters(around):
        member = state.at(flags.peer_url)
        same = state.token == flags.token and state.snapshot == restored["attempt"]
        if same and member is not None and _starts_first(state, member):
            return _settle(datastore, member, flags)
    datastore, member = _found(around, flags, restored["attempt"])
    fill_from_snapshot(datastore, content, bump=int(restored["bump"]))
    return datastore, member


def fill_from_snapshot(datastore: Datastore, content: bytes, *, bump: int = 0) -> None:
    """Replace what a simulated control plane stores by what a snapshot holds.

    Args:
        datastore: its data.
        content: of the snapshot.
        bump: how much higher its revision is to be.
    """
    from k3k_core.datastores.etcd_snapshot import read_rows
    from k3k_core.sandbox.k3s.contents import fill

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "snapshot.db"
        path.write_bytes(content)
        fill(datastore, read_rows(path))
    datastore.store.version += bump


def _fatal(message: str) -> StartError:
    return StartError(json.dumps({"level": "fatal", "msg": "discovery failed", "error": message}))
