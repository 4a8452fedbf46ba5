"""External datastores: proved before servers start, dumped and loaded by Jobs in the host.

k3k itself may have no way to the database, but the host's pods have one, or the servers would not run.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from k3k_core import manifests
from k3k_core.errors import ConflictError, K3kError, NotFoundError, UsageError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import owner_of, stored_values
from k3k_core.lifecycle.credentials import find_datastore_files
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.tasks import await_task, pod_of_task, remove_task, run_task, start_task
from k3k_core.lifecycle.transfer import Transferred, fetch_file, send_file
from k3k_core.manifests import Blueprint, OwnerReference
from k3k_core.manifests.database_clients import Database, engine_of, parse_endpoint
from k3k_core.manifests.database_tasks import (
    DUMP,
    DUMP_FILE,
    FETCHED_FILE,
    LOAD,
    LOAD_FILE,
    database_image,
    database_secret,
    dump_task,
    load_task,
    preflight_task,
)
from k3k_core.manifests.metadata import labelled
from k3k_core.manifests.tasks import Task, task_job
from k3k_core.names import ControlPlaneId
from k3k_core.pki.tokens import DATASTORE_KEY
from k3k_core.resources import SECRET, STATEFUL_SET
from k3k_core.values import Values, amounts

_DUMP_SECONDS = 1800
# For pulling an image and starting a pod.
_START_SECONDS = 120.0
_PIECE = 1 << 20
_RECORDS = re.compile(r"records: (\d+)")


@dataclass(frozen=True, slots=True)
class External:
    """The external datastore of a control plane, and all that a Job needs to get there.

    Attributes:
        id: the control plane.
        values: its values.
        owner: its root Secret.
        endpoint: the DSN.
        files: which TLS files the user's own Secret holds.
    """

    id: ControlPlaneId
    values: Values
    owner: OwnerReference | None
    endpoint: str = field(repr=False)
    files: frozenset[str] = frozenset()

    def database(self) -> Database:
        """Return what the DSN says.

        Raises:
            UsageError: it leads to a socket, or cannot be understood.
        """
        return parse_endpoint(self.endpoint)


async def external_of(host: HostApi, identity: ControlPlaneId) -> External:
    """Return the external datastore of an existing control plane.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it, or the Secret of its datastore, does not exist.
        UsageError: its datastore is no external one.
    """
    root = await find_root(host, identity)
    values = stored_values(root).values
    if values.datastore.kind != "external":
        raise UsageError(f"control plane {identity} has no external datastore, but {values.datastore.kind}")
    return await external_from(host, identity, values, owner_of(root))


async def external_from(
    host: HostApi, identity: ControlPlaneId, values: Values, owner: OwnerReference | None
) -> External:
    """Return the external datastore that values name, with its DSN from the Secret that holds it.

    Args:
        host: an open host.
        identity: the control plane.
        values: with `datastore.kind: external`.
        owner: its root Secret.

    Raises:
        NotFoundError: the Secret does not exist.
        UsageError: it holds no DSN.
    """
    own = values.datastore.external.secret_name
    files = await find_datastore_files(host, identity, values)
    name, key = (own, "endpoint") if own else (identity.tokens, DATASTORE_KEY)
    data = manifests.secret_data(await host.get(SECRET, identity.namespace, name))
    endpoint = data.get(key, "").strip()
    if not endpoint:
        raise UsageError(f"Secret {identity.namespace}/{name} holds no DSN under {key}", hint="Put it there.")
    return External(identity, values, owner, endpoint, files)


async def prove_datastore(
    host: HostApi, blueprint: Blueprint, servers: Mapping[str, Any], progress: Progress
) -> None:
    """See that an external datastore can be used, before servers start on it for the first time.

    Nothing is done for any other datastore, or for servers that have the same one already. An image that cannot be
    pulled, or a pod for which there is no node, is no reason not to go on.

    Args:
        host: an open host.
        blueprint: the control plane.
        servers: the StatefulSet that is about to be applied.
        progress: told about it.

    Raises:
        NotReadyError: the datastore cannot be used; the message says why.
        UsageError: its DSN leads where no pod gets.
    """
    values = blueprint.values
    preflight = values.datastore.external.preflight
    if values.datastore.kind != "external" or not preflight.enabled:
        return
    before = await _servers(host, blueprint.id)
    if before is not None and _source(before) == _source(servers):
        return
    external = await external_from(host, blueprint.id, values, blueprint.owner)
    await preflight_external(host, external, progress, first=before is None)


async def preflight_external(
    host: HostApi,
    external: External,
    progress: Progress = silent,
    *,
    first: bool = False,
    must_exist: bool = False,
) -> int | None:
    """Prove with a Job that an external datastore can be reached and used; nothing of it stays.

    Args:
        host: an open host.
        external: the datastore.
        progress: told about it.
        first: whether it should be empty, because nothing has run on it yet.
        must_exist: whether it is not enough that k3s may make the database.

    Returns:
        How many records k3s has there; None when the Job could not start, and nothing is proved.

    Raises:
        NotReadyError: it cannot be used; the message says why.
        ConflictError: it does not exist, and should.
    """
    database = external.database()
    seconds = int(amounts.seconds(external.values.datastore.external.preflight.timeout))
    task = preflight_task(external.id, external.values, database.engine, external.files, seconds=seconds)
    where = "the datastore" if database.engine == "etcd" else database.place
    progress(Step("preflight", "started", f"proving that {where} can be used"))
    async with _prepared(host, external, task) as job:
        end = await run_task(host, job, timeout=seconds + _START_SECONDS, log=True)
    image = database_image(external.values, database.engine)
    if end.outcome in {"not pulled", "not scheduled"}:
        why = f"the image {image} cannot be pulled" if end.outcome == "not pulled" else end.describe()
        progress(
            Step("preflight", "warning", f"{why}: whether {where} can be used is left to k3s to find out")
        )
        return None
    end.require(
        f"No server was started. Mend the datastore or its DSN and run the same command again; Job {end.job} ran "
        f"{image}. datastore.external.preflight.enabled=false goes on without it."
    )
    found = _RECORDS.search("\n".join(end.log))
    if found is None and must_exist:
        raise ConflictError(
            f"{where} does not exist; nothing was changed",
            hint="Make the database, owned by the user of the DSN.",
        )
    records = int(found[1]) if found else 0
    if first and records:
        text = (
            f"{where} holds {records} records of k3s already: k3s goes on with them if they are of the same token, "
            "else it does not start. Every control plane needs a database of its own"
        )
        progress(Step("preflight", "warning", text))
    progress(Step("preflight", "done", f"{where} can be used"))
    return records


async def dump_external(
    host: HostApi, identity: ControlPlaneId, path: Path, progress: Progress = silent
) -> Transferred:
    """Take a dump of a control plane's external database, consistent though its servers go on.

    Args:
        host: an open host.
        identity: the control plane.
        path: of the file, which is made or replaced, for its owner alone.
        progress: told about it.

    Raises:
        UsageError: it has no external database: another datastore, or an etcd of its owner's.
        NotReadyError: it did not succeed; the message says why.
    """
    external = await external_of(host, identity)
    return await dump_database(host, external, path, progress)


async def dump_database(
    host: HostApi, external: External, path: Path, progress: Progress = silent
) -> Transferred:
    """Take a dump of an external database; see `dump_external`."""
    database = _sql(external)
    identity = external.id
    task = dump_task(identity, external.values, database.engine, external.files, seconds=_DUMP_SECONDS)
    progress(Step("dump", "started", f"dumping {database.place}"))
    async with _prepared(host, external, task, anew=True) as manifest:
        job = await start_task(host, manifest)
        pod = await pod_of_task(host, job, "hold", timeout=_DUMP_SECONDS + _START_SECONDS)
        with _private(path) as stream:

            async def take(piece: bytes) -> None:
                stream.write(piece)

            done = await fetch_file(host, identity.namespace, pod, "hold", DUMP_FILE, take)
        await send_file(host, identity.namespace, pod, "hold", FETCHED_FILE, b"")
    progress(Step("dump", "done", f"dumped {database.place}: {done.size} bytes"))
    return done


async def restore_external(
    host: HostApi, identity: ControlPlaneId, path: Path, progress: Progress = silent
) -> None:
    """Put a dump in the place of what a control plane's external database holds; its servers must be stopped.

    Args:
        host: an open host.
        identity: the control plane.
        path: of the dump.
        progress: told about it.

    Raises:
        UsageError: it has no external database.
        NotReadyError: it did not succeed; the message says why.
    """
    external = await external_of(host, identity)
    await load_database(host, external, path, progress)


async def load_database(host: HostApi, external: External, path: Path, progress: Progress = silent) -> None:
    """Put a dump in the place of what an external database holds; see `restore_external`."""
    database = _sql(external)
    identity = external.id
    task = load_task(identity, external.values, database.engine, external.files, seconds=_DUMP_SECONDS)
    progress(Step("load", "started", f"loading {database.place}"))
    async with _prepared(host, external, task, anew=True) as manifest:
        job = await start_task(host, manifest)
        pod = await pod_of_task(host, job, "hold", timeout=_DUMP_SECONDS + _START_SECONDS)
        size = _size(path)
        await send_file(host, identity.namespace, pod, "hold", LOAD_FILE, _pieces(path), size)
        end = await await_task(host, job, timeout=_DUMP_SECONDS)
    end.require("The database may be half-way: run the same command again.")
    progress(Step("load", "done", f"loaded {database.place}: {size} bytes"))


@asynccontextmanager
async def _prepared(
    host: HostApi, external: External, task: Task, *, anew: bool = False
) -> AsyncIterator[dict[str, Any]]:
    """Make the Secret of a task, give its Job, and take both away at the end of the block, whatever it is.

    Args:
        host: an open host.
        external: the datastore.
        task: what is to be run.
        anew: whether a Job of an earlier attempt is of no use.
    """
    identity, database = external.id, external.database()
    job = labelled(task_job(identity, external.values, task, external.owner), external.values.labels)
    name = str(job["metadata"]["name"])
    if anew:
        await remove_task(host, identity.namespace, name)
    if database.engine != "etcd":
        manifest = database_secret(identity, task.what, database, external.files, external.owner)
        await host.apply(labelled(manifest, external.values.labels), force=True)
    try:
        yield job
    finally:
        # A failure here would hide what the Job said; the next attempt takes away what is left.
        with suppress(K3kError):
            await remove_task(host, identity.namespace, name)
        if database.engine != "etcd":
            with suppress(K3kError):
                await host.delete(SECRET, identity.namespace, name)


async def forget_tasks(host: HostApi, identity: ControlPlaneId) -> None:
    """Take away what dumps and loads that were stopped have left.

    Args:
        host: an open host.
        identity: the control plane.
    """
    for what in (DUMP, LOAD):
        await remove_task(host, identity.namespace, identity.task(what))
        await host.delete(SECRET, identity.namespace, identity.task(what))


def _sql(external: External) -> Database:
    if engine_of(external.endpoint) == "etcd":
        raise UsageError(
            f"the datastore of control plane {external.id} is an etcd that k3k does not run",
            hint="Save a snapshot of it with `etcdctl snapshot save`, where it runs.",
        )
    return external.database()


async def _servers(host: HostApi, identity: ControlPlaneId) -> dict[str, Any] | None:
    try:
        return await host.get(STATEFUL_SET, identity.namespace, identity.server)
    except NotFoundError:
        return None


def _source(servers: Mapping[str, Any]) -> Any:
    """Return from which Secret the servers of a StatefulSet have the DSN of their datastore."""
    for container in servers["spec"]["template"]["spec"]["containers"]:
        for each in container.get("env") or ():
            if each["name"] == "K3S_DATASTORE_ENDPOINT":
                reference = each["valueFrom"]["secretKeyRef"]
                return reference["name"], reference["key"]
    return None


def _private(path: Path) -> IO[bytes]:
    path.touch(mode=0o600)
    path.chmod(0o600)
    return path.open("wb")


def _size(path: Path) -> int:
    return path.stat().st_size


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece
