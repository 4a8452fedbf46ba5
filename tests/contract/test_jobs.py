"""Jobs, CronJobs and programs in pods, as far as an API server and its controllers decide without a node."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from k3k_core.errors import HostError, NotFoundError
from k3k_core.host import Host, wait_for
from k3k_core.host.connection import Connection, Login
from k3k_core.host.credentials import Credentials
from k3k_core.resources import CRON_JOB, JOB, POD, Resource
from tests.support.api_servers import ApiUnderTest

Json = dict[str, Any]
_POD = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "app:1", "command": ["work"]}]}
_TIMEOUT = 60.0


@pytest.fixture
async def host(api: ApiUnderTest) -> AsyncIterator[Host]:
    if not api.controllers:
        pytest.skip("needs kube-controller-manager beside kube-apiserver")
    login = Login(token=api.token)
    connection = Connection(name="contract", server=api.url, authority=api.authority, login=login)
    opened = Host(connection, Credentials(connection.login, plugin_timeout=10), request_timeout=30)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def namespace(host: Host) -> str:
    """A namespace of the test's own."""
    name = f"jobs-{secrets.token_hex(4)}"
    await host.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    # A real server lets no pod in before its namespace has its service account.
    account = Resource("", "v1", "serviceaccounts", "ServiceAccount")
    await _until(host, account, name, "default", lambda _: True)
    return name


async def _until(host: Host, resource: Resource, namespace: str, name: str, holds: Any) -> Json:
    def look(found: Mapping[str, Json]) -> Json | None:
        return next(
            (obj for obj in found.values() if name in {"", obj["metadata"]["name"]} and holds(obj)), None
        )

    return await wait_for(host, resource, namespace, look, timeout=_TIMEOUT, what=f"{resource.kind} {name}")


def _job(namespace: str, **spec: Any) -> Json:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "copy", "namespace": namespace},
        "spec": {"backoffLimit": 0, "template": {"spec": _POD}, **spec},
    }


def _has(obj: Json, kind: str) -> bool:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)


async def _end_pod(host: Host, namespace: str, phase: str) -> Json:
    """Say of the pod of the Job that it is over, as a kubelet would."""
    pod = await _until(host, POD, namespace, "", lambda _: True)
    status = {"status": {"phase": phase}}
    await host.patch(POD, namespace, pod["metadata"]["name"], status, subresource="status")
    return pod


@pytest.mark.parametrize(
    ("phase", "conditions", "counts"),
    [
        (
            "Succeeded",
            [
                ("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods"),
                ("Complete", "CompletionsReached", "Reached expected number of succeeded pods"),
            ],
            {"succeeded": 1},
        ),
        (
            "Failed",
            [
                ("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit"),
                ("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"),
            ],
            {"failed": 1},
        ),
    ],
)
async def test_a_job_ends_as_its_pod_does(
    host: Host, namespace: str, phase: str, conditions: list[tuple[str, str, str]], counts: Json
) -> None:
    await host.create(_job(namespace))
    pod = await _end_pod(host, namespace, phase)
    ended = await _until(host, JOB, namespace, "copy", lambda job: _has(job, conditions[-1][0]))
    status = ended["status"]
    assert [(each["type"], each["reason"], each["message"]) for each in status["conditions"]] == conditions
    found = {name: status[name] for name in ("active", "succeeded", "failed") if name in status}
    assert found == counts
    assert (status["ready"], status["terminating"], status["uncountedTerminatedPods"]) == (0, 0, {})
    assert ("completionTime" in status) == (phase == "Succeeded")
    assert pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] == "copy"
    assert pod["metadata"]["ownerReferences"][0]["uid"] == ended["metadata"]["uid"]


async def test_a_suspended_job_says_so_and_has_no_start_time(host: Host, namespace: str) -> None:
    await host.create(_job(namespace, suspend=True))
    job = await _until(host, JOB, namespace, "copy", lambda each: _has(each, "Suspended"))
    (condition,) = job["status"]["conditions"]
    assert (condition["reason"], condition["message"]) == ("JobSuspended", "Job suspended")
    assert "startTime" not in job["status"]
    assert (await host.list(POD, namespace)).items == []


async def test_a_pod_goes_with_its_job(host: Host, namespace: str) -> None:
    await host.create(_job(namespace))
    await _until(host, POD, namespace, "", lambda _: True)
    await host.delete(JOB, namespace, "copy")

    def gone(pods: Mapping[str, Json]) -> bool | None:
        return None if pods else True

    assert await wait_for(host, POD, namespace, gone, timeout=_TIMEOUT, what="the pod")


def _cron_job(namespace: str, **spec: Any) -> Json:
    template = {"spec": {"template": {"spec": _POD}}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly", "namespace": namespace},
        "spec": {"schedule": "0 3 * * *", "jobTemplate": template, **spec},
    }


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"schedule": ""}, "spec.schedule: Required value"),
        ({"schedule": "* * * *"}, "expected exactly 5 fields, found 4: [* * * *]"),
        ({"schedule": "61 * * * *"}, "end of range (61) above maximum (59): 61"),
        ({"schedule": "0 0 0 * *"}, "beginning of range (0) below minimum (1): 0"),
        ({"schedule": "0 0 * * 7"}, "end of range (7) above maximum (6): 7"),
        ({"schedule": "0 0 * * fri-sun"}, "beginning of range (5) beyond end of range (0): fri-sun"),
        ({"schedule": "*/0 * * * *"}, "step of range should be a positive number: */0"),
        ({"schedule": "x * * * *"}, "failed to parse int from x"),
        (
            {"schedule": "TZ=UTC * * * * *"},
            "cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
        ),
        ({"timeZone": "Nowhere/X"}, "unknown time zone Nowhere/X"),
        ({"concurrencyPolicy": "Sometimes"}, 'supported values: "Allow", "Forbid", "Replace"'),
        ({"successfulJobsHistoryLimit": -1}, "must be greater than or equal to 0"),
        (
            {"jobTemplate": {"spec": {"template": {"spec": {**_POD, "restartPolicy": "Always"}}}}},
            "spec.jobTemplate.spec.template.spec.restartPolicy: Required value",
        ),
    ],
)
async def test_a_cron_job_that_makes_no_sense_is_refused(
    host: Host, namespace: str, spec: Json, said: str
) -> None:
    with pytest.raises(HostError) as caught:
        await host.create(_cron_job(namespace, **spec), dry_run=True)
    assert said in caught.value.message
    assert caught.value.status == 422


async def test_the_name_of_a_cron_job_leaves_room_for_the_time(host: Host, namespace: str) -> None:
    cron = _cron_job(namespace)
    cron["metadata"]["name"] = "n" * 53
    with pytest.raises(HostError, match="must be no more than 52 characters"):
        await host.create(cron, dry_run=True)
    cron["metadata"]["name"] = "n" * 52
    await host.create(cron, dry_run=True)


@pytest.mark.parametrize(
    "schedule", ["*/70 * * * *", "0 0 31 feb *", "@daily", "5,10 7-9/2 * jan-mar mon-fri"]
)
async def test_a_schedule_that_is_one_is_taken(host: Host, namespace: str, schedule: str) -> None:
    made = await host.create(_cron_job(namespace, schedule=schedule), dry_run=True)
    assert made["spec"]["schedule"] == schedule
    assert not await host.delete(CRON_JOB, namespace, "nightly")


# Programs


async def test_a_program_in_a_pod_that_is_on_no_node_is_refused(host: Host, namespace: str) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": _POD,
    }
    await host.create(pod)
    with pytest.raises(HostError, match="pod web does not have a host assigned"):
        await host.exec(namespace, "web", ["true"])
    with pytest.raises(HostError, match="container nope is not valid for pod web"):
        await host.exec(namespace, "web", ["true"], container="nope")


async def test_a_program_in_a_pod_that_does_not_exist_is_not_found(host: Host, namespace: str) -> None:
    with pytest.raises(NotFoundError, match="has no Pod web"):
        await host.exec(namespace, "web", ["true"])
