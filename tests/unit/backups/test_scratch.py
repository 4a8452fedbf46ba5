"""Folders for what is under way: nothing stays in them, whatever a process dies of."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from k3k_core.backups.scratch import scratch_folder

HOLDER = """
import sys
from k3k_core.backups.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "state.db").write_bytes(b"in the clear")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_a_folder_is_for_its_owner_alone_and_gone_at_the_end() -> None:
    with scratch_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "state.db").write_bytes(b"in the clear")
    assert not folder.exists()


def test_what_a_killed_process_left_goes_with_the_next_one_and_what_a_live_one_has_stays() -> None:
    line = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        theirs = Path(process.stdout.readline().strip())
        with scratch_folder():
            assert (theirs / "state.db").exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (theirs / "state.db").exists()
    with scratch_folder():
        assert not theirs.exists()
