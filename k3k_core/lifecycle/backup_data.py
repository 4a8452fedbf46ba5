"""Taking a copy of what a control plane stores, whatever it is stored in."""

from __future__ import annotations

import asyncio
import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from k3k_core.backups.manifest import Payload
from k3k_core.backups.payloads import read_payload
from k3k_core.datastores.inventory import Inventory, inventory
from k3k_core.datastores.kine import check_database
from k3k_core.errors import K3kError, NotFoundError, NotReadyError
from k3k_core.host import HostApi
from k3k_core.lifecycle.databases import dump_database, external_of
from k3k_core.lifecycle.etcd_snapshots import save_snapshot
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.lifecycle.transfer import fetch_file, list_files, remove_files
from k3k_core.manifests.scripts import command
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.values import Values

Mode = Literal["online", "cold"]

DATABASE = "state.db"
SQLITE_PAYLOAD = f"datastore/{DATABASE}"
ETCD_PAYLOAD = "datastore/snapshot.db"
EXTERNAL_PAYLOAD = "datastore/dump.sql"

_K3S = "k3s"
_SCRATCH = "/tmp/k3k-backup"  # noqa: S108 - a path in the pod, on a volume of its own
# A control plane answers nobody while its database is copied: a little is a pause, more is an outage.
_HELD_SECONDS = 15
_NOBODY, _NOT_HELD, _TOO_LONG, _NO_ROOM = 3, 4, 5, 6


@dataclass(frozen=True, slots=True)
class Captured:
    """A copy of a datastore.

    Attributes:
        payload: what it is.
        path: the file.
        inventory: what is in it, by kind.
    """

    payload: Payload
    path: Path
    inventory: Inventory


async def capture(
    host: HostApi, identity: ControlPlaneId, values: Values, folder: Path, mode: Mode, progress: Progress
) -> Captured:
    """Copy a datastore into a folder.

    Args:
        host: an open host.
        identity: the control plane.
        values: its values.
        folder: a private folder.
        mode: with sqlite: "online" holds the server still for a moment, "cold" copies while there is none.
        progress: told about each step.

    Raises:
        NotReadyError: nothing of it runs.
        K3kError: it cannot be copied, or the copy is damaged.
    """
    kind = values.datastore.kind
    if kind == "sqlite":
        if mode == "cold":
            await _fetch_cold(host, identity, values, folder, progress)
        else:
            await _fetch_online(host, identity, values, folder, progress)
        path = await asyncio.to_thread(_consolidated, folder)
        return await _captured(Payload("sqlite", "sqlite", mode, SQLITE_PAYLOAD), path)
    if kind == "etcd":
        return await _etcd(host, identity, folder, progress)
    return await _external(host, identity, folder, progress)


async def _fetch_online(
    host: HostApi, identity: ControlPlaneId, values: Values, folder: Path, progress: Progress
) -> None:
    pod = f"{identity.server}-0"
    database = f"{values.k3s.data_dir}/server/db/{DATABASE}"
    progress(
        Step("copy", "started", "copying the database; its server is held still meanwhile", f"Pod/{pod}")
    )
    try:
        result = await host.exec(
            identity.namespace,
            pod,
            command("copy-database", database, _SCRATCH, str(_HELD_SECONDS)),
            container=_K3S,
            timeout=_HELD_SECONDS * 4.0,
        )
    except NotFoundError:
        raise NotReadyError(
            f"no server of control plane {identity} runs",
            hint=f"`k3k resume {identity.name} -n {identity.namespace}` brings a paused one back; --cold copies "
            "the database of one that is stopped.",
        ) from None
    if result.exit_code:
        raise _not_copied(identity, result.exit_code, result.stderr.strip())
    try:
        for name in await list_files(host, identity.namespace, pod, _K3S, _SCRATCH):
            await _fetch(host, identity.namespace, pod, _K3S, f"{_SCRATCH}/{name}", folder / name)
    finally:
        paths = [f"{_SCRATCH}/{name}" for name in (DATABASE, f"{DATABASE}-wal")]
        await remove_files(host, identity.namespace, pod, _K3S, *paths)
    progress(Step("copy", "done", "the database is copied", f"Pod/{pod}"))


def _not_copied(identity: ControlPlaneId, code: int, said: str) -> K3kError:
    cold = f"`k3k backup create {identity.name} -n {identity.namespace} --cold` stops the server for the copy"
    hints = {
        _NOBODY: f"Its server may be starting: run the same command again. Else {cold}.",
        _NOT_HELD: f"{cold}.",
        _TOO_LONG: f"The database is large or the node slow: {cold}.",
        _NO_ROOM: f"The node has too little room: {cold}.",
    }
    detail = said or f"exit code {code}"
    return K3kError(
        f"the database of control plane {identity} cannot be copied while it runs: {detail}",
        hint=hints.get(code, f"{cold}."),
    )


async def _fetch_cold(
    host: HostApi, identity: ControlPlaneId, values: Values, folder: Path, progress: Progress
) -> None:
    """Copy the files of a server that does not run, from its volume."""
    from k3k_core.lifecycle.volume_pod import mounted
    from k3k_core.manifests.volume_pods import VOLUME_CONTAINER, VOLUME_DIR, volume_pod

    claim = f"data-{identity.server}-0"
    pod = volume_pod(identity, values, identity.task("copy"), claim)
    progress(
        Step("copy", "started", "copying the database from its volume", f"PersistentVolumeClaim/{claim}")
    )
    async with mounted(host, pod) as name:
        source = f"{VOLUME_DIR}/server/db"
        wanted = (DATABASE, f"{DATABASE}-wal")
        found = await list_files(host, identity.namespace, name, VOLUME_CONTAINER, source)
        for file in [each for each in wanted if each in found]:
            await _fetch(host, identity.namespace, name, VOLUME_CONTAINER, f"{source}/{file}", folder / file)
    if DATABASE not in found:
        raise K3kError(f"the volume {claim} holds no database", hint="Has its server ever run?")
    progress(Step("copy", "done", "the database is copied", f"PersistentVolumeClaim/{claim}"))


async def _fetch(host: HostApi, namespace: str, pod: str, container: str, source: str, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:

        async def take(piece: bytes) -> None:
            out.write(piece)

        await fetch_file(host, namespace, pod, container, source, take)


async def _etcd(host: HostApi, identity: ControlPlaneId, folder: Path, progress: Progress) -> Captured:
    path = folder / "snapshot.db"
    taken = await save_snapshot(host, identity, path, progress)
    return await _captured(Payload("etcd", f"etcd {taken.version}".strip(), "snapshot", ETCD_PAYLOAD), path)


async def _external(host: HostApi, identity: ControlPlaneId, folder: Path, progress: Progress) -> Captured:
    path = folder / "dump.sql"
    external = await external_of(host, identity)
    await dump_database(host, external, path, progress)
    payload = Payload("external", external.database().engine, "dump", EXTERNAL_PAYLOAD)
    return await _captured(payload, path)


async def _captured(payload: Payload, path: Path) -> Captured:
    rows = await asyncio.to_thread(read_payload, payload, path)
    return Captured(payload, path, await asyncio.to_thread(inventory, rows))


def _consolidated(folder: Path) -> Path:
    """Take the write-ahead log into the database, check it, and return it as one file without free pages."""
    import sqlite3

    copied, path = folder / DATABASE, folder / f"whole-{DATABASE}"
    check_database(copied)
    try:
        path.touch(mode=0o600)
        with closing(sqlite3.connect(copied)) as database:
            database.execute("VACUUM INTO ?", (str(path),))
    except (sqlite3.Error, OSError) as error:
        raise K3kError(
            f"the copy of the database cannot be written: {error}", hint="Is there room on the disk?"
        ) from None
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (folder / name).unlink(missing_ok=True)
    return path
