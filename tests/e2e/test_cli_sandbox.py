"""`k3k sandbox` and `k3k demo` as processes."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from tests.support.programs import K3K, run, start

READY = b"k3k create"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, where running sandboxes are noted."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return folder


@asynccontextmanager
async def sandbox(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `k3k sandbox up` until the end of the block; it has said that it is ready."""
    process = await start([K3K, "sandbox", "up", *arguments])
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while READY not in (line := await process.stdout.readline()):
                assert line, (await process.communicate())[1].decode()
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def test_a_sandbox_writes_a_kubeconfig_and_removes_it_when_it_is_stopped(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "sandbox.yaml"
    async with sandbox("--kubeconfig", str(kubeconfig)) as process:
        document = yaml.safe_load(kubeconfig.read_text())
        assert document["current-context"] == "k3k-sandbox"
        assert kubeconfig.stat().st_mode & 0o777 == 0o600
        listed = await run(K3K, "list", kubeconfig=kubeconfig)
        assert "No control planes." in listed.checked().err
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode == 0
    assert not kubeconfig.exists()


async def test_down_stops_the_sandbox_that_runs() -> None:
    async with sandbox() as process:
        (await run(K3K, "sandbox", "down")).checked()
        assert await process.wait() == 0
    assert (await run(K3K, "sandbox", "down")).code == 3


async def test_a_folder_keeps_control_planes_over_a_restart(tmp_path: Path) -> None:
    folder, kubeconfig = tmp_path / "state", tmp_path / "sandbox.yaml"
    arguments = ("--data", str(folder), "--kubeconfig", str(kubeconfig))
    async with sandbox(*arguments):
        (await run(K3K, "create", "one", "-n", "team", kubeconfig=kubeconfig)).checked()
        (await run(K3K, "sandbox", "down", "--data", str(folder))).checked()
    async with sandbox(*arguments):
        listed = await run(K3K, "list", "-o", "name", kubeconfig=kubeconfig)
        assert listed.checked().out == "team/one\n"
        again = await run(K3K, "create", "one", "-n", "team", kubeconfig=kubeconfig)
        assert "exists" in again.checked().err


async def test_a_second_sandbox_on_the_same_folder_is_a_conflict(tmp_path: Path) -> None:
    async with sandbox("--data", str(tmp_path / "state")):
        second = await run(K3K, "sandbox", "up", "--data", str(tmp_path / "state"))
        assert second.code == 4


async def test_a_port_that_is_taken_is_told_in_one_sentence() -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        refused = await run(K3K, "sandbox", "up", "--port", str(port))
    assert refused.code == 1
    assert str(port) in refused.err
    assert "internal error" not in refused.err


async def test_a_kubeconfig_of_something_else_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "config"
    other.write_text("precious")
    refused = await run(K3K, "sandbox", "up", "--kubeconfig", str(other))
    assert refused.code == 2
    assert other.read_text() == "precious"


async def test_the_demo_prints_a_fleet_of_which_some_is_in_trouble_and_ends_where_there_is_no_terminal() -> (
    None
):
    finished = (await run(K3K, "demo", "--seed", "3")).checked()
    heading, *rows = finished.out.splitlines()
    assert heading.startswith("NAME ")
    cells = {f"{row.split()[1]}/{row.split()[0]}": row.split() for row in rows}
    assert len(cells) == 12
    assert {row[5] for row in cells.values()} >= {"sqlite", "etcd", "external"}
    by_helm = " ".join(cells["legacy/intranet"])
    assert re.search(r" Healthy .* \d+(\.\d+)? ms .* helm ", by_helm), by_helm
    wrong = [line.partition(": ")[2] for line in finished.err.splitlines() if "on purpose" in line]
    troubles = {what: cells[identity] for identity, _, what in (line.partition(", ") for line in wrong)}
    assert troubles.pop("one server is down")[2] == "Degraded"
    assert troubles.pop("all servers are down")[2] == "Down"
    certificates = troubles.pop("certificates are running out")
    assert certificates[2] == "Degraded"
    assert "8d" in certificates
    assert "deployment" in troubles.pop("a controller's queue is stuck")
    assert set(troubles) == {"more load than it can take"}
    assert [row[2] for row in cells.values()].count("Healthy") == 9


async def test_the_demo_can_be_had_without_troubles() -> None:
    finished = (await run(K3K, "demo", "--healthy", "--clusters", "3")).checked()
    assert {row.split()[2] for row in finished.out.splitlines()[1:]} == {"Healthy"}
    assert "on purpose" not in finished.err


async def test_faults_are_listed_with_what_is_seen_of_them() -> None:
    listed = (await run(K3K, "sandbox", "faults")).checked().out
    assert "queue-stuck" in listed
    assert "certificates-expiring[:DAYS]" in listed


def demos(folder: Path) -> list[Path]:
    """The folders of demos."""
    return list(folder.glob("k3k-demo-*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_demo_that_is_told_to_end_leaves_no_credentials(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = await start([K3K, "demo", "--clusters", "100"], env={"TMPDIR": str(tmp_path)})
    assert process.stderr is not None
    async with asyncio.timeout(60):
        await process.stderr.readline()
        assert len(demos(tmp_path)) == 1
        process.send_signal(number)
        await process.communicate()
    assert process.returncode == 128 + number
    assert not demos(tmp_path)
