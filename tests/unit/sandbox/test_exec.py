"""Programs run in the sandbox's containers, seen through the host room and through kubectl."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from k3k_core.errors import HostError, NotFoundError, UnreachableError
from k3k_core.host import Host
from k3k_core.lifecycle.transfer import fetch_bytes, file_size, list_files, remove_files, send_file
from k3k_core.manifests.scripts import command
from k3k_core.resources import POD
from k3k_core.sandbox.api.faults import Fault, Request
from tests.support.running_sandbox import RunningSandbox, running_sandbox, typed
from tests.support.sandbox_host import host_of


def _pod(name: str = "web", **spec: Any) -> dict[str, Any]:
    main = {
        "name": "main",
        "image": "rancher/k3s:v1.33.4-k3s1",
        "command": ["/bin/sh", "-c", "sleep 1000", "hold"],
        "volumeMounts": [{"name": "work", "mountPath": "/work"}],
    }
    volumes = [{"name": "work", "emptyDir": {}}]
    return typed(
        "Pod", {"metadata": {"name": name}, "spec": {"containers": [main], "volumes": volumes, **spec}}
    )


@pytest.fixture
async def running() -> AsyncIterator[RunningSandbox]:
    async with running_sandbox() as sandbox:
        await sandbox.put(_pod())
        await sandbox.until_ready(POD, "web")
        yield sandbox


@pytest.fixture
async def host(running: RunningSandbox, tmp_path: Path) -> AsyncIterator[Host]:
    async with host_of(running.sandbox, tmp_path) as opened:
        yield opened


async def test_a_file_that_is_sent_can_be_fetched_again(host: Host) -> None:
    content = bytes(range(256)) * 3000
    sent = await send_file(host, "ns", "web", "main", "/work/in/a.bin", content)
    assert await fetch_bytes(host, "ns", "web", "main", "/work/in/a.bin") == content
    assert sent.size == len(content) == await file_size(host, "ns", "web", None, "/work/in/a.bin")
    assert await list_files(host, "ns", "web", "main", "/work/in") == ["a.bin"]


async def test_a_file_that_is_removed_is_gone_and_removing_it_again_is_no_failure(host: Host) -> None:
    await send_file(host, "ns", "web", "main", "/work/a", b"1")
    for _ in range(2):
        await remove_files(host, "ns", "web", "main", "/work/a")
    assert await list_files(host, "ns", "web", "main", "/work") == []
    with pytest.raises(NotFoundError, match="no file /work/a"):
        await fetch_bytes(host, "ns", "web", "main", "/work/a")


async def test_a_file_of_another_digest_is_not_taken(host: Host) -> None:
    with pytest.raises(UnreachableError, match="damaged"):
        await send_file(host, "ns", "web", "main", "/work/a", b"1", sha256="00")
    assert await list_files(host, "ns", "web", "main", "/work") == []


async def test_a_file_that_breaks_off_leaves_nothing(host: Host) -> None:
    async def short() -> AsyncIterator[bytes]:
        yield b"half"

    with pytest.raises(UnreachableError, match="Only 4 of 8 bytes"):
        await send_file(host, "ns", "web", "main", "/work/a", short(), 8)
    assert await list_files(host, "ns", "web", "main", "/work") == []


async def test_a_script_the_sandbox_does_not_know_fails_and_says_so(host: Host) -> None:
    result = await host.exec("ns", "web", ["/bin/sh", "-c", "echo hi"])
    assert result.exit_code == 127
    assert "does not simulate" in result.stderr


async def test_a_program_that_does_not_exist_cannot_be_started(host: Host) -> None:
    with pytest.raises(HostError, match="executable file not found"):
        await host.exec("ns", "web", ["nonsense"])


async def test_a_container_that_does_not_exist_is_refused(host: Host) -> None:
    with pytest.raises(HostError, match="container nope is not valid for pod web"):
        await host.exec("ns", "web", command("list", "/"), container="nope")


async def test_a_pod_that_does_not_exist_is_not_found(host: Host) -> None:
    with pytest.raises(NotFoundError) as caught:
        await host.exec("ns", "nobody", command("list", "/"))
    assert "try again" in caught.value.hint


async def test_a_container_that_does_not_run_is_not_found(running: RunningSandbox, host: Host) -> None:
    pod = _pod("broken")
    pod["spec"]["containers"][0]["image"] = "rancher/k3s:nonsense"
    await running.put(pod)
    await running.until(POD, "broken", lambda each: (each.get("status") or {}).get("containerStatuses"))
    with pytest.raises(NotFoundError, match="container not found"):
        await host.exec("ns", "broken", command("list", "/"))


async def test_a_request_without_an_upgrade_is_refused(running: RunningSandbox) -> None:
    answer = await running.client.get("/api/v1/namespaces/ns/pods/web/exec?command=ls&stdout=true")
    assert (answer.status_code, answer.json()["message"]) == (400, "Upgrade request required")


async def test_a_run_counts_as_a_request_that_can_be_lost(running: RunningSandbox, host: Host) -> None:
    def lose(request: Request) -> Fault | None:
        return Fault(drop="after") if request.path.endswith("/exec") else None

    running.sandbox.faults.append(lose)
    with pytest.raises(UnreachableError, match="ended before the program"):
        await remove_files(host, "ns", "web", "main", "/work/a")
    running.sandbox.faults.clear()
    await remove_files(host, "ns", "web", "main", "/work/a")
    assert [each.status for each in running.sandbox.faults.requests] == [101]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
async def test_kubectl_runs_programs_too(running: RunningSandbox, host: Host, tmp_path: Path) -> None:
    await send_file(host, "ns", "web", "main", "/work/a", b"hello\n")
    config = tmp_path / "sandbox.yaml"
    program = await asyncio.create_subprocess_exec(
        "kubectl",
        f"--kubeconfig={config}",
        "exec",
        "-n",
        "ns",
        "-i",
        "web",
        "--",
        *command("send", "/work/a"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await program.communicate()
    assert (out, err, program.returncode) == (b"hello\n", b"", 0)
