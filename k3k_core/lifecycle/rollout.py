"""Waiting until the pods of a StatefulSet run its newest specification, telling about each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k3k_core.errors import ConflictError, K3kError, NotReadyError
from k3k_core.host import HostApi, wait_for
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.lifecycle.readiness import explained, trouble_of
from k3k_core.names import LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import POD, STATEFUL_SET


@dataclass(frozen=True, slots=True)
class Rollout:
    """What is waited for.

    Attributes:
        id: the control plane.
        workload: name of the StatefulSet.
        replicas: pods it is to have.
        before: uids of the pods that are to be replaced; they are not told about.
        verb: the verb that goes on waiting when it is run again, e.g. "upgrade".
    """

    id: ControlPlaneId
    workload: str
    replicas: int
    before: frozenset[str]
    verb: str


async def servers_of(host: HostApi, identity: ControlPlaneId) -> frozenset[str]:
    """Return the uids of a control plane's pods.

    Args:
        host: an open host.
        identity: the control plane.
    """
    labels = f"{LABEL_CONTROL_PLANE}={identity.name}"
    listing = await host.list(POD, identity.namespace, labels=labels, metadata_only=True)
    return frozenset(str(item["metadata"].get("uid", "")) for item in listing.items)


async def wait_for_rollout(host: HostApi, rollout: Rollout, *, timeout: float, progress: Progress) -> None:
    """Wait until every pod of a StatefulSet runs its newest specification and is ready.

    Args:
        host: an open host.
        rollout: what is waited for.
        timeout: seconds.
        progress: told about each pod that is ready again, and about pods in trouble.

    Raises:
        NotReadyError: not ready in time; the message names the pods and their trouble.
        ConflictError: the StatefulSet was deleted meanwhile.
    """
    identity, name = rollout.id, rollout.workload

    def complete(objects: Mapping[str, dict[str, Any]]) -> bool | None:
        if name not in objects:
            raise ConflictError(
                f"StatefulSet {identity.namespace}/{name} was deleted while its pods were waited for",
                hint="Somebody else works on this control plane; `k3k list` shows what there is.",
            )
        return True if is_complete(objects[name], rollout.replicas) else None

    teller = asyncio.create_task(_tell(host, rollout, timeout, progress))
    try:
        await wait_for(
            host,
            STATEFUL_SET,
            identity.namespace,
            complete,
            fields=f"metadata.name={name}",
            timeout=max(timeout, 1.0),
            what=f"Control plane {identity}",
        )
    except NotReadyError as error:
        raise await explained(host, identity, error, verb=rollout.verb) from None
    finally:
        teller.cancel()
        await asyncio.gather(teller, return_exceptions=True)


def is_complete(stateful_set: Mapping[str, Any], replicas: int) -> bool:
    """Tell whether a StatefulSet has exactly the pods it should, all of the newest specification and ready.

    Args:
        stateful_set: as the host stores it.
        replicas: pods it should have.
    """
    status = stateful_set.get("status", {})
    counts = {key: int(status.get(key) or 0) for key in ("replicas", "readyReplicas", "updatedReplicas")}
    seen = int(status.get("observedGeneration", 0)) >= int(stateful_set["metadata"].get("generation", 0))
    return seen and all(count == replicas for count in counts.values())


async def _tell(host: HostApi, rollout: Rollout, timeout: float, progress: Progress) -> None:
    """Tell about every new pod when it is ready, and about every trouble once."""
    ready: set[str] = set()
    told: set[tuple[str, str]] = set()

    def look(pods: Mapping[str, dict[str, Any]]) -> None:
        for name, pod in sorted(pods.items()):
            uid = str(pod["metadata"].get("uid", ""))
            if uid in rollout.before or not name.startswith(f"{rollout.workload}-"):
                continue
            trouble = trouble_of(pod)
            key = (name, trouble.partition(":")[0])
            if trouble and key not in told:
                told.add(key)
                progress(Step("server", "warning", f"pod {name}: {trouble}", f"Pod/{name}"))
            elif uid not in ready and _is_ready(pod):
                ready.add(uid)
                count = f"{len(ready)} of {rollout.replicas}"
                progress(Step("server", "done", f"{name} is ready ({count})", f"Pod/{name}"))

    # Only a companion of the real wait: what it cannot see, the real wait reports.
    try:
        await wait_for(
            host,
            POD,
            rollout.id.namespace,
            look,
            labels=f"{LABEL_CONTROL_PLANE}={rollout.id.name}",
            timeout=max(timeout, 1.0),
            what="pods",
        )
    except K3kError:
        return


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    going = "deletionTimestamp" in pod["metadata"]
    return not going and any(
        each.get("type") == "Ready" and each.get("status") == "True" for each in conditions
    )
