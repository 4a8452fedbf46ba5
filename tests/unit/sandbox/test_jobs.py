"""Jobs and CronJobs on the simulated node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from k3k_core.resources import CRON_JOB, JOB, POD
from k3k_core.sandbox.api.cron_schedule import parse_schedule
from k3k_core.sandbox.node.tasks import TaskRun
from tests.support.task_node import TaskNode, task_node

pytestmark = pytest.mark.looptime


class Work:
    """A program that fails so many times, each run taking a second."""

    def __init__(self) -> None:
        self.failures = 0
        self.runs = 0
        self.takes = 1.0

    async def __call__(self, run: TaskRun) -> int:
        self.runs += 1
        await run.write(f"run {self.runs}".encode())
        await asyncio.sleep(self.takes)
        return 1 if self.runs <= self.failures else 0


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def node(work: Work) -> AsyncIterator[TaskNode]:
    async with task_node({"work": work}) as running:
        yield running


def _template(policy: str = "Never", *, command: str = "work") -> dict[str, Any]:
    container = {"name": "main", "image": "app:1", "command": [command]}
    return {"metadata": {}, "spec": {"restartPolicy": policy, "containers": [container]}}


def _spec(policy: str = "Never", *, command: str = "work", **spec: Any) -> dict[str, Any]:
    template = _template(policy, command=command)
    return {"completions": 1, "parallelism": 1, "backoffLimit": 6, "template": template, **spec}


def job(policy: str = "Never", *, command: str = "work", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "copy", "namespace": "ns"}, "spec": _spec(policy, command=command, **spec)}


def cron_job(schedule: str = "*/5 * * * *", **spec: Any) -> dict[str, Any]:
    job_template = {"metadata": {"labels": {"a": "b"}}, "spec": _spec()}
    fields = {"schedule": schedule, "concurrencyPolicy": "Forbid", "jobTemplate": job_template, **spec}
    return {"metadata": {"name": "nightly", "namespace": "ns"}, "spec": fields}


def _conditions(obj: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each["type"], each["status"], each["reason"]) for each in obj["status"]["conditions"]]


def _pods(node: TaskNode) -> list[dict[str, Any]]:
    return node.loop.store.list(POD)


async def test_a_job_whose_program_succeeds_is_complete(node: TaskNode) -> None:
    await node.loop.put(JOB, job())
    done = await node.until_condition("copy", "Complete")
    assert _conditions(done) == [
        ("SuccessCriteriaMet", "True", "CompletionsReached"),
        ("Complete", "True", "CompletionsReached"),
    ]
    status = done["status"]
    assert (status["succeeded"], status.get("active"), status.get("failed")) == (1, None, None)
    assert status["startTime"] < status["completionTime"]
    (pod,) = _pods(node)
    assert pod["status"]["phase"] == "Succeeded"
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    assert node.kubelet.log("ns", pod["metadata"]["name"], "main").text() == "run 1\n"


async def test_a_job_is_active_while_its_program_runs(node: TaskNode) -> None:
    await node.loop.put(JOB, job())
    status = node.loop.get(JOB, "copy")["status"]
    assert (status["active"], status["ready"]) == (1, 1)


async def test_a_failed_pod_is_replaced_after_a_while(node: TaskNode, work: Work) -> None:
    work.failures = 2
    await node.loop.put(JOB, job())
    begun = asyncio.get_running_loop().time()
    done = await node.until_condition("copy", "Complete")
    assert (done["status"]["succeeded"], done["status"]["failed"]) == (1, 2)
    assert sorted(pod["status"]["phase"] for pod in _pods(node)) == ["Failed", "Failed", "Succeeded"]
    # Three runs of a second, ten and twenty seconds between them.
    assert asyncio.get_running_loop().time() - begun == pytest.approx(33, abs=2.5)


async def test_too_many_failures_fail_the_job(node: TaskNode, work: Work) -> None:
    work.failures = 99
    await node.loop.put(JOB, job(backoffLimit=1))
    failed = await node.until_condition("copy", "Failed")
    assert _conditions(failed) == [
        ("FailureTarget", "True", "BackoffLimitExceeded"),
        ("Failed", "True", "BackoffLimitExceeded"),
    ]
    assert failed["status"]["failed"] == 2
    assert "completionTime" not in failed["status"]
    assert "BackoffLimitExceeded" in node.loop.reasons("copy")


async def test_a_container_may_be_started_again_instead_of_the_pod(node: TaskNode, work: Work) -> None:
    work.failures = 1
    await node.loop.put(JOB, job("OnFailure"))
    await node.until_condition("copy", "Complete")
    (pod,) = _pods(node)
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 1


async def test_a_job_that_takes_too_long_fails_and_its_pod_is_deleted(node: TaskNode, work: Work) -> None:
    work.takes = 1000
    await node.loop.put(JOB, job(activeDeadlineSeconds=30))
    failed = await node.until_condition("copy", "Failed")
    assert _conditions(failed)[-1] == ("Failed", "True", "DeadlineExceeded")
    assert failed["status"]["failed"] == 1
    await node.loop.manager.settled()
    assert _pods(node) == []


async def test_a_job_that_is_suspended_has_no_pods_until_it_is_resumed(node: TaskNode) -> None:
    await node.loop.put(JOB, job(suspend=True))
    assert _pods(node) == []
    assert _conditions(node.loop.get(JOB, "copy")) == [("Suspended", "True", "JobSuspended")]
    await node.loop.change(JOB, "copy", lambda obj: obj["spec"].update(suspend=False))
    done = await node.until_condition("copy", "Complete")
    assert _conditions(done)[0] == ("Suspended", "False", "JobResumed")


async def test_a_finished_job_goes_away_in_time_with_its_pod(node: TaskNode) -> None:
    await node.loop.put(JOB, job(ttlSecondsAfterFinished=60))
    await node.until_condition("copy", "Complete")
    await asyncio.sleep(50)
    assert node.loop.names(JOB) == ["copy"]
    await asyncio.sleep(20)
    assert (node.loop.names(JOB), _pods(node)) == ([], [])


async def test_a_pod_whose_job_is_deleted_goes_with_it(node: TaskNode, work: Work) -> None:
    work.takes = 1000
    await node.loop.put(JOB, job())
    await node.loop.delete(JOB, "copy")
    assert _pods(node) == []


async def test_a_program_the_sandbox_does_not_know_succeeds_and_says_that_nothing_was_done(
    node: TaskNode,
) -> None:
    await node.loop.put(JOB, job(command="unheard-of"))
    await node.until_condition("copy", "Complete")
    (pod,) = _pods(node)
    assert "nothing was executed" in node.kubelet.log("ns", pod["metadata"]["name"], "main").text()


# By the clock


async def test_a_cron_job_makes_a_job_when_its_time_has_come(node: TaskNode) -> None:
    await node.loop.put(CRON_JOB, cron_job())
    assert node.loop.names(JOB) == []
    await asyncio.sleep(301)
    (made,) = node.loop.store.list(JOB)
    assert made["metadata"]["labels"] == {"a": "b"}
    assert made["metadata"]["ownerReferences"][0]["name"] == "nightly"
    await node.until_condition(made["metadata"]["name"], "Complete")
    await node.loop.manager.settled()
    status = node.loop.get(CRON_JOB, "nightly")["status"]
    assert {"lastScheduleTime", "lastSuccessfulTime"} <= set(status)
    assert "active" not in status


async def test_a_cron_job_waits_for_the_run_before(node: TaskNode, work: Work) -> None:
    work.takes = 400
    await node.loop.put(CRON_JOB, cron_job())
    await asyncio.sleep(620)
    assert len(node.loop.names(JOB)) == 1
    assert "JobAlreadyActive" in node.loop.reasons("nightly")


async def test_a_job_made_by_hand_does_not_hold_up_the_clock(node: TaskNode, work: Work) -> None:
    work.takes = 1000
    made = await node.loop.put(CRON_JOB, cron_job())
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "uid": made["metadata"]["uid"]}
    by_hand = job()
    by_hand["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    await node.loop.put(JOB, by_hand)
    assert "active" not in node.loop.get(CRON_JOB, "nightly")["status"]
    await asyncio.sleep(301)
    assert len(node.loop.names(JOB)) == 2
    assert len(node.loop.get(CRON_JOB, "nightly")["status"]["active"]) == 1


async def test_a_suspended_cron_job_makes_nothing(node: TaskNode) -> None:
    await node.loop.put(CRON_JOB, cron_job(suspend=True))
    await asyncio.sleep(700)
    assert node.loop.names(JOB) == []


async def test_old_jobs_of_a_cron_job_are_cleared_away(node: TaskNode) -> None:
    await node.loop.put(CRON_JOB, cron_job(successfulJobsHistoryLimit=2))
    await asyncio.sleep(5 * 300 + 10)
    assert len(node.loop.names(JOB)) == 2


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("* * * * *", "2026-11-23 07:31"),
        ("*/15 * * * *", "2026-11-23 07:45"),
        ("0 2 * * *", "2026-11-24 02:00"),
        ("30 8 * * 1-5", "2026-11-23 08:30"),
        ("0 0 * * sun", "2026-11-29 00:00"),
        ("0 12 1 jan *", "2027-01-01 12:00"),
        ("5,10 7-9/2 * * *", "2026-11-23 09:05"),
        ("0 0 13 * fri", "2026-11-27 00:00"),
        ("0 0 29 2 *", "2028-02-29 00:00"),
        ("@daily", "2026-11-24 00:00"),
        ("@hourly", "2026-11-23 08:00"),
    ],
)
def test_a_schedule_names_the_next_time(schedule: str, expected: str) -> None:
    after = datetime(2026, 11, 23, 7, 30, 12, tzinfo=UTC)
    following = parse_schedule(schedule).next(after)
    assert following is not None
    assert f"{following:%Y-%m-%d %H:%M}" == expected


@pytest.mark.parametrize(
    "schedule",
    ["", "* * * *", "60 * * * *", "0 0 * * 7", "0 0 0 * *", "* * * * mon-xyz", "*/0 * * * *", "5-1 * * * *"],
)
def test_a_schedule_that_is_none_is_refused(schedule: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_schedule(schedule)


def test_a_day_that_never_comes_has_no_next_time() -> None:
    assert parse_schedule("0 0 30 2 *").next(datetime(2026, 1, 1, tzinfo=UTC)) is None
