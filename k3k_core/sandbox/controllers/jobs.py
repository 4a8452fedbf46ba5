"""Jobs: pods that run to completion, counted, repeated after failures, given up, cleared away.

Conditions, reasons and messages are those of kube-controller-manager 1.36 (pkg/controller/job, ttlafterfinished).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from k3k_core.resources import JOB, POD, Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.objects import clone, timestamp
from k3k_core.sandbox.api.store_errors import ObjectExistsError
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, Client, RefusedError, owner_reference
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.ownership import owned_by, owner_keys
from k3k_core.sandbox.controllers.pods import is_ready, is_terminating, is_true, phase
from k3k_core.sandbox.controllers.runtime import Key

COMPONENT = "job-controller"
BACK_OFF_FIRST = 10.0
BACK_OFF_LONGEST = 360.0
_RETRY_REFUSED = 5.0
_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class _Verdict:
    """How a Job ends."""

    succeeded: bool
    reason: str
    message: str

    @property
    def kinds(self) -> tuple[str, str]:
        """The condition that comes first, and the one once no pod is left."""
        return ("SuccessCriteriaMet", "Complete") if self.succeeded else ("FailureTarget", "Failed")


_REACHED = _Verdict(True, "CompletionsReached", "Reached expected number of succeeded pods")
_BACK_OFF = _Verdict(False, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
_DEADLINE = _Verdict(False, "DeadlineExceeded", "Job was active longer than specified deadline")


class JobController:
    """Makes and counts the pods of Jobs.

    Args:
        client: reads and writes.
        events: for what is done.
    """

    watches: tuple[Resource, ...] = (JOB, POD)

    def __init__(self, client: Client, events: EventRecorder) -> None:
        self._client = client
        self._store = client.store
        self._events = events

    def keys(self, change: Change) -> Iterable[Key]:
        """The Job itself, or the one that owns a changed pod."""
        return owner_keys(change, JOB)

    def reconcile(self, key: Key) -> float | None:
        """Bring one Job a step further."""
        job = self._store.get(JOB, key[0], key[1])
        if job is None or is_terminating(job):
            return None
        if is_finished(job):
            return self._clear_away(job)
        pods = self._pods_of(job)
        active = [pod for pod in pods if phase(pod) not in _ENDED and not is_terminating(pod)]
        if job["spec"].get("suspend"):
            self._delete(job, active)
            self._report(job, pods, suspended=True)
            return None
        verdict = self._verdict(job, pods)
        if verdict is not None:
            self._delete(job, active)
            self._finish(job, verdict, lost=0 if verdict.succeeded else len(active))
            return None
        retry = self._fill_up(job, pods, active)
        self._report(job, self._pods_of(job), suspended=False)
        times = [each for each in (retry, self._until_deadline(job)) if each is not None]
        return min(times, default=None)

    def _pods_of(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        return owned_by(self._store, job, POD)

    def _verdict(self, job: dict[str, Any], pods: list[dict[str, Any]]) -> _Verdict | None:
        spec = job["spec"]
        if _count(pods, "Succeeded") >= int(spec.get("completions") or 1):
            return _REACHED
        if _exhausted(job, pods):
            return _BACK_OFF
        left = self._until_deadline(job)
        return _DEADLINE if left is not None and left <= 0 else None

    def _until_deadline(self, job: dict[str, Any]) -> float | None:
        """Return the seconds until a Job was active for too long; None when it may be for ever."""
        limit, started = job["spec"].get("activeDeadlineSeconds"), (job.get("status") or {}).get("startTime")
        if limit is None:
            return None
        return float(limit) - (self._seconds_since(started) if started else 0.0)

    def _seconds_since(self, moment: str) -> float:
        return (self._store.now() - datetime.fromisoformat(moment)).total_seconds()

    # Pods

    def _fill_up(
        self, job: dict[str, Any], pods: list[dict[str, Any]], active: list[dict[str, Any]]
    ) -> float | None:
        """Make the pods that are missing; return the seconds after which to look again."""
        spec = job["spec"]
        missing = int(spec.get("completions") or 1) - _count(pods, "Succeeded")
        wanted = min(int(spec.get("parallelism", 1)), missing) - len(active)
        if wanted <= 0:
            return None
        wait = self._back_off(pods)
        if wait > 0:
            return wait
        for _ in range(wanted):
            if not self._create(job):
                return _RETRY_REFUSED
        return None

    def _back_off(self, pods: list[dict[str, Any]]) -> float:
        """Return the seconds until a failed pod may be replaced."""
        failed = [pod for pod in pods if phase(pod) == "Failed"]
        if not failed:
            return 0.0
        delay = min(BACK_OFF_LONGEST, BACK_OFF_FIRST * 2.0 ** min(len(failed) - 1, 16))
        return delay - min(self._seconds_since(_ended_at(pod)) for pod in failed)

    def _create(self, job: dict[str, Any]) -> bool:
        meta, template = job["metadata"], job["spec"]["template"]
        given = template.get("metadata") or {}
        pod_meta: dict[str, Any] = {
            "generateName": f"{meta['name'][:57]}-",
            "namespace": meta["namespace"],
            "labels": dict(given.get("labels") or {}),
            "ownerReferences": [owner_reference(job, JOB)],
        }
        if given.get("annotations"):
            pod_meta["annotations"] = dict(given["annotations"])
        try:
            pod = self._client.create(
                POD, {"metadata": pod_meta, "spec": clone(template["spec"])}, manager=CONTROLLER_MANAGER
            )
        except (RefusedError, ObjectExistsError) as error:
            self._events.warning(job, "FailedCreate", f"Error creating: {error}", component=COMPONENT)
            return False
        message = f"Created pod: {pod['metadata']['name']}"
        self._events.normal(job, "SuccessfulCreate", message, component=COMPONENT)
        return True

    def _delete(self, job: dict[str, Any], pods: list[dict[str, Any]]) -> None:
        for pod in pods:
            self._client.delete(POD, pod)
            message = f"Deleted pod: {pod['metadata']['name']}"
            self._events.normal(job, "SuccessfulDelete", message, component=COMPONENT)

    # Status

    def _report(self, job: dict[str, Any], pods: list[dict[str, Any]], *, suspended: bool) -> None:
        status = clone(job.get("status") or {})
        now = timestamp(self._store.now())
        _count_into(status, pods)
        if suspended:
            status.pop("startTime", None)
            _set_condition(status, "Suspended", "True", "JobSuspended", "Job suspended", now)
        else:
            status.setdefault("startTime", now)
            if is_true(job, "Suspended"):
                _set_condition(status, "Suspended", "False", "JobResumed", "Job resumed", now)
        self._client.set_status(JOB, job, status, manager=CONTROLLER_MANAGER)

    def _finish(self, job: dict[str, Any], verdict: _Verdict, *, lost: int) -> None:
        """Say how it ends, and that it has ended once none of its pods runs any more.

        Args:
            job: the Job.
            verdict: how it ends.
            lost: pods that were deleted for it, which count as failed.
        """
        pods = self._pods_of(job)
        status = clone(job.get("status") or {})
        now = timestamp(self._store.now())
        if lost:
            status["failed"] = int(status.get("failed", 0)) + lost
        _count_into(status, pods)
        status.setdefault("startTime", now)
        first, last = verdict.kinds
        _set_condition(status, first, "True", verdict.reason, verdict.message, now)
        over = all(phase(pod) in _ENDED for pod in pods)
        if over:
            _set_condition(status, last, "True", verdict.reason, verdict.message, now)
            if verdict.succeeded:
                status["completionTime"] = now
        self._client.set_status(JOB, job, status, manager=CONTROLLER_MANAGER)
        if over and verdict.succeeded:
            self._events.normal(job, "Completed", "Job completed", component=COMPONENT)
        elif over:
            self._events.warning(job, verdict.reason, verdict.message, component=COMPONENT)

    def _clear_away(self, job: dict[str, Any]) -> float | None:
        """Delete a Job that ended long enough ago; return the seconds until then."""
        kept = job["spec"].get("ttlSecondsAfterFinished")
        if kept is None:
            return None
        left = float(kept) - self._seconds_since(_finished_at(job))
        if left > 0:
            return left
        self._client.delete(JOB, job, propagation="Foreground")
        return None


def is_finished(job: dict[str, Any]) -> bool:
    """Whether a Job has ended, either way."""
    return is_true(job, "Complete") or is_true(job, "Failed")


def _finished_at(job: dict[str, Any]) -> str:
    conditions = job["status"]["conditions"]
    return next(
        str(each["lastTransitionTime"]) for each in conditions if each["type"] in {"Complete", "Failed"}
    )


def _count(pods: list[dict[str, Any]], wanted: str) -> int:
    return sum(phase(pod) == wanted for pod in pods)


def _exhausted(job: dict[str, Any], pods: list[dict[str, Any]]) -> bool:
    """Whether there were too many failures: of pods, or of containers where these are started again."""
    limit = int(job["spec"].get("backoffLimit", 6))
    if _count(pods, "Failed") > limit:
        return True
    if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts = sum(
        int(each.get("restartCount", 0))
        for pod in pods
        for statuses in ("initContainerStatuses", "containerStatuses")
        for each in (pod.get("status") or {}).get(statuses) or ()
    )
    return restarts >= limit if limit else restarts > 0


def _ended_at(pod: dict[str, Any]) -> str:
    """Return when the last container of a pod that is over ended."""
    status = pod["status"]
    statuses = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    times = [each["state"]["terminated"]["finishedAt"] for each in statuses if "terminated" in each["state"]]
    return max(times, default=str(pod["metadata"]["creationTimestamp"]))


def _count_into(status: dict[str, Any], pods: list[dict[str, Any]]) -> None:
    active = [pod for pod in pods if phase(pod) not in _ENDED and not is_terminating(pod)]
    counts = {
        "active": len(active),
        "succeeded": _count(pods, "Succeeded"),
        "failed": max(_count(pods, "Failed"), int(status.get("failed", 0))),
    }
    for name, value in counts.items():
        status.pop(name, None)
        if value:
            status[name] = value
    status["ready"] = sum(is_ready(pod) for pod in active)
    status["terminating"] = sum(is_terminating(pod) for pod in pods)
    status["uncountedTerminatedPods"] = {}


def _set_condition(
    status: dict[str, Any], kind: str, value: str, reason: str, message: str, now: str
) -> None:
    conditions = status.setdefault("conditions", [])
    old = next((each for each in conditions if each["type"] == kind), None)
    if old is not None and old["status"] == value:
        return
    made = {
        "type": kind,
        "status": value,
        "lastProbeTime": now,
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    }
    status["conditions"] = [each for each in conditions if each["type"] != kind] + [made]
