"""CronJobs: Jobs made by the clock (kube-controller-manager, pkg/controller/cronjob)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from k3k_core.resources import CRON_JOB, JOB, Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.cron_schedule import Schedule, parse_schedule
from k3k_core.sandbox.api.objects import clone, timestamp
from k3k_core.sandbox.api.store_errors import ObjectExistsError
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, Client, RefusedError, owner_reference
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.jobs import is_finished
from k3k_core.sandbox.controllers.ownership import owned_by, owner_keys
from k3k_core.sandbox.controllers.pods import is_terminating, is_true
from k3k_core.sandbox.controllers.runtime import Key

COMPONENT = "cronjob-controller"
_SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
# More missed times than that are not made up for one by one; only the last one counts anyway.
_MISSED_LIMIT = 100


class CronJobController:
    """Makes the Jobs of CronJobs when their time has come, and clears old ones away.

    Args:
        client: reads and writes.
        events: for what is done.
    """

    watches: tuple[Resource, ...] = (CRON_JOB, JOB)

    def __init__(self, client: Client, events: EventRecorder) -> None:
        self._client = client
        self._store = client.store
        self._events = events

    def keys(self, change: Change) -> Iterable[Key]:
        """The CronJob itself, or the one that owns a changed Job."""
        return owner_keys(change, CRON_JOB)

    def reconcile(self, key: Key) -> float | None:
        """Make the Job that is due; return the seconds until the next one is."""
        cron = self._store.get(CRON_JOB, key[0], key[1])
        if cron is None or is_terminating(cron):
            return None
        status = clone(cron.get("status") or {})
        self._clear_away(cron)
        wait = None if cron["spec"].get("suspend") else self._run_if_due(cron, status)
        self._report(cron, status)
        return wait

    def _run_if_due(self, cron: dict[str, Any], status: dict[str, Any]) -> float | None:
        try:
            schedule, zone = parse_schedule(cron["spec"]["schedule"]), _zone(cron)
        except (ValueError, OSError) as error:
            message = f"unparseable schedule: {cron['spec']['schedule']}: {error}"
            self._events.warning(cron, "UnparseableSchedule", message, component=COMPONENT)
            return None
        now = self._store.now().astimezone(zone)
        due = _last_due(schedule, _from(cron, status).astimezone(zone), now)
        if due is not None and self._in_time(cron, due, now):
            self._run(cron, status, due)
        following = schedule.next(now)
        return None if following is None else max(0.1, (following - now).total_seconds())

    def _in_time(self, cron: dict[str, Any], due: datetime, now: datetime) -> bool:
        limit = cron["spec"].get("startingDeadlineSeconds")
        if limit is None or (now - due).total_seconds() <= limit:
            return True
        message = f"Missed scheduled time to start a job: {due.astimezone(UTC):%a, %d %b %Y %H:%M:%S} +0000"
        self._events.warning(cron, "MissSchedule", message, component=COMPONENT)
        return False

    def _run(self, cron: dict[str, Any], status: dict[str, Any], due: datetime) -> None:
        running = self._running(cron)
        policy = cron["spec"].get("concurrencyPolicy", "Allow")
        if running and policy == "Forbid":
            message = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._events.normal(cron, "JobAlreadyActive", message, component=COMPONENT)
            return
        for job in running if policy == "Replace" else ():
            self._client.delete(JOB, job)
        self._create(cron, due)
        status["lastScheduleTime"] = timestamp(due)

    def _create(self, cron: dict[str, Any], due: datetime) -> None:
        meta, template = cron["metadata"], cron["spec"]["jobTemplate"]
        given = template.get("metadata") or {}
        job_meta: dict[str, Any] = {
            "name": f"{meta['name']}-{int(due.timestamp()) // 60}",
            "namespace": meta["namespace"],
            "labels": dict(given.get("labels") or {}),
            "annotations": {**(given.get("annotations") or {}), _SCHEDULED_AT: due.isoformat()},
            "ownerReferences": [owner_reference(cron, CRON_JOB)],
        }
        try:
            self._client.create(
                JOB, {"metadata": job_meta, "spec": clone(template["spec"])}, manager=CONTROLLER_MANAGER
            )
        except ObjectExistsError:
            # Made before the status could be written.
            return
        except RefusedError as error:
            message = f"Error creating job: {error}"
            self._events.warning(cron, "FailedCreate", message, component=COMPONENT)
            return
        self._events.normal(cron, "SuccessfulCreate", f"Created job {job_meta['name']}", component=COMPONENT)

    def _jobs_of(self, cron: dict[str, Any]) -> list[dict[str, Any]]:
        return owned_by(self._store, cron, JOB)

    def _running(self, cron: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the Jobs made by the clock that have not ended; those made by hand are nobody's business."""
        return [
            job
            for job in self._jobs_of(cron)
            if not is_finished(job) and _SCHEDULED_AT in (job["metadata"].get("annotations") or {})
        ]

    def _clear_away(self, cron: dict[str, Any]) -> None:
        """Delete the oldest Jobs that ended, as far as there are more than are to be kept."""
        spec = cron["spec"]
        for kind, field, default in (
            ("Complete", "successfulJobsHistoryLimit", 3),
            ("Failed", "failedJobsHistoryLimit", 1),
        ):
            ended = [job for job in self._jobs_of(cron) if is_true(job, kind) and not is_terminating(job)]
            ended.sort(key=lambda job: (job["status"].get("startTime", ""), job["metadata"]["name"]))
            for job in ended[: max(0, len(ended) - int(spec.get(field, default)))]:
                self._client.delete(JOB, job)
                message = f"Deleted job {job['metadata']['name']}"
                self._events.normal(cron, "SuccessfulDelete", message, component=COMPONENT)

    def _report(self, cron: dict[str, Any], status: dict[str, Any]) -> None:
        jobs = self._jobs_of(cron)
        done = [str(job["status"]["completionTime"]) for job in jobs if is_true(job, "Complete")]
        if done:
            status["lastSuccessfulTime"] = max([*done, status.get("lastSuccessfulTime", "")])
        status.pop("active", None)
        if active := [_reference(job) for job in self._running(cron)]:
            status["active"] = active
        self._client.set_status(CRON_JOB, cron, status, manager=CONTROLLER_MANAGER)


def _reference(job: dict[str, Any]) -> dict[str, Any]:
    meta = job["metadata"]
    return {
        "kind": "Job",
        "namespace": meta["namespace"],
        "name": meta["name"],
        "uid": meta["uid"],
        "apiVersion": "batch/v1",
        "resourceVersion": meta["resourceVersion"],
    }


def _zone(cron: dict[str, Any]) -> tzinfo:
    name = cron["spec"].get("timeZone")
    return ZoneInfo(name) if name else UTC


def _from(cron: dict[str, Any], status: dict[str, Any]) -> datetime:
    """Return the time after which the next one is looked for."""
    return datetime.fromisoformat(status.get("lastScheduleTime") or cron["metadata"]["creationTimestamp"])


def _last_due(schedule: Schedule, after: datetime, now: datetime) -> datetime | None:
    """Return the newest time that has come since another; None when there is none."""
    found: datetime | None = None
    for _ in range(_MISSED_LIMIT):
        following = schedule.next(found or after)
        if following is None or following > now:
            break
        found = following
    return found
