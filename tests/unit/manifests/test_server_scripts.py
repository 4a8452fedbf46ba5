"""The scripts for a server's files, run by a real shell on real files and processes."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from k3k_core.manifests.scripts import command

# What k3s runs them with, where there is one.
SHELL = [shutil.which("busybox") or "/bin/sh", *(["sh"] if shutil.which("busybox") else [])]

# Writes to a database for ever, in the journal mode of kine, and tells when it has begun; some rows are in the log.
WRITER = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode=WAL")
database.execute("CREATE TABLE pairs (one INTEGER, other INTEGER)")
number = 0
while True:
    number += 1
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO pairs VALUES (?, ?)", (number, number))
    database.execute("COMMIT")
    if number == 50:
        print("begun", flush=True)
"""


def run(words: list[str], env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    line = [*SHELL, *words[1:]]
    return subprocess.run(
        line, capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})}, check=False
    )


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that writes to `state.db`, as k3s does."""
    line = [sys.executable, "-c", WRITER, str(tmp_path / "state.db")]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    yield process
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()
    process.stdout.close()


def state_of(process: subprocess.Popen[str]) -> str:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0]


def copied(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    return run(command("copy-database", str(tmp_path / "state.db"), str(tmp_path / "copy"), "20"))


def test_a_database_is_copied_whole_while_its_writer_is_held_and_the_writer_goes_on(
    tmp_path: Path, writer: subprocess.Popen[str]
) -> None:
    finished = copied(tmp_path)
    assert (finished.returncode, finished.stderr) == (0, "")
    with sqlite3.connect(tmp_path / "copy" / "state.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows, last, wrong = database.execute(
            "SELECT COUNT(*), MAX(one), SUM(one != other) FROM pairs"
        ).fetchone()
    database.close()
    assert (rows >= 50, rows == last, wrong) == (True, True, 0)
    assert state_of(writer) != "T"
    assert writer.poll() is None


def test_a_copy_that_takes_too_long_is_given_up_and_its_writer_goes_on(
    tmp_path: Path, writer: subprocess.Popen[str]
) -> None:
    # Copying takes as long as the writer is held.
    slow = tmp_path / "bin" / "cat"
    slow.parent.mkdir()
    held = f"/proc/{writer.pid}/stat"
    slow.write_text(f"#!/bin/sh\nwhile grep -q ') T ' {held}; do :; done\nexec /bin/cat \"$@\"\n")
    slow.chmod(0o755)
    words = command("copy-database", str(tmp_path / "state.db"), str(tmp_path / "copy"), "0.2")
    env = {**os.environ, "PATH": f"{slow.parent}:{os.environ['PATH']}"}
    finished = subprocess.run(words, capture_output=True, text=True, timeout=60, env=env, check=False)
    assert (finished.returncode, "took longer than" in finished.stderr) == (5, True)
    assert not (tmp_path / "copy").exists()
    assert state_of(writer) != "T"


def test_a_database_that_nobody_has_open_is_not_taken_for_one_that_rests(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"")
    finished = copied(tmp_path)
    assert (finished.returncode, "no process has" in finished.stderr) == (3, True)
    assert not (tmp_path / "copy").exists()


@dataclass(frozen=True)
class Server:
    """Folders as a server's init container has them."""

    root: Path

    @property
    def files(self) -> Path:
        return self.root / "data" / "server"

    def env(self, restore: str = "") -> dict[str, str]:
        data = self.root / "data"
        return {
            "RESTORE": restore,
            "SERVER_DIR": str(data / "server"),
            "RESTORE_DIR": str(data / "restore"),
            "PASSWD": str(data / "server/cred/passwd"),
            "PKI_DIR": str(self.root / "pki"),
            "TLS_DIR": str(data / "server/tls"),
            "TOKENS_DIR": str(self.root / "tokens"),
            "NODE_DIR": str(self.root / "rancher/node"),
            "MANIFESTS_DIR": str(self.root / "no-manifests"),
            "K3S_MANIFESTS_DIR": str(data / "server/manifests/k3k"),
        }

    def prepare(self, restore: str = "") -> subprocess.CompletedProcess[str]:
        return run(command("prepare-server"), self.env(restore))

    def send(self, restore: str, database: bytes | None) -> None:
        folder = self.root / "data" / "restore"
        folder.mkdir(parents=True, exist_ok=True)
        if database is not None:
            (folder / "state.db").write_bytes(database)
        (folder / "go").write_text(f"{restore}\n")

    def write(self, path: str, text: str) -> None:
        target = self.files / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def found(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.files)): path.read_text().strip()
            for path in self.files.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """What a server is given before its first start."""
    for path, text in (
        ("pki/server-ca.crt", "ours"),
        ("pki/etcd-peer-ca.crt", "peers"),
        ("tokens/node-password", "p"),
    ):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (tmp_path / "data").mkdir()
    return Server(tmp_path)


def test_a_first_start_finds_the_authorities_where_k3s_looks(server: Server) -> None:
    assert server.prepare().returncode == 0
    assert server.found() == {"tls/server-ca.crt": "ours", "tls/etcd/peer-ca.crt": "peers"}
    assert (server.root / "rancher/node/password").read_text() == "p"


def test_authorities_that_are_there_stay_and_what_k3s_makes_of_the_tokens_goes(server: Server) -> None:
    server.write("tls/server-ca.crt", "of k3s")
    server.write("cred/passwd", "old")
    server.write("cred/encryption-config.json", "kept")
    assert server.prepare().returncode == 0
    found = server.found()
    assert (found["tls/server-ca.crt"], found["cred/encryption-config.json"]) == ("of k3s", "kept")
    assert "cred/passwd" not in found


def test_what_is_restored_replaces_what_there_was(server: Server) -> None:
    for path in ("db/state.db", "db/state.db-wal", "tls/server-ca.crt", "cred/encryption-config.json"):
        server.write(path, "old")
    server.send("attempt-1", b"new")
    finished = server.prepare("attempt-1")
    assert (finished.returncode, finished.stdout) == (0, "waiting for what is restored: attempt-1\n")
    assert server.found() == {
        ".k3k-restored": "attempt-1",
        "db/state.db": "new",
        "tls/server-ca.crt": "ours",
        "tls/etcd/peer-ca.crt": "peers",
    }
    assert not (server.root / "data/restore").exists()


def test_a_server_that_was_restored_does_not_wait_again(server: Server) -> None:
    server.write(".k3k-restored", "attempt-1\n")
    server.write("db/state.db", "newer")
    finished = server.prepare("attempt-1")
    assert (finished.returncode, finished.stdout) == (0, "")
    assert server.found()["db/state.db"] == "newer"


def test_a_restore_that_was_stopped_after_the_database_was_moved_goes_on(server: Server) -> None:
    server.write("db/state.db", "new")
    server.send("attempt-1", None)
    assert server.prepare("attempt-1").returncode == 0
    assert server.found()["db/state.db"] == "new"


@contextmanager
def preparing(server: Server, restore: str) -> Iterator[subprocess.Popen[str]]:
    line = [*SHELL, *command("prepare-server")[1:]]
    env = {**os.environ, **server.env(restore)}
    with subprocess.Popen(line, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_server_waits_until_what_it_waits_for_is_there(server: Server) -> None:
    server.send("an earlier attempt", b"old")
    with preparing(server, "attempt-2") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting for what is restored: attempt-2\n"
        assert process.poll() is None
        server.send("attempt-2", b"new")
        assert process.wait(timeout=30) == 0
    assert server.found()["db/state.db"] == "new"


def test_a_server_that_waits_ends_when_it_is_asked_to(server: Server) -> None:
    with preparing(server, "attempt-2") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        assert process.wait(timeout=30) == 143
