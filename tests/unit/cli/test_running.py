"""How running sandboxes are found and stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from k3k_core.cli.running import Running, claim, find_running, stop
from k3k_core.errors import ConflictError, K3kError, NotFoundError, UsageError

# A process that holds a place until it is told to stop, and says so when it has it.
HOLDER = """
import signal, sys
from pathlib import Path
from k3k_core.cli.running import Running, claim
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
folder = Path(sys.argv[2]) if sys.argv[2] else None
with claim(folder) as slot:
    slot.announce(Running.of_this_process(sys.argv[1], slot.kubeconfig))
    print("held", flush=True)
    signal.pause()
"""


class Holders:
    """Starts such processes and ends them."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []

    def start(self, url: str, folder: Path | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, url, str(folder or "")], stdout=subprocess.PIPE, text=True
        )
        self.started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture
def holders() -> Iterator[Holders]:
    made = Holders()
    yield made
    made.end()


def test_a_sandbox_with_a_folder_is_found_by_it_and_stopped(holders: Holders, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    process = holders.start("https://127.0.0.1:6550", folder)
    found = find_running(folder, None)
    assert (found.pid, found.url) == (process.pid, "https://127.0.0.1:6550")
    assert found.kubeconfig == str(folder / "kubeconfig.yaml")
    stop(found)
    assert process.wait(10) == 0
    with pytest.raises(NotFoundError, match="No sandbox is running on"):
        find_running(folder, None)


def test_the_only_sandbox_without_a_folder_needs_no_name(holders: Holders) -> None:
    process = holders.start("https://127.0.0.1:6551")
    assert find_running(None, None).pid == process.pid


def test_one_of_several_has_to_be_named(holders: Holders) -> None:
    first = holders.start("https://127.0.0.1:6551")
    holders.start("https://127.0.0.1:6552")
    with pytest.raises(UsageError, match="Several sandboxes are running"):
        find_running(None, None)
    assert find_running(None, 6551).pid == first.pid


def test_a_second_sandbox_on_the_same_folder_is_a_conflict(holders: Holders, tmp_path: Path) -> None:
    holders.start("https://127.0.0.1:6550", tmp_path)
    with pytest.raises(ConflictError, match="already runs"), claim(tmp_path):
        pass


def test_one_that_was_killed_is_neither_found_nor_in_the_way(holders: Holders, tmp_path: Path) -> None:
    process = holders.start("https://127.0.0.1:6550", tmp_path)
    process.kill()
    process.wait()
    with pytest.raises(NotFoundError):
        find_running(tmp_path, None)
    with claim(tmp_path) as slot:
        slot.announce(Running.of_this_process("https://127.0.0.1:6553", slot.kubeconfig))
        assert find_running(tmp_path, None).url == "https://127.0.0.1:6553"


def test_nothing_running_is_not_found_and_says_where_else_one_may_be() -> None:
    with pytest.raises(NotFoundError, match="No sandbox is running") as caught:
        find_running(None, None)
    assert "--data" in caught.value.hint


def test_a_port_where_none_runs_is_named(holders: Holders) -> None:
    holders.start("https://127.0.0.1:6551")
    with pytest.raises(NotFoundError, match="at port 6552"):
        find_running(None, 6552)


def test_the_lock_is_the_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with claim(tmp_path):
            assert (tmp_path / "sandbox.lock").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_a_home_that_cannot_be_written_says_how_to_do_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(file))
    with pytest.raises(K3kError, match="cannot be used") as caught, claim(None):
        pass
    assert "--data" in caught.value.hint
