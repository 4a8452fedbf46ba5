"""Programs that end, in the containers of the simulated node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from k3k_core.resources import CONFIG_MAP, PERSISTENT_VOLUME_CLAIM, POD, SECRET
from k3k_core.sandbox.controllers.pods import condition, is_ready
from k3k_core.sandbox.node.tasks import TaskRun, command_line, name_of
from tests.support.sandbox_objects import claim_template, pod
from tests.support.task_node import TaskNode, task_node

pytestmark = pytest.mark.looptime

MOUNTS = [{"name": "work", "mountPath": "/work"}, {"name": "pki", "mountPath": "/pki", "readOnly": True}]


async def _exit(run: TaskRun) -> int:
    """CODE: end with an exit code after a second."""
    await asyncio.sleep(1)
    return int(run.arguments[0])


async def _await_file(run: TaskRun) -> int:
    """PATH: end once a file is there."""
    while run.files.read(run.arguments[0]) is None:
        await run.files.changed()
    return 0


async def _write(run: TaskRun) -> int:
    """PATH: write the value of WORD into a file."""
    run.files.write(run.arguments[0], run.env["WORD"].encode())
    return 0


async def _copy(run: TaskRun) -> int:
    """FROM TO: copy a file."""
    content = run.files.read(run.arguments[0])
    await run.write(b"nothing there\n" if content is None else b"copied\n")
    run.files.write(run.arguments[1], content or b"")
    return 0


async def _break(run: TaskRun) -> int:
    """Fail in a way its author did not foresee."""
    raise ValueError(run.argv)


ended: list[str] = []


async def _last_words(run: TaskRun) -> int:
    """Run until it is ended, and note that."""
    try:
        await asyncio.sleep(10_000)
    finally:
        ended.append(run.pod["metadata"]["name"])
    return 0


PROGRAMS = {
    "last-words": _last_words,
    "exit": _exit,
    "await": _await_file,
    "sh write": _write,
    "copy": _copy,
    "break": _break,
}


@pytest.fixture
async def node() -> AsyncIterator[TaskNode]:
    async with task_node(PROGRAMS) as running:
        yield running


def container(*command: str, name: str = "main", **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "app:1", "command": list(command), "volumeMounts": MOUNTS, **more}


def task_pod(*containers: dict[str, Any], claim: str = "", **spec: Any) -> dict[str, Any]:
    work = {"persistentVolumeClaim": {"claimName": claim}} if claim else {"emptyDir": {}}
    volumes = [{"name": "work", **work}, {"name": "pki", "secret": {"secretName": "keys", "optional": True}}]
    return pod("task", *containers, volumes=volumes, **{"restartPolicy": "Never", **spec})


def _state(node: TaskNode, index: int = 0, kind: str = "containerStatuses") -> dict[str, Any]:
    state: dict[str, Any] = node.loop.get(POD, "task")["status"][kind][index]["state"]
    return state


@pytest.mark.parametrize(("code", "phase", "reason"), [(0, "Succeeded", "Completed"), (3, "Failed", "Error")])
async def test_a_pod_that_is_not_restarted_ends_as_its_program_does(
    node: TaskNode, code: int, phase: str, reason: str
) -> None:
    await node.loop.put(POD, task_pod(container("exit", str(code))))
    assert node.loop.get(POD, "task")["status"]["phase"] == "Running"
    ended = await node.until("task", phase)
    terminated = _state(node)["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (code, reason)
    assert not is_ready(ended)
    ready = condition(ended, "Ready")
    assert ready is not None
    assert ready["reason"] == {"Succeeded": "PodCompleted", "Failed": "PodFailed"}[phase]


async def test_a_pod_ends_with_the_last_of_its_containers(node: TaskNode) -> None:
    await node.loop.put(POD, task_pod(container("exit", "0"), container("await", "/work/go", name="second")))
    await asyncio.sleep(5)
    assert "terminated" in _state(node, 0)
    assert node.loop.get(POD, "task")["status"]["phase"] == "Running"


async def test_a_container_that_is_always_restarted_waits_before_each_start(node: TaskNode) -> None:
    await node.loop.put(POD, task_pod(container("exit", "0"), restartPolicy="Always"))
    await asyncio.sleep(2)
    assert _state(node)["waiting"]["reason"] == "CrashLoopBackOff"
    await asyncio.sleep(10)
    assert node.loop.get(POD, "task")["status"]["containerStatuses"][0]["restartCount"] == 1


async def test_the_others_wait_for_an_init_container(node: TaskNode) -> None:
    init = container("await", "/work/go", name="pki")
    await node.loop.put(POD, task_pod(container("exit", "0"), initContainers=[init]))
    await asyncio.sleep(30)
    (running,) = node.loop.get(POD, "task")["status"]["initContainerStatuses"]
    assert ("running" in running["state"], running["started"], running["ready"]) == (True, True, False)
    assert _state(node)["waiting"]["reason"] == "PodInitializing"
    initialized = condition(node.loop.get(POD, "task"), "Initialized")
    assert initialized is not None
    assert initialized["message"] == "containers with incomplete status: [pki]"

    uid = node.loop.get(POD, "task")["metadata"]["uid"]
    node.around.volumes.write(f"pod/{uid}/work", "go", b"")
    done = await node.until("task", "Succeeded")
    (status,) = done["status"]["initContainerStatuses"]
    assert (status["ready"], status["state"]["terminated"]["exitCode"]) == (True, 0)


async def test_an_init_container_that_fails_fails_a_pod_that_is_not_restarted(node: TaskNode) -> None:
    init = container("exit", "2", name="pki")
    await node.loop.put(POD, task_pod(container("exit", "0"), initContainers=[init]))
    await node.until("task", "Failed")
    assert _state(node)["waiting"]["reason"] == "PodInitializing"


async def test_an_init_container_that_fails_is_tried_again_elsewhere(node: TaskNode) -> None:
    init = container("exit", "2", name="pki")
    await node.loop.put(POD, task_pod(container("exit", "0"), initContainers=[init], restartPolicy="Always"))
    await asyncio.sleep(2)
    assert _state(node, 0, "initContainerStatuses")["waiting"]["reason"] == "CrashLoopBackOff"
    assert node.loop.get(POD, "task")["status"]["phase"] == "Pending"


async def test_an_init_container_that_nobody_knows_has_done_its_work_at_once(node: TaskNode) -> None:
    init = container("unheard-of", name="pki")
    await node.loop.put(POD, task_pod(container("exit", "0"), initContainers=[init]))
    await node.until("task", "Succeeded")
    assert node.kubelet.log("ns", "task", "pki").text() == ""


async def test_files_are_shared_between_containers_and_gone_with_the_pod(node: TaskNode) -> None:
    init = container(
        "/bin/sh", "-c", "...", "write", "/work/a/b", name="w", env=[{"name": "WORD", "value": "hi"}]
    )
    await node.loop.put(POD, task_pod(container("copy", "/work/a/b", "/work/c"), initContainers=[init]))
    done = await node.until("task", "Succeeded")
    volume = f"pod/{done['metadata']['uid']}/work"
    assert node.around.volumes.read(volume, "c") == b"hi"
    await node.loop.delete(POD, "task")
    assert node.around.volumes.names(volume) == []


async def test_files_on_a_claim_stay_until_the_claim_is_gone(node: TaskNode) -> None:
    claim = claim_template("data")
    claim["metadata"]["namespace"] = "ns"
    made = await node.loop.put(PERSISTENT_VOLUME_CLAIM, claim)
    volume = f"claim/{made['metadata']['uid']}"
    await node.loop.put(POD, task_pod(container("copy", "/nothing", "/work/c"), claim="data"))
    await node.until("task", "Succeeded")
    await node.loop.delete(POD, "task")
    assert node.around.volumes.names(volume) == ["c"]
    node.loop.store.remove(PERSISTENT_VOLUME_CLAIM, "ns", "data")
    await node.loop.manager.settled()
    assert node.around.volumes.names(volume) == []


async def test_a_program_reads_what_is_mounted_and_cannot_write_there(node: TaskNode) -> None:
    await node.loop.put(SECRET, {"metadata": {"name": "keys", "namespace": "ns"}, "data": {"ca.crt": "UEVN"}})
    await node.loop.put(POD, task_pod(container("copy", "/pki/ca.crt", "/pki/other")))
    await node.until("task", "Failed")
    assert (
        node.kubelet.log("ns", "task", "main").text() == "copied\ncopy: /pki/other: Read-only file system\n"
    )


async def test_an_environment_that_cannot_be_built_keeps_an_init_container_waiting(node: TaskNode) -> None:
    reference = {"configMapKeyRef": {"name": "words", "key": "word"}}
    init = container(
        "/bin/sh", "-c", "...", "write", "/work/a", name="w", env=[{"name": "WORD", "valueFrom": reference}]
    )
    await node.loop.put(POD, task_pod(container("exit", "0"), initContainers=[init]))
    assert _state(node, 0, "initContainerStatuses")["waiting"]["reason"] == "CreateContainerConfigError"
    words = {"metadata": {"name": "words", "namespace": "ns"}, "data": {"word": "hi"}}
    await node.loop.put(CONFIG_MAP, words)
    await node.until("task", "Succeeded")


async def test_a_simulation_that_breaks_fails_the_container_and_says_so(
    node: TaskNode, caplog: pytest.LogCaptureFixture
) -> None:
    await node.loop.put(POD, task_pod(container("break")))
    await node.until("task", "Failed")
    assert "the simulation of this program failed" in node.kubelet.log("ns", "task", "main").text()
    assert "simulated program break failed" in caplog.text


@pytest.mark.parametrize("kind", ["containers", "initContainers"])
async def test_deleting_a_pod_ends_its_program(node: TaskNode, kind: str) -> None:
    ended.clear()
    lasting = container("last-words", name="lasting")
    more: dict[str, Any] = {"initContainers": [lasting]} if kind == "initContainers" else {}
    await node.loop.put(POD, task_pod(*([] if more else [lasting]), **more))
    await node.loop.delete(POD, "task")
    await asyncio.sleep(0)
    assert (node.loop.names(POD), ended) == ([], ["task"])


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["/usr/bin/psql", "-c", "x"], ("psql", ("-c", "x"))),
        (["/bin/sh", "-c", "SCRIPT", "receive", "a", "b"], ("sh receive", ("a", "b"))),
        (["sh", "-c", "true"], ("sh", ("-c", "true"))),
        ([], ("", ())),
    ],
)
def test_a_program_is_known_by_its_name_and_a_script_by_the_one_it_is_run_with(
    argv: list[str], expected: tuple[str, tuple[str, ...]]
) -> None:
    assert name_of(argv) == expected


def test_without_a_command_the_image_decides() -> None:
    assert command_line({"args": ["server"]}) == []
    assert command_line({"command": ["k3s"], "args": ["server"]}) == ["k3s", "server"]
