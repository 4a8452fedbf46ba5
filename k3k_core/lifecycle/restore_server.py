"""Giving a server of sqlite its database: its init container waits for it, with or without a volume."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from k3k_core.backups.archive import file_sha256
from k3k_core.errors import ConflictError, K3kError, NotFoundError, NotReadyError
from k3k_core.host import HostApi, wait_for
from k3k_core.lifecycle.backup_volume import pieces_of
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.lifecycle.readiness import refused_pods, trouble_of
from k3k_core.lifecycle.transfer import fetch_bytes, send_file
from k3k_core.manifests import Manifest, OwnerReference
from k3k_core.manifests.metadata import metadata
from k3k_core.manifests.servers import PREPARE_CONTAINER, RESTORE_FOLDER, RESTORE_KEY
from k3k_core.names import COMPONENT_SERVER, ControlPlaneId
from k3k_core.resources import CONFIG_MAP, POD

if TYPE_CHECKING:
    from k3k_core.values import Values

_K3S = "k3s"
# Seconds in which a server that has its database shows that it has started.
_GOING_ON = 20.0


def restore_config(identity: ControlPlaneId, owner: OwnerReference, restore: str) -> Manifest:
    """Return the ConfigMap that has a starting server wait for what is restored.

    Args:
        identity: the control plane.
        owner: its root Secret.
        restore: id of the restore; a server that has it already does not wait.
    """
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(identity, identity.restore, COMPONENT_SERVER, owner),
        "data": {RESTORE_KEY: restore},
    }


async def give_database(
    host: HostApi,
    identity: ControlPlaneId,
    values: Values,
    restore: str,
    database: Path,
    *,
    timeout: float,
    progress: Progress,
) -> None:
    """Send the database to the server that waits for it, and have it go on; one that has it already is left alone.

    Args:
        host: an open host.
        identity: the control plane, whose server was asked for.
        values: its values.
        restore: id of the restore, as in its ConfigMap.
        database: the file.
        timeout: seconds to wait for the server.
        progress: told about it.

    Raises:
        NotReadyError: the server's pod does not come up; the message says why.
        ConflictError: it started without waiting.
        K3kError: the database does not arrive.
    """
    deadline = time.monotonic() + timeout
    pod = f"{identity.server}-0"
    subject = f"Pod/{pod}"
    progress(Step("restore", "started", f"waiting for {pod} to ask for the database", subject))
    state = await _wait_for_pod(host, identity, pod, timeout=timeout)
    folder = f"{values.k3s.data_dir}/{RESTORE_FOLDER}"
    if state == "waiting":
        digest = await asyncio.to_thread(file_sha256, database)
        size = (await asyncio.to_thread(database.stat)).st_size
        progress(Step("restore", "started", f"sending {size} bytes to {pod}", subject))
        try:
            await send_file(
                host,
                identity.namespace,
                pod,
                PREPARE_CONTAINER,
                f"{folder}/state.db",
                pieces_of(database),
                size,
                sha256=digest,
            )
            go = f"{folder}/go"
            await send_file(host, identity.namespace, pod, PREPARE_CONTAINER, go, f"{restore}\n".encode())
        except K3kError as error:
            # Perhaps it had all it needed from an earlier attempt: then it ends while one talks to it.
            await _see_gone_on(
                host, identity, pod, error, timeout=min(_GOING_ON, deadline - time.monotonic())
            )
            progress(Step("restore", "skipped", f"{pod} has gone on", subject))
    left = max(deadline - time.monotonic(), 1.0)
    await _wait_for_pod(host, identity, pod, timeout=left, gone_on=True)
    marker = f"{values.k3s.data_dir}/server/.k3k-restored"
    try:
        found = (await fetch_bytes(host, identity.namespace, pod, _K3S, marker, limit=4096)).decode().strip()
    except NotFoundError:
        found = ""
    if found != restore:
        raise ConflictError(
            f"the server of {identity} started without waiting for its database",
            hint="Its pod is of an earlier k3k; `k3k upgrade` it first, then run the same command again.",
        )
    progress(Step("restore", "done", f"{pod} has the database", subject))


async def forget_restore(host: HostApi, identity: ControlPlaneId) -> None:
    """Remove what has a starting server wait.

    Args:
        host: an open host.
        identity: the control plane.
    """
    await host.delete(CONFIG_MAP, identity.namespace, identity.restore)


async def _see_gone_on(
    host: HostApi, identity: ControlPlaneId, pod: str, error: K3kError, *, timeout: float
) -> None:
    """See that a server's pod is beyond its init container.

    Raises:
        K3kError: the one that was given: it is not.
    """
    try:
        await _wait_for_pod(host, identity, pod, timeout=max(timeout, 1.0), gone_on=True)
    except NotReadyError:
        raise error from None


async def _wait_for_pod(
    host: HostApi, identity: ControlPlaneId, pod: str, *, timeout: float, gone_on: bool = False
) -> Literal["waiting", "running"]:
    """Wait until a server's pod waits in its init container, or is beyond that."""
    trouble = ""

    def state(pods: Mapping[str, dict[str, Any]]) -> Literal["waiting", "running"] | None:
        nonlocal trouble
        found = pods.get(pod)
        if found is None or "deletionTimestamp" in found["metadata"]:
            return None
        trouble = trouble_of(found)
        status = found.get("status", {})
        if _running(status.get("containerStatuses"), _K3S):
            return "running"
        waits = _running(status.get("initContainerStatuses"), PREPARE_CONTAINER)
        return "waiting" if waits and not gone_on else None

    try:
        return await wait_for(
            host,
            POD,
            identity.namespace,
            state,
            fields=f"metadata.name={pod}",
            timeout=timeout,
            what=f"Pod {identity.namespace}/{pod}",
        )
    except NotReadyError as error:
        detail = "\n".join(
            [error.message, *([f"  {trouble}"] if trouble else []), *await refused_pods(host, identity)]
        )
        raise NotReadyError(detail, hint="The same command, run again, goes on.") from None


def _running(statuses: object, name: str) -> bool:
    return isinstance(statuses, list) and any(
        each.get("name") == name and "running" in (each.get("state") or {}) for each in statuses
    )
