"""Mounting a volume for the time of a block: a pod that waits, made and taken away again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from k3k_core.errors import ConflictError, K3kError, NotFoundError, NotReadyError, UnreachableError
from k3k_core.host import HostApi, wait_for
from k3k_core.lifecycle.readiness import trouble_of
from k3k_core.resources import POD

_ATTEMPTS = 4
_ENDED = ("Succeeded", "Failed")


@asynccontextmanager
async def mounted(host: HostApi, pod: Mapping[str, Any], *, timeout: float = 180.0) -> AsyncIterator[str]:
    """Run a pod for the time of a block; one that an earlier run has left is used again.

    Args:
        host: an open host.
        pod: as `manifests.volume_pods.volume_pod` makes it.
        timeout: seconds to wait until it runs.

    Yields:
        The pod's name.

    Raises:
        NotReadyError: it does not come to run; the message says why.
        K3kError: the host refuses or does not answer.
    """
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    await _ensure(host, pod)
    try:
        await _wait_until_running(host, namespace, name, timeout=timeout)
        yield name
    finally:
        await remove_pod(host, namespace, name, wait=False)


async def remove_pod(
    host: HostApi, namespace: str, name: str, *, wait: bool = True, timeout: float = 60.0
) -> None:
    """Delete a pod; one that is gone already is no failure.

    Args:
        host: an open host.
        namespace: of the pod.
        name: of the pod.
        wait: whether to wait until it is gone.
        timeout: seconds to wait.
    """
    there = await host.delete(POD, namespace, name)
    if not (there and wait):
        return
    await wait_for(
        host,
        POD,
        namespace,
        lambda pods: None if name in pods else True,
        fields=f"metadata.name={name}",
        timeout=timeout,
        what=f"The end of Pod {namespace}/{name}",
    )


async def _ensure(host: HostApi, pod: Mapping[str, Any]) -> None:
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    lost: K3kError | None = None
    for _ in range(_ATTEMPTS):
        found = await _find(host, namespace, name)
        if found is not None and _usable(found, pod):
            return
        if found is not None:
            await remove_pod(host, namespace, name)
        try:
            await host.create(pod)
            return
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise
        except UnreachableError as error:
            # The answer was lost: the next look tells whether it exists.
            lost = error
    raise lost or ConflictError(
        f"Pod {namespace}/{name} keeps coming and going",
        hint="Somebody else works on these backups; run the same command again.",
    )


async def _find(host: HostApi, namespace: str, name: str) -> dict[str, Any] | None:
    try:
        return await host.get(POD, namespace, name)
    except NotFoundError:
        return None


def _usable(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a pod that is there mounts the same volume and will not end soon."""
    ended = found.get("status", {}).get("phase") in _ENDED
    return not ended and "deletionTimestamp" not in found["metadata"] and _claim(found) == _claim(wanted)


def _claim(pod: Mapping[str, Any]) -> str:
    for volume in pod["spec"].get("volumes") or ():
        if "persistentVolumeClaim" in volume:
            return str(volume["persistentVolumeClaim"]["claimName"])
    return ""


async def _wait_until_running(host: HostApi, namespace: str, name: str, *, timeout: float) -> None:
    trouble = ""

    def running(pods: Mapping[str, dict[str, Any]]) -> bool | None:
        nonlocal trouble
        pod = pods.get(name)
        if pod is None:
            raise ConflictError(f"Pod {namespace}/{name} was deleted", hint="Run the same command again.")
        trouble = trouble_of(pod)
        phase = pod.get("status", {}).get("phase")
        if phase in _ENDED:
            raise NotReadyError(f"Pod {namespace}/{name} ended at once.", hint="Run the same command again.")
        return True if phase == "Running" else None

    try:
        await wait_for(
            host,
            POD,
            namespace,
            running,
            fields=f"metadata.name={name}",
            timeout=timeout,
            what=f"Pod {namespace}/{name}",
        )
    except NotReadyError as error:
        detail = f": {trouble}" if trouble else ""
        raise NotReadyError(
            f"{error.message}{detail}",
            hint="A volume that only one node or one pod may mount has to be free; then run the same command again.",
        ) from None
