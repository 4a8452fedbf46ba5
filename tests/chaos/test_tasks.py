"""Running a Job to its end on the sandbox: how it ends, what is said of it, and what is taken as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from k3k_core.errors import NotReadyError
from k3k_core.host import Host, HostOptions, open_host, wait_for
from k3k_core.lifecycle.readiness import trouble_of
from k3k_core.lifecycle.tasks import pod_of_task, remove_task, run_task, start_task
from k3k_core.lifecycle.transfer import send_file
from k3k_core.manifests.scripts import command
from k3k_core.manifests.tasks import WORK_DIR, Task, TaskContainer, k3s_image, task_job
from k3k_core.names import ControlPlaneId
from k3k_core.resources import JOB, POD
from k3k_core.sandbox import Sandbox
from k3k_core.values import load_values

IDENTITY = ControlPlaneId("default", "dev")
GO = f"{WORK_DIR}/go"
ENDS = ("list", WORK_DIR)
FAILS = ("send", f"{WORK_DIR}/postgres://user:secret-word@db")


@pytest.fixture
async def host(kubeconfig: Path) -> AsyncIterator[Host]:
    async with open_host(HostOptions(kubeconfig=str(kubeconfig))) as opened:
        account = {"apiVersion": "v1", "kind": "ServiceAccount"}
        await opened.create({**account, "metadata": {"name": IDENTITY.root, "namespace": IDENTITY.namespace}})
        yield opened


def _job(
    *run: str, image: str = "", values: str = "{}", deadline: int = 600, before: str = ""
) -> dict[str, Any]:
    loaded = load_values(values).values
    containers = [TaskContainer("work", image or k3s_image(loaded), command(*run))]
    if before:
        containers.insert(0, TaskContainer("hold", k3s_image(loaded), command("await", before, "60")))
    return task_job(IDENTITY, loaded, Task("try", containers, deadline=deadline))


async def test_a_job_that_does_its_work_succeeds(host: Host) -> None:
    assert (await run_task(host, _job(*ENDS), timeout=30)).succeeded


async def test_one_that_fails_tells_its_last_words_without_credentials(host: Host) -> None:
    end = await run_task(host, _job(*FAILS), timeout=30)
    assert end.outcome == "failed"
    assert "No such file or directory" in end.log[-1]
    with pytest.raises(NotReadyError) as caught:
        end.require("Mend it.")
    assert "secret-word" not in caught.value.message
    assert caught.value.hint == "Mend it."


async def test_an_image_that_cannot_be_pulled_is_told_apart_before_the_time_is_over(host: Host) -> None:
    end = await run_task(host, _job(*ENDS, image="docker.io/rancher/k3s:v1.99.0-k3s1"), timeout=3600)
    assert end.outcome == "not pulled"


async def test_so_is_a_pod_that_no_node_takes_when_it_is(host: Host) -> None:
    job = _job(*ENDS, values="scheduling: {node_selector: {pool: nowhere}}")
    await start_task(host, job)

    def marked(pods: Mapping[str, dict[str, Any]]) -> bool | None:
        return any(trouble_of(pod) for pod in pods.values()) or None

    await wait_for(host, POD, IDENTITY.namespace, marked, timeout=60, what="the scheduler")
    end = await run_task(host, job, timeout=0.2)
    assert end.outcome == "not scheduled"
    assert "node" in end.detail


async def test_one_that_goes_on_for_too_long_is_not_over(host: Host) -> None:
    end = await run_task(host, _job("await", GO, "600"), timeout=0.2)
    assert end.outcome == "not over"


async def test_one_that_runs_already_is_waited_for_and_not_begun_again(sandbox: Sandbox, host: Host) -> None:
    job = _job("await", GO, "600")
    first = await start_task(host, job)
    assert (await start_task(host, job))["metadata"]["uid"] == first["metadata"]["uid"]
    assert len(sandbox.store.list(JOB)) == 1


async def test_one_of_another_content_takes_its_place(host: Host) -> None:
    first = await start_task(host, _job("await", GO, "600"))
    second = await start_task(host, _job("await", GO, "601"))
    assert first["metadata"]["uid"] != second["metadata"]["uid"]


async def test_one_that_has_failed_is_tried_again(host: Host) -> None:
    job = _job(*FAILS)
    await run_task(host, job, timeout=30)
    failed = await host.get(JOB, IDENTITY.namespace, job["metadata"]["name"])
    assert (await start_task(host, job))["metadata"]["uid"] != failed["metadata"]["uid"]


async def test_a_container_that_runs_before_the_others_can_be_reached_and_let_go_on(host: Host) -> None:
    job = await start_task(host, _job(*ENDS, before=GO))
    pod = await pod_of_task(host, job, "hold", timeout=30)
    await send_file(host, IDENTITY.namespace, pod, "hold", GO, b"")
    assert (await run_task(host, job, timeout=30)).succeeded


async def test_a_container_that_never_runs_is_an_error_that_says_why(host: Host) -> None:
    job = await start_task(host, _job(*ENDS, image="docker.io/rancher/k3s:v1.99.0-k3s1"))
    with pytest.raises(NotReadyError, match="its image cannot be pulled"):
        await pod_of_task(host, job, "work", timeout=60)


async def test_what_is_removed_is_gone_with_its_pods_and_twice_is_no_failure(
    sandbox: Sandbox, host: Host
) -> None:
    job = await start_task(host, _job("await", GO, "600"))
    await pod_of_task(host, job, "work", timeout=30)
    for _ in range(2):
        await remove_task(host, IDENTITY.namespace, job["metadata"]["name"])
    assert sandbox.store.list(JOB) == []
    assert sandbox.store.list(POD) == []
