"""One server of several first: watched for a while under its clients, then the others follow, or it goes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k3k_core.errors import NotFoundError, NotReadyError, UnreachableError
from k3k_core.host import wait_for
from k3k_core.lifecycle.operation import Operation, advance
from k3k_core.lifecycle.probing import probe_servers
from k3k_core.lifecycle.progress import Step
from k3k_core.lifecycle.readiness import explained, trouble_of
from k3k_core.lifecycle.upgrade_apply import apply_all
from k3k_core.lifecycle.upgrade_work import Work
from k3k_core.manifests import Blueprint
from k3k_core.resources import POD, STATEFUL_SET

# Of the StatefulSet controller: which revision of the template a pod was made from.
_LABEL_REVISION = "controller-revision-hash"


class CanaryError(NotReadyError):
    """The server that was tried first does not work."""


async def run_canary(work: Work, blueprint: Blueprint, before: frozenset[str], note: Operation) -> None:
    """Replace the server of the highest number, watch it, then note that the others may follow.

    Args:
        work: the upgrade.
        blueprint: the control plane as it is to become.
        before: uids of the pods that were there before.
        note: of the upgrade.

    Raises:
        CanaryError: it is not ready in time, starts again, is not ready any more, or cannot be used.
    """
    identity, servers = work.id, blueprint.values.servers
    pod = f"{identity.server}-{servers - 1}"
    subject = f"Pod/{pod}"
    await apply_all(work, blueprint, before, partition=servers - 1)
    work.progress(Step("canary", "started", f"{pod} goes first", subject))
    try:
        uid = await _ready(work, pod)
        work.progress(
            Step("canary", "started", f"watching {pod} for {work.request.canary_time:g} s", subject)
        )
        await _watch(work, pod, uid)
        await probe_servers(work.host, identity, blueprint.admin_kubeconfig, (pod,))
    except NotReadyError as error:
        if isinstance(error, CanaryError):
            raise
        raise CanaryError(error.message, hint=error.hint) from None
    work.progress(Step("canary", "done", f"{pod} works, the others follow", subject))
    await advance(work.host, identity, note, "others")


async def _ready(work: Work, name: str) -> str:
    """Wait until the pod is of the newest template and ready; return its uid."""
    identity = work.id
    revision = await _update_revision(work)

    def ready(pods: Mapping[str, dict[str, Any]]) -> str | None:
        pod = pods.get(name)
        if pod is None or (pod["metadata"].get("labels") or {}).get(_LABEL_REVISION) != revision:
            return None
        return str(pod["metadata"]["uid"]) if _is_ready(pod) else None

    try:
        return await wait_for(
            work.host,
            POD,
            identity.namespace,
            ready,
            fields=f"metadata.name={name}",
            timeout=work.left(),
            what=f"Server {name} of control plane {identity}",
        )
    except NotReadyError as error:
        raise await explained(work.host, identity, error, verb=work.request.verb) from None


async def _update_revision(work: Work) -> str:
    """Return the name of the newest template's revision, once the controller has seen it."""
    name = work.id.server

    def seen(sets: Mapping[str, dict[str, Any]]) -> str | None:
        found = sets.get(name)
        if found is None:
            return None
        status = found.get("status", {})
        newest = int(status.get("observedGeneration", 0)) >= int(found["metadata"].get("generation", 0))
        return status.get("updateRevision") if newest else None

    return await wait_for(
        work.host,
        STATEFUL_SET,
        work.id.namespace,
        seen,
        fields=f"metadata.name={name}",
        timeout=work.left(),
        what=f"StatefulSet {name}",
    )


async def _watch(work: Work, name: str, uid: str) -> None:
    """See that the pod stays as it is: ready, the same, and never started again.

    Raises:
        CanaryError: it does not.
    """
    restarts = _restarts(await _pod(work, name))

    def stays(pods: Mapping[str, dict[str, Any]]) -> None:
        pod = pods.get(name)
        if pod is None or str(pod["metadata"]["uid"]) != uid:
            raise CanaryError(f"server {name} of control plane {work.id} was lost while it was watched")
        if _restarts(pod) > restarts:
            raise CanaryError(f"server {name} of control plane {work.id} started again while it was watched")
        if not _is_ready(pod):
            why = trouble_of(pod) or "its readiness probe fails"
            raise CanaryError(
                f"server {name} of control plane {work.id} was not ready any more while it was watched: {why}"
            )

    try:
        await wait_for(
            work.host,
            POD,
            work.id.namespace,
            stays,
            fields=f"metadata.name={name}",
            timeout=work.request.canary_time,
            what=name,
        )
    except CanaryError:
        raise
    except (NotReadyError, UnreachableError):
        # The time is over. What a host in trouble did not tell meanwhile is asked once more.
        pass
    stays({name: await _pod(work, name)})


async def _pod(work: Work, name: str) -> dict[str, Any]:
    try:
        return await work.host.get(POD, work.id.namespace, name)
    except NotFoundError:
        raise CanaryError(f"server {name} of control plane {work.id} was lost while it was watched") from None


def _restarts(pod: Mapping[str, Any]) -> int:
    return sum(
        int(each.get("restartCount", 0)) for each in pod.get("status", {}).get("containerStatuses") or ()
    )


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    going = "deletionTimestamp" in pod["metadata"]
    return not going and any(
        each.get("type") == "Ready" and each.get("status") == "True" for each in conditions
    )
