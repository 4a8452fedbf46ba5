"""Running a Job in the host to its end, and telling why it did not get there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from k3k_core.errors import ConflictError, K3kError, NotFoundError, NotReadyError, UnreachableError
from k3k_core.host import HostApi, wait_for
from k3k_core.host.redaction import redact
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.lifecycle.readiness import trouble_of
from k3k_core.names import ANNOTATION_CHECKSUM
from k3k_core.resources import JOB, POD

Outcome = Literal["succeeded", "failed", "not pulled", "not scheduled", "not over"]

# On every pod of a Job since Kubernetes 1.27.
_JOB_LABEL = "batch.kubernetes.io/job-name"
_ATTEMPTS = 4
_LOG_LINES = 20
# Not ErrImagePull, the first attempt: a registry may fail once.
_NOT_PULLED = ("ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName")
_NOT_SCHEDULED = ("Unschedulable", "SchedulerError")


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """How a Job ended, or what keeps it from it.

    Attributes:
        job: its name.
        outcome: "not pulled" and "not scheduled" never ran; "not over" still runs, or its time is over.
        detail: what the host says of it.
        log: the last lines it wrote, credentials hidden.
    """

    job: str
    outcome: Outcome
    detail: str = ""
    log: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether it did what it was to do."""
        return self.outcome == "succeeded"

    def describe(self) -> str:
        """Return why it did not succeed, in a few lines."""
        lines = [f"  {line}" for line in self.log]
        return "\n".join(
            [f"Job {self.job} {_SAID[self.outcome]}{f': {self.detail}' if self.detail else ''}", *lines]
        )

    def require(self, hint: str) -> None:
        """See that it succeeded.

        Args:
            hint: what to do when it did not.

        Raises:
            NotReadyError: it did not.
        """
        if not self.succeeded:
            raise NotReadyError(self.describe(), hint=hint)


_SAID: Mapping[Outcome, str] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "not pulled": "cannot start, its image cannot be pulled",
    "not scheduled": "cannot start, no node takes it",
    "not over": "is not over in time",
}


async def run_task(
    host: HostApi,
    job: Mapping[str, Any],
    *,
    timeout: float,
    progress: Progress = silent,
    log: bool = False,
) -> TaskEnd:
    """Run a Job and wait for its end; one of the same content that runs or has succeeded is taken as it is.

    Args:
        host: an open host.
        job: as `manifests.tasks.task_job` makes it.
        timeout: seconds to wait.
        progress: told that it has begun.
        log: whether its log is wanted also when it succeeds.

    Returns:
        How it ended. An image that cannot be pulled is reported as soon as the host says so.

    Raises:
        K3kError: the host refuses or does not answer.
    """
    started = await start_task(host, job)
    name = str(started["metadata"]["name"])
    progress(Step("task", "started", f"Job {name} runs", f"Job/{name}"))
    end = await await_task(host, started, timeout=timeout)
    wanted = log and end.succeeded
    return await _with_log(host, started["metadata"]["namespace"], end) if wanted else end


async def start_task(host: HostApi, job: Mapping[str, Any]) -> dict[str, Any]:
    """Create a Job, in place of one of the same name that has failed or is another; return it.

    Args:
        host: an open host.
        job: as `manifests.tasks.task_job` makes it.
    """
    meta = job["metadata"]
    for _ in range(_ATTEMPTS):
        found = await _find(host, meta["namespace"], meta["name"])
        if found is not None and not _usable(found, job):
            await remove_task(host, meta["namespace"], meta["name"])
            found = None
        if found is not None:
            return found
        try:
            return await host.create(job)
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise
        except UnreachableError:
            # The answer was lost: the next look tells whether the Job exists.
            if await _find(host, meta["namespace"], meta["name"]) is None:
                raise
    raise ConflictError(
        f"Job {meta['namespace']}/{meta['name']} keeps coming and going",
        hint="Somebody else works on this control plane; run the same command again.",
    )


async def await_task(host: HostApi, job: Mapping[str, Any], *, timeout: float) -> TaskEnd:
    """Wait for the end of a Job that was started.

    Args:
        host: an open host.
        job: as the host stores it.
        timeout: seconds.
    """
    namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]

    def over(jobs: Mapping[str, dict[str, Any]]) -> TaskEnd | None:
        if name not in jobs:
            return TaskEnd(name, "failed", "it was deleted")
        return _end_of(jobs[name])

    def stuck(pods: Mapping[str, dict[str, Any]]) -> TaskEnd | None:
        return next((end for pod in pods.values() if (end := _not_pulled(name, pod))), None)

    job_over = wait_for(
        host, JOB, namespace, over, fields=f"metadata.name={name}", timeout=timeout, what=f"Job {name}"
    )
    pod_stuck = wait_for(
        host,
        POD,
        namespace,
        stuck,
        labels=f"{_JOB_LABEL}={name}",
        timeout=timeout,
        what=f"the pod of Job {name}",
    )
    try:
        end = await _first_of(job_over, pod_stuck)
    except NotReadyError:
        end = await _late(host, namespace, name)
    return end if end.succeeded else await _with_log(host, namespace, end)


async def remove_task(host: HostApi, namespace: str, name: str, *, timeout: float = 60.0) -> None:
    """Delete a Job with its pods and wait until it is gone; one that is gone already is no failure.

    Args:
        host: an open host.
        namespace: of the Job.
        name: of the Job.
        timeout: seconds to wait.
    """
    if not await host.delete(JOB, namespace, name, propagation="Foreground"):
        return
    await wait_for(
        host,
        JOB,
        namespace,
        lambda jobs: None if name in jobs else True,
        fields=f"metadata.name={name}",
        timeout=timeout,
        what=f"the end of Job {name}",
    )


async def pod_of_task(host: HostApi, job: Mapping[str, Any], container: str, *, timeout: float) -> str:
    """Wait until a container of a Job's pod runs, and return the pod's name.

    Args:
        host: an open host.
        job: as the host stores it.
        container: its name; also one that runs before the others.
        timeout: seconds.

    Raises:
        NotReadyError: it does not come to run; the message says why.
    """
    namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]

    def running(pods: Mapping[str, dict[str, Any]]) -> tuple[str, TaskEnd | None] | None:
        for pod_name, pod in pods.items():
            if _runs(pod, container):
                return pod_name, None
            if end := _not_pulled(name, pod):
                return pod_name, end
            if pod.get("status", {}).get("phase") in {"Failed", "Succeeded"}:
                said = f"its pod ended before the container {container} ran"
                return pod_name, TaskEnd(name, "failed", said)
        return None

    pod_name, end = await wait_for(
        host,
        POD,
        namespace,
        running,
        labels=f"{_JOB_LABEL}={name}",
        timeout=timeout,
        what=f"the pod of Job {name}",
    )
    if end is not None:
        end = await _with_log(host, namespace, end)
        raise NotReadyError(end.describe(), hint="Run the same command again once that is mended.")
    return pod_name


async def _first_of(one: Coroutine[Any, Any, TaskEnd], other: Coroutine[Any, Any, TaskEnd]) -> TaskEnd:
    """Return the end that is seen first; the other wait is given up."""
    tasks = [asyncio.ensure_future(one), asyncio.ensure_future(other)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # When both are over at once, what the Job says counts.
        first = tasks[0] if tasks[0] in done else tasks[1]
        return first.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _find(host: HostApi, namespace: str, name: str) -> dict[str, Any] | None:
    try:
        return await host.get(JOB, namespace, name)
    except NotFoundError:
        return None


def _usable(found: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    meta = found["metadata"]
    same = _digest(found) == _digest(job)
    end = _end_of(found)
    return same and "deletionTimestamp" not in meta and (end is None or end.succeeded)


def _digest(job: Mapping[str, Any]) -> str:
    return str((job["metadata"].get("annotations") or {}).get(ANNOTATION_CHECKSUM, ""))


def _end_of(job: Mapping[str, Any]) -> TaskEnd | None:
    name = str(job["metadata"]["name"])
    for condition in job.get("status", {}).get("conditions") or ():
        if condition.get("status") != "True":
            continue
        if condition.get("type") == "Complete":
            return TaskEnd(name, "succeeded")
        if condition.get("type") == "Failed":
            late = condition.get("reason") == "DeadlineExceeded"
            # That it was tried once and is not tried again says nothing of why.
            tried = condition.get("reason") == "BackoffLimitExceeded"
            said = "" if tried else redact(str(condition.get("message", "")))
            return TaskEnd(name, "not over" if late else "failed", said)
    return None


def _not_pulled(name: str, pod: Mapping[str, Any]) -> TaskEnd | None:
    reason, _, message = trouble_of(pod).partition(": ")
    return TaskEnd(name, "not pulled", redact(message or reason)) if reason in _NOT_PULLED else None


async def _late(host: HostApi, namespace: str, name: str) -> TaskEnd:
    """Return why a Job is not over: a node may still turn up for its pod, so that is looked at last."""
    pods = await host.list(POD, namespace, labels=f"{_JOB_LABEL}={name}")
    for pod in pods.items:
        if trouble := trouble_of(pod):
            unscheduled = trouble.startswith(_NOT_SCHEDULED)
            return TaskEnd(name, "not scheduled" if unscheduled else "not over", redact(trouble))
    return TaskEnd(name, "not over")


def _runs(pod: Mapping[str, Any], container: str) -> bool:
    status = pod.get("status", {})
    states = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    return any(each.get("name") == container and "running" in (each.get("state") or {}) for each in states)


async def _with_log(host: HostApi, namespace: str, end: TaskEnd) -> TaskEnd:
    """Add the last lines that its containers wrote; a log that cannot be read is no failure of its own."""
    try:
        pods = await host.list(POD, namespace, labels=f"{_JOB_LABEL}={end.job}")
        lines: list[str] = []
        for pod in pods.items:
            spec = pod["spec"]
            for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
                lines += await _log(host, namespace, pod["metadata"]["name"], container["name"])
    except K3kError:
        return end
    return TaskEnd(end.job, end.outcome, end.detail, tuple(lines[-_LOG_LINES:]))


async def _log(host: HostApi, namespace: str, pod: str, container: str) -> list[str]:
    lines: list[str] = []
    try:
        async with aclosing(host.logs(namespace, pod, container=container, tail=_LOG_LINES)) as log:
            async for line in log:
                lines.append(redact(line))
    except K3kError:
        # Its container has not started.
        return lines
    return lines
