"""Deployments: a ReplicaSet for each pod template, rolled over within the limits of the strategy."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from k3k_core.resources import DEPLOYMENT, POD, Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.objects import clone, timestamp
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, Client, controller_of, owner_reference
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.kinds import REPLICA_SET
from k3k_core.sandbox.controllers.ownership import owned_by, owner_keys
from k3k_core.sandbox.controllers.pods import condition, is_terminating
from k3k_core.sandbox.controllers.revisions import revision_hash
from k3k_core.sandbox.controllers.runtime import Key

COMPONENT = "deployment-controller"
HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"


class DeploymentController:
    """Makes and scales the ReplicaSets of Deployments.

    Args:
        client: reads and writes.
        events: for what is done.
    """

    watches: tuple[Resource, ...] = (DEPLOYMENT, REPLICA_SET, POD)

    def __init__(self, client: Client, events: EventRecorder) -> None:
        self._client = client
        self._store = client.store
        self._events = events

    def keys(self, change: Change) -> Iterable[Key]:
        """The Deployment, or the one that owns a changed ReplicaSet or lost a pod."""
        if found := owner_keys(change, DEPLOYMENT):
            return found
        owner = controller_of(change.object)
        if change.type != "DELETED" or owner is None or owner["kind"] != "ReplicaSet":
            return ()
        namespace = change.object["metadata"]["namespace"]
        parent = self._store.get(REPLICA_SET, namespace, owner["name"])
        above = controller_of(parent) if parent is not None else None
        return ((namespace, above["name"]),) if above else ()

    def reconcile(self, key: Key) -> float | None:
        """Bring one Deployment a step further; every step it takes leads to the next look."""
        deployment = self._store.get(DEPLOYMENT, key[0], key[1])
        if deployment is None or is_terminating(deployment):
            return None
        sets = self._sets_of(deployment)
        name = self._name_of(deployment)
        new = next((each for each in sets if each["metadata"]["name"] == name), None)
        old = [each for each in sets if each["metadata"]["name"] != name]
        if new is None:
            if deployment["spec"].get("paused"):
                self._report(deployment, None, old)
                return None
            new = self._create(deployment, name, old)
        self._scale(deployment, new, old)
        self._report(deployment, self._store.get(REPLICA_SET, key[0], name), old)
        self._clean_up(deployment, old)
        return None

    def _sets_of(self, deployment: dict[str, Any]) -> list[dict[str, Any]]:
        return [each for each in owned_by(self._store, deployment, REPLICA_SET) if not is_terminating(each)]

    def _name_of(self, deployment: dict[str, Any]) -> str:
        data = {"template": deployment["spec"]["template"]}
        return f"{deployment['metadata']['name']}-{revision_hash(data, 0)}"

    def _create(self, deployment: dict[str, Any], name: str, old: list[dict[str, Any]]) -> dict[str, Any]:
        spec, meta = deployment["spec"], deployment["metadata"]
        digest = name.removeprefix(f"{meta['name']}-")
        template = clone(spec["template"])
        template.setdefault("metadata", {}).setdefault("labels", {})[HASH_LABEL] = digest
        selector = clone(spec["selector"])
        selector.setdefault("matchLabels", {})[HASH_LABEL] = digest
        revision = str(1 + max((_revision(each) for each in old), default=0))
        made = self._client.create(
            REPLICA_SET,
            {
                "metadata": {
                    "name": name,
                    "namespace": meta["namespace"],
                    "labels": dict(template["metadata"]["labels"]),
                    "annotations": {REVISION: revision},
                    "ownerReferences": [owner_reference(deployment, DEPLOYMENT)],
                },
                "spec": {"replicas": 0, "selector": selector, "template": template},
            },
            manager=CONTROLLER_MANAGER,
        )

        def number(changed: dict[str, Any]) -> None:
            changed["metadata"].setdefault("annotations", {})[REVISION] = revision

        self._client.change(DEPLOYMENT, deployment, number, manager=CONTROLLER_MANAGER)
        return made

    def _scale(self, deployment: dict[str, Any], new: dict[str, Any], old: list[dict[str, Any]]) -> None:
        wanted = int(deployment["spec"].get("replicas", 1))
        strategy = deployment["spec"].get("strategy") or {}
        if strategy.get("type") == "Recreate":
            for each in old:
                self._set_replicas(deployment, each, 0)
            if not any((each.get("status") or {}).get("replicas") for each in old):
                self._set_replicas(deployment, new, wanted)
            return
        rolling = strategy.get("rollingUpdate") or {}
        surge = _share(rolling.get("maxSurge", "25%"), wanted, up=True)
        missing = _share(rolling.get("maxUnavailable", "25%"), wanted, up=False)
        others = sum(int(each["spec"].get("replicas", 0)) for each in old)
        self._set_replicas(deployment, new, max(0, min(wanted, wanted + max(surge, 1 - missing) - others)))
        current = self._store.get(REPLICA_SET, new["metadata"]["namespace"], new["metadata"]["name"])
        available = sum(
            int((each.get("status") or {}).get("availableReplicas", 0)) for each in (current or new, *old)
        )
        spare = available - (wanted - missing)
        for each in old:
            replicas = int(each["spec"].get("replicas", 0))
            broken = replicas - int((each.get("status") or {}).get("availableReplicas", 0))
            less = min(replicas, broken + max(0, spare))
            spare -= max(0, less - broken)
            self._set_replicas(deployment, each, replicas - less)

    def _set_replicas(self, deployment: dict[str, Any], replica_set: dict[str, Any], number: int) -> None:
        before = int(replica_set["spec"].get("replicas", 0))
        if before == number:
            return

        def edit(changed: dict[str, Any]) -> None:
            changed["spec"]["replicas"] = number

        self._client.change(REPLICA_SET, replica_set, edit, manager=CONTROLLER_MANAGER)
        direction = "up" if number > before else "down"
        self._events.normal(
            deployment,
            "ScalingReplicaSet",
            f"Scaled {direction} replica set {replica_set['metadata']['name']} from {before} to {number}",
            component=COMPONENT,
        )

    def _report(
        self, deployment: dict[str, Any], new: dict[str, Any] | None, old: list[dict[str, Any]]
    ) -> None:
        def total(field: str, sets: Iterable[dict[str, Any]]) -> int:
            return sum(int((each.get("status") or {}).get(field, 0)) for each in sets)

        every = [*([new] if new else ()), *old]
        wanted = int(deployment["spec"].get("replicas", 1))
        available = total("availableReplicas", every)
        updated = total("replicas", [new] if new else ())
        counts = {
            "replicas": total("replicas", every),
            "updatedReplicas": updated,
            "readyReplicas": total("readyReplicas", every),
            "availableReplicas": available,
            "unavailableReplicas": max(0, wanted - available),
        }
        missing = _share(
            ((deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}).get("maxUnavailable", 0),
            wanted,
            up=False,
        )
        enough = available >= wanted - missing
        complete = updated == wanted == available == counts["replicas"]
        current = self._store.get(
            DEPLOYMENT, deployment["metadata"]["namespace"], deployment["metadata"]["name"]
        )
        generation = (current or deployment)["metadata"].get("generation", 1)
        name = new["metadata"]["name"] if new else ""
        conditions = [
            self._condition(
                deployment,
                ("Available", enough, "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"),
                f"Deployment {'has' if enough else 'does not have'} minimum availability.",
            ),
            self._condition(
                deployment,
                ("Progressing", True, "NewReplicaSetAvailable" if complete else "ReplicaSetUpdated"),
                f'ReplicaSet "{name}" {"has successfully progressed" if complete else "is progressing"}.',
            ),
        ]
        status = {
            "observedGeneration": generation,
            **{field: value for field, value in counts.items() if value},
            "conditions": conditions,
        }
        self._client.set_status(DEPLOYMENT, deployment, status, manager=CONTROLLER_MANAGER)

    def _condition(
        self, deployment: dict[str, Any], what: tuple[str, bool, str], message: str
    ) -> dict[str, Any]:
        kind, value, reason = what
        status, now = "True" if value else "False", timestamp(self._store.now())
        old = condition(deployment, kind)
        same = old is not None and old["status"] == status
        unchanged = same and old is not None and (old["reason"], old["message"]) == (reason, message)
        return {
            "type": kind,
            "status": status,
            "lastUpdateTime": old["lastUpdateTime"] if unchanged and old else now,
            "lastTransitionTime": old["lastTransitionTime"] if same and old else now,
            "reason": reason,
            "message": message,
        }

    def _clean_up(self, deployment: dict[str, Any], old: list[dict[str, Any]]) -> None:
        limit = int(deployment["spec"].get("revisionHistoryLimit", 10))
        idle = [each for each in old if not (each.get("status") or {}).get("replicas")]
        idle = [each for each in idle if not each["spec"].get("replicas")]
        idle.sort(key=_revision)
        for each in idle[: max(0, len(idle) - limit)]:
            self._client.delete(REPLICA_SET, each)


def _revision(replica_set: dict[str, Any]) -> int:
    annotations = replica_set["metadata"].get("annotations") or {}
    return int(annotations.get(REVISION, 0))


def _share(value: Any, whole: int, *, up: bool) -> int:
    if isinstance(value, str) and value.endswith("%"):
        part = int(value[:-1]) * whole / 100
        return math.ceil(part) if up else math.floor(part)
    return int(value)
