"""ReplicaSets: as many pods as asked for, whichever they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k3k_core.resources import POD, Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.api.store_errors import ObjectExistsError
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, Client, RefusedError, owner_reference
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.kinds import REPLICA_SET
from k3k_core.sandbox.controllers.ownership import owned_by, owner_keys
from k3k_core.sandbox.controllers.pods import is_ready, is_terminating, phase
from k3k_core.sandbox.controllers.runtime import Key

COMPONENT = "replicaset-controller"
_RETRY_REFUSED = 5.0


class ReplicaSetController:
    """Makes and deletes the pods of ReplicaSets.

    Args:
        client: reads and writes.
        events: for what is done.
    """

    watches: tuple[Resource, ...] = (REPLICA_SET, POD)

    def __init__(self, client: Client, events: EventRecorder) -> None:
        self._client = client
        self._store = client.store
        self._events = events

    def keys(self, change: Change) -> Iterable[Key]:
        """The set itself, or the one that owns a changed pod."""
        return owner_keys(change, REPLICA_SET)

    def reconcile(self, key: Key) -> float | None:
        """Bring one set to its number of pods."""
        replica_set = self._store.get(REPLICA_SET, key[0], key[1])
        if replica_set is None or is_terminating(replica_set):
            return None
        pods = self._pods_of(replica_set)
        wanted = int(replica_set["spec"].get("replicas", 1))
        retry = None
        for _ in range(wanted - len(pods)):
            made = self._create(replica_set)
            if made is None:
                retry = _RETRY_REFUSED
                break
            pods.append(made)
        # Pods that are not ready go first, then the youngest.
        order = sorted(pods, key=lambda pod: (is_ready(pod), pod["metadata"]["resourceVersion"]))
        for pod in order[: max(0, len(pods) - wanted)]:
            self._delete(replica_set, pod)
            pods.remove(pod)
        self._report(replica_set, pods)
        return retry

    def _pods_of(self, replica_set: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            pod
            for pod in owned_by(self._store, replica_set, POD)
            if not is_terminating(pod) and phase(pod) not in {"Failed", "Succeeded"}
        ]

    def _create(self, replica_set: dict[str, Any]) -> dict[str, Any] | None:
        meta, template = replica_set["metadata"], replica_set["spec"]["template"]
        pod_meta: dict[str, Any] = {
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": dict(template.get("metadata", {}).get("labels") or {}),
            "ownerReferences": [owner_reference(replica_set, REPLICA_SET)],
        }
        annotations = template.get("metadata", {}).get("annotations")
        if annotations:
            pod_meta["annotations"] = dict(annotations)
        try:
            pod = self._client.create(
                POD, {"metadata": pod_meta, "spec": clone(template["spec"])}, manager=CONTROLLER_MANAGER
            )
        except (RefusedError, ObjectExistsError) as error:
            self._events.warning(replica_set, "FailedCreate", f"Error creating: {error}", component=COMPONENT)
            return None
        self._events.normal(
            replica_set, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", component=COMPONENT
        )
        return pod

    def _delete(self, replica_set: dict[str, Any], pod: dict[str, Any]) -> None:
        self._client.delete(POD, pod)
        message = f"Deleted pod: {pod['metadata']['name']}"
        self._events.normal(replica_set, "SuccessfulDelete", message, component=COMPONENT)

    def _report(self, replica_set: dict[str, Any], pods: list[dict[str, Any]]) -> None:
        ready = sum(is_ready(pod) for pod in pods)
        counts = {
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": ready,
            "availableReplicas": ready,
        }
        status: dict[str, Any] = {
            "replicas": len(pods),
            **{name: value for name, value in counts.items() if value},
            "observedGeneration": replica_set["metadata"].get("generation", 1),
        }
        self._client.set_status(REPLICA_SET, replica_set, status, manager=CONTROLLER_MANAGER)
