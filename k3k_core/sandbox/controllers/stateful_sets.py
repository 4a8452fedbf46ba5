"""StatefulSets: pods made, replaced and taken away in order.

The steps and their order are those of the real controller: `OrderedReady` goes on only past a pod that is
ready, so a set whose pod can never become ready stays as it is until somebody deletes that pod.
https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, POD, STATEFUL_SET, Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.store_errors import ObjectExistsError
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, Client, RefusedError
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.ownership import owned_by, owner_keys
from k3k_core.sandbox.controllers.pods import is_ready, is_terminating, phase
from k3k_core.sandbox.controllers.revisions import Revisions
from k3k_core.sandbox.controllers.runtime import Key
from k3k_core.sandbox.controllers.stateful_set_pods import (
    COMPONENT,
    Claims,
    new_pod,
    ordinal_of,
    revision_of,
)

_RETRY_REFUSED = 5.0


@dataclass(slots=True)
class _Plan:
    """One look at a set: its pods by ordinal, its revisions, and the counts for its status."""

    stateful_set: dict[str, Any]
    current: dict[str, Any]
    update: dict[str, Any]
    pods: dict[int, dict[str, Any]]
    retry: float | None = None

    @property
    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.stateful_set["spec"]
        return spec

    @property
    def start(self) -> int:
        return int((self.spec.get("ordinals") or {}).get("start", 0))

    @property
    def wanted(self) -> range:
        return range(self.start, self.start + int(self.spec.get("replicas", 1)))

    @property
    def ordered(self) -> bool:
        return bool(self.spec.get("podManagementPolicy") != "Parallel")

    @property
    def partition(self) -> int | None:
        rolling = (self.spec.get("updateStrategy") or {}).get("rollingUpdate") or {}
        return rolling.get("partition")


class StatefulSetController:
    """Makes the pods and claims of StatefulSets.

    Args:
        client: reads and writes.
        events: for what is done.
    """

    watches: tuple[Resource, ...] = (STATEFUL_SET, POD, PERSISTENT_VOLUME_CLAIM)

    def __init__(self, client: Client, events: EventRecorder) -> None:
        self._client = client
        self._store = client.store
        self._events = events
        self._revisions = Revisions(client)
        self._claims = Claims(client, events)

    def keys(self, change: Change) -> Iterable[Key]:
        """The set itself, or the one that owns a changed pod or waits for a claim to be gone."""
        if change.resource in {STATEFUL_SET, POD}:
            return owner_keys(change, STATEFUL_SET)
        if change.type != "DELETED":
            return ()
        meta = change.object["metadata"]
        return [
            (meta["namespace"], each["metadata"]["name"])
            for each in self._store.list(STATEFUL_SET, meta["namespace"])
            if f"-{each['metadata']['name']}-" in meta["name"]
        ]

    def reconcile(self, key: Key) -> float | None:
        """Bring one set a step further; every step it takes leads to the next look."""
        stateful_set = self._store.get(STATEFUL_SET, key[0], key[1])
        if stateful_set is None or is_terminating(stateful_set):
            return None
        plan = self._look(stateful_set)
        self._advance(plan)
        self._report(plan)
        return plan.retry

    def _look(self, stateful_set: dict[str, Any]) -> _Plan:
        update = self._revisions.update_revision(stateful_set)
        wanted = (stateful_set.get("status") or {}).get("currentRevision")
        known = {revision["metadata"]["name"]: revision for revision in self._revisions.of(stateful_set)}
        return _Plan(
            stateful_set=stateful_set,
            current=known.get(wanted, update),
            update=update,
            pods={ordinal_of(stateful_set, pod): pod for pod in self._pods_of(stateful_set)},
        )

    def _pods_of(self, stateful_set: dict[str, Any]) -> list[dict[str, Any]]:
        return [pod for pod in owned_by(self._store, stateful_set, POD) if ordinal_of(stateful_set, pod) >= 0]

    def _advance(self, plan: _Plan) -> None:
        for ordinal in plan.wanted:
            if self._process(plan, ordinal) and plan.ordered:
                return
        condemned = sorted((ordinal for ordinal in plan.pods if ordinal not in plan.wanted), reverse=True)
        unhealthy = min((ordinal for ordinal, pod in plan.pods.items() if not is_ready(pod)), default=None)
        for ordinal in condemned:
            if self._condemn(plan, ordinal, unhealthy) and plan.ordered:
                return
        if (plan.spec.get("updateStrategy") or {}).get("type") != "OnDelete":
            self._roll(plan)

    def _process(self, plan: _Plan, ordinal: int) -> bool:
        """Bring one wanted pod into being; True while the pods after it have to wait."""
        pod = plan.pods.get(ordinal)
        if pod is not None and phase(pod) in {"Failed", "Succeeded"} and not is_terminating(pod):
            self._delete(plan, ordinal)
            return True
        if pod is None:
            self._create(plan, ordinal)
            return True
        if is_terminating(pod):
            return True
        if phase(pod) == "Pending":
            self._claims.ensure(plan.stateful_set, ordinal)
        if not is_ready(pod):
            return True
        self._claims.own(plan.stateful_set, ordinal, pod, condemned=False)
        return False

    def _create(self, plan: _Plan, ordinal: int) -> None:
        revision = self._revision_for(plan, ordinal)
        template = revision["data"]["spec"]["template"]
        name = f"{plan.stateful_set['metadata']['name']}-{ordinal}"
        meta = plan.stateful_set["metadata"]
        if self._store.get(POD, meta["namespace"], name) is not None:
            return
        try:
            if not self._claims.ensure(plan.stateful_set, ordinal):
                return
            pod = new_pod(plan.stateful_set, template, revision["metadata"]["name"], ordinal)
            plan.pods[ordinal] = self._client.create(POD, pod, manager=CONTROLLER_MANAGER)
        except (RefusedError, ObjectExistsError) as error:
            self._events.warning(
                plan.stateful_set,
                "FailedCreate",
                f"Create Pod {name} in StatefulSet {meta['name']} failed error: {error}",
                component=COMPONENT,
            )
            plan.retry = _RETRY_REFUSED
            return
        self._claims.own(plan.stateful_set, ordinal, plan.pods[ordinal], condemned=False)
        self._events.normal(
            plan.stateful_set,
            "SuccessfulCreate",
            f"Create Pod {name} in StatefulSet {meta['name']} successful",
            component=COMPONENT,
        )

    def _revision_for(self, plan: _Plan, ordinal: int) -> dict[str, Any]:
        """Pods below the partition, or not rolled yet, are made from the revision they had."""
        if (plan.spec.get("updateStrategy") or {}).get("type") == "OnDelete":
            return plan.update
        old = int((plan.stateful_set.get("status") or {}).get("currentReplicas") or 0)
        limit = plan.start + (old if plan.partition is None else plan.partition)
        return plan.current if ordinal < limit else plan.update

    def _condemn(self, plan: _Plan, ordinal: int, unhealthy: int | None) -> bool:
        """Take away one pod too many; True while the others have to wait."""
        pod = plan.pods[ordinal]
        if is_terminating(pod):
            return True
        if plan.ordered and not is_ready(pod) and ordinal != unhealthy:
            return True
        self._claims.own(plan.stateful_set, ordinal, pod, condemned=True)
        self._delete(plan, ordinal)
        return True

    def _roll(self, plan: _Plan) -> None:
        """Replace pods of older revisions, the highest ordinal first, one at a time."""
        newest = plan.update["metadata"]["name"]
        lowest = plan.start + (plan.partition or 0)
        for ordinal in reversed(plan.wanted):
            if ordinal < lowest:
                return
            pod = plan.pods.get(ordinal)
            if pod is None:
                return
            if revision_of(pod) != newest and not is_terminating(pod):
                self._delete(plan, ordinal)
                return
            if is_terminating(pod) or not is_ready(pod):
                return

    def _delete(self, plan: _Plan, ordinal: int) -> None:
        pod = plan.pods[ordinal]
        self._client.delete(POD, pod)
        left = self._store.get(POD, pod["metadata"]["namespace"], pod["metadata"]["name"])
        if left is None:
            del plan.pods[ordinal]
        else:
            plan.pods[ordinal] = left
        set_name, pod_name = plan.stateful_set["metadata"]["name"], pod["metadata"]["name"]
        self._events.normal(
            plan.stateful_set,
            "SuccessfulDelete",
            f"Delete Pod {pod_name} in StatefulSet {set_name} successful",
            component=COMPONENT,
        )

    def _report(self, plan: _Plan) -> None:
        pods = list(plan.pods.values())
        ready = sum(is_ready(pod) for pod in pods)
        steady = [pod for pod in pods if not is_terminating(pod)]
        current, update = plan.current["metadata"]["name"], plan.update["metadata"]["name"]
        updated = sum(revision_of(pod) == update for pod in steady)
        rolling = (plan.spec.get("updateStrategy") or {}).get("type") != "OnDelete"
        if rolling and current != update and updated == len(pods) == ready:
            current = update
        counts = {
            "replicas": len(pods),
            "readyReplicas": ready,
            "currentReplicas": sum(revision_of(pod) == current for pod in steady),
            "updatedReplicas": updated,
        }
        status: dict[str, Any] = {"observedGeneration": plan.stateful_set["metadata"].get("generation", 1)}
        status.update({name: value for name, value in counts.items() if value or name == "replicas"})
        status.update(
            currentRevision=current,
            updateRevision=update,
            collisionCount=(plan.stateful_set.get("status") or {}).get("collisionCount", 0),
            availableReplicas=ready,
        )
        self._client.set_status(STATEFUL_SET, plan.stateful_set, status, manager=CONTROLLER_MANAGER)
        self._revisions.truncate(plan.stateful_set, {current, update, *map(revision_of, pods)})
