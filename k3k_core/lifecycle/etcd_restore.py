"""Putting a snapshot in the place of all that a dedicated etcd holds.

Every member gets the same snapshot on its volume, from a Job of its own, while none of them runs; then they start and
are a new cluster under the old names. Every step can be repeated.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k3k_core.concurrency import all_of
from k3k_core.datastores.etcd_cluster import open_etcd
from k3k_core.datastores.etcd_stream import TakenSnapshot, check_snapshot
from k3k_core.errors import ConflictError, NotReadyError
from k3k_core.host import HostApi, wait_for
from k3k_core.lifecycle.claim import owner_of, stored_values
from k3k_core.lifecycle.etcd_state import note_restored, restored
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.readiness import trouble_of
from k3k_core.lifecycle.scaling import scale, start_pods, stop_pods
from k3k_core.lifecycle.tasks import await_task, remove_task, start_task
from k3k_core.lifecycle.transfer import send_file
from k3k_core.manifests.etcd_restore import RECEIVER, restore_job, snapshot_path
from k3k_core.names import COMPONENT_ETCD, LABEL_COMPONENT, LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, POD
from k3k_core.values import Values

_NEVER = ("ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName")
_PIECE = 1024 * 1024
_AGAIN = "Run the same command again: it goes on with it."


@dataclass(frozen=True, slots=True)
class EtcdRestore:
    """What is restored, and how.

    Attributes:
        id: the control plane; none of its servers may run.
        path: the snapshot.
        attempt: names this restore, so that one which was stopped is gone on with; empty: everything is done anew.
        bump: whether revisions go up by more than any client can have seen, where etcd's version can. Only a snapshot
            that is certain to be the newest there ever was needs none.
        verb: the verb that goes on with it, for messages.
        timeout: seconds for all of it.
    """

    id: ControlPlaneId
    path: Path
    attempt: str = ""
    bump: bool = True
    verb: str = "backup restore"
    timeout: float = 1800.0


async def restore_etcd(
    host: HostApi,
    identity: ControlPlaneId,
    path: Path,
    progress: Progress = silent,
    *,
    attempt: str = "",
    bump: bool = True,
    verb: str = "backup restore",
    timeout: float = 1800.0,
) -> None:
    """Restore every member of a dedicated etcd from a snapshot and wait until all of them work.

    Args:
        host: an open host.
        identity: the control plane; none of its servers may run.
        path: of the snapshot.
        progress: told about each step.
        attempt: names this restore; see `EtcdRestore`.
        bump: see `EtcdRestore`.
        verb: the verb that goes on with it, for messages.
        timeout: seconds for all of it.

    Raises:
        UsageError: the file is no snapshot, or damaged; nothing was changed.
        ConflictError: the members keep their data in their pods; nothing was changed.
        NotReadyError: a Job or a member does not come up; the same call goes on.
        K3kError: the host refuses or does not answer.
    """
    request = EtcdRestore(identity, path, attempt, bump, verb, timeout)
    snapshot = check_snapshot(path)
    root = await find_root(host, identity)
    values = stored_values(root).values
    refuse_without_volumes(identity, values)
    work = _Work(host, request, root, values, snapshot, progress)
    members = values.datastore.etcd.members
    if attempt and await restored(host, identity) == attempt:
        # Members may have written since: none of them is restored twice.
        progress(Step("restore", "skipped", "every member has the snapshot on its volume already"))
    else:
        await work.claims()
        await stop_pods(host, identity, COMPONENT_ETCD, timeout=work.left(), progress=progress)
        progress(Step("restore", "started", f"restoring {members} etcd members"))
        await all_of([work.member(number) for number in range(members)])
        await note_restored(host, identity, attempt)
        progress(Step("restore", "done", "every member has the snapshot on its volume"))
    await start_pods(
        host, identity, COMPONENT_ETCD, members, timeout=work.left(), verb=request.verb, progress=progress
    )
    async with open_etcd(host, identity) as etcd:
        view = await etcd.look()
    if len(view.healthy) < members:
        raise NotReadyError(
            f"{len(view.healthy)} of {members} restored etcd members of {identity} work",
            hint=f"`k3k etcd status {identity.name} -n {identity.namespace}` shows each.",
        )
    await all_of([work.forget(number) for number in range(members)])


def refuse_without_volumes(identity: ControlPlaneId, values: Values) -> None:
    """See that the members have volumes a snapshot can be put on.

    Args:
        identity: the control plane.
        values: its values.

    Raises:
        ConflictError: they have none.
    """
    if not values.persistence.enabled:
        raise ConflictError(
            f"the etcd of control plane {identity} keeps its data in its pods: there is no volume to restore to; "
            "nothing was changed",
            hint="Restore it under another name, with `persistence.enabled: true` and a storage class.",
        )


class _Work:
    """The steps of one restore."""

    def __init__(
        self,
        host: HostApi,
        request: EtcdRestore,
        root: Mapping[str, Any],
        values: Values,
        snapshot: TakenSnapshot,
        progress: Progress,
    ) -> None:
        self._host = host
        self._request = request
        self._root = root
        self._values = values
        self._snapshot = snapshot
        self._progress = progress
        self._deadline = time.monotonic() + request.timeout

    def left(self) -> float:
        """Return the seconds that are left."""
        return max(self._deadline - time.monotonic(), 1.0)

    async def claims(self) -> None:
        """See that every member has a volume: pods that are scheduled as members get theirs where it should be."""
        identity, members = self._request.id, self._values.datastore.etcd.members
        labels = f"{LABEL_CONTROL_PLANE}={identity.name},{LABEL_COMPONENT}={COMPONENT_ETCD}"
        wanted = {f"data-{identity.etcd}-{number}" for number in range(members)}
        listing = await self._host.list(PERSISTENT_VOLUME_CLAIM, identity.namespace, labels=labels)
        if wanted <= {claim["metadata"]["name"] for claim in listing.items if _bound(claim)}:
            return
        await scale(self._host, identity, identity.etcd, members)

        def bound(claims: Mapping[str, dict[str, Any]]) -> bool | None:
            return wanted <= {name for name, claim in claims.items() if _bound(claim)} or None

        await wait_for(
            self._host,
            PERSISTENT_VOLUME_CLAIM,
            identity.namespace,
            bound,
            labels=labels,
            timeout=self.left(),
            what=f"A volume for every etcd member of {identity}",
        )

    async def member(self, number: int) -> None:
        """Restore one member."""
        request, namespace = self._request, self._request.id.namespace
        job = restore_job(
            request.id,
            self._values,
            number,
            sha256=self._snapshot.sha256,
            attempt=request.attempt,
            bump=request.bump,
            owner=owner_of(self._root),
        )
        name = job["metadata"]["name"]
        if not request.attempt:
            await remove_task(self._host, namespace, name)
        started = await start_task(self._host, job)
        if pod := await self._waiting_for_snapshot(started):
            await send_file(
                self._host,
                namespace,
                pod,
                RECEIVER,
                snapshot_path(self._snapshot.sha256),
                _pieces(request.path),
                self._snapshot.size,
                timeout=self.left(),
            )
        end = await await_task(self._host, started, timeout=self.left())
        end.require(_AGAIN)
        self._progress(Step("member", "done", f"restored {request.id.etcd}-{number}", f"Job/{name}"))

    async def _waiting_for_snapshot(self, job: Mapping[str, Any]) -> str:
        """Return the pod that waits for the snapshot; empty when it is further, or will never wait for it."""
        name = job["metadata"]["name"]
        if _succeeded(job):
            return ""
        return await wait_for(
            self._host,
            POD,
            self._request.id.namespace,
            _receiving,
            labels=f"batch.kubernetes.io/job-name={name}",
            timeout=self.left(),
            what=f"The pod of Job {name}",
        )

    async def forget(self, number: int) -> None:
        """Remove the Job of a member."""
        name = self._request.id.task(f"etcd-restore-{number}")
        await remove_task(self._host, self._request.id.namespace, name)


def _receiving(pods: Mapping[str, dict[str, Any]]) -> str | None:
    """Return the pod whose receiver runs, "" when it has ended or cannot start; None while that is open."""
    for name, pod in pods.items():
        status = pod.get("status", {})
        for container in status.get("initContainerStatuses") or ():
            state = container.get("state") or {}
            if container.get("name") == RECEIVER and "running" in state:
                return name
            if container.get("name") == RECEIVER and "terminated" in state:
                return ""
        # Why it cannot, the wait for the Job's end tells.
        if status.get("phase") in {"Failed", "Succeeded"} or trouble_of(pod).startswith(_NEVER):
            return ""
    return None


def _bound(claim: Mapping[str, Any]) -> bool:
    going = "deletionTimestamp" in claim["metadata"]
    return claim.get("status", {}).get("phase") == "Bound" and not going


def _succeeded(job: Mapping[str, Any]) -> bool:
    conditions = job.get("status", {}).get("conditions") or ()
    return any(each.get("type") == "Complete" and each.get("status") == "True" for each in conditions)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
