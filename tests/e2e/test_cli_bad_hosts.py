"""Hosts that cannot be used: an exit code and one clear sentence, within the request time-out."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import yaml

from tests.support.bad_hosts import answering, garbage, hanging_up, listening, refusing, silent
from tests.support.command import Command, isolate

REQUEST_TIMEOUT = "1s"

# A request without a limit would wait for ever.
pytestmark = pytest.mark.timeout(30)


def status(code: int, reason: str, message: str) -> str:
    """A Status object as an API server sends it."""
    return json.dumps(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }
    )


FORBIDDEN = status(403, "Forbidden", 'secrets is forbidden: User "jane" cannot list resource "secrets"')
UNAUTHORIZED = status(401, "Unauthorized", "Unauthorized")
HTML = "<html><body>Please log in to the guest network</body></html>"


@contextmanager
def nobody() -> Iterator[str]:
    """A port on which nobody listens."""
    yield refusing()


HOSTS: dict[str, tuple[Callable[[], AbstractContextManager[str]], int]] = {
    "nobody listens": (nobody, 6),
    "never answers": (lambda: listening(silent), 6),
    "speaks garbage": (lambda: listening(garbage), 6),
    "hangs up": (lambda: listening(hanging_up), 6),
    "is a login page": (lambda: listening(answering("200 OK", HTML, "text/html")), 6),
    "is not JSON": (lambda: listening(answering("200 OK", "{")), 6),
    "is JSON of another kind": (lambda: listening(answering("200 OK", "[1, 2]")), 6),
    "forbids": (lambda: listening(answering("403 Forbidden", FORBIDDEN)), 7),
    "does not know me": (lambda: listening(answering("401 Unauthorized", UNAUTHORIZED)), 7),
}


@pytest.fixture
def k3k(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    isolate(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    return Command(monkeypatch)


def kubeconfig(folder: Path, server: str) -> str:
    """Write a kubeconfig for a host without TLS."""
    path = folder / "kubeconfig.yaml"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bad",
        "clusters": [{"name": "bad", "cluster": {"server": server}}],
        "contexts": [{"name": "bad", "context": {"cluster": "bad", "user": "bad"}}],
        "users": [{"name": "bad", "user": {"token": "very-secret-token"}}],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("verb", [["list"], ["describe", "ci"], ["create", "ci", "--timeout", "3s"]])
@pytest.mark.parametrize("case", list(HOSTS))
def test_a_host_that_cannot_be_used_is_told_in_one_sentence(
    k3k: Command, tmp_path: Path, case: str, verb: list[str]
) -> None:
    host, code = HOSTS[case]
    with host() as url:
        ended = k3k(*verb, "--kubeconfig", kubeconfig(tmp_path, url), "--request-timeout", REQUEST_TIMEOUT)
    told = [line for line in ended.err.splitlines() if not line.startswith("hint: ")]
    assert (ended.code, ended.out, len(told)) == (code, "", 1), ended.err
    assert told[0].startswith("k3k: ")
    assert "internal error" not in ended.err
    assert "very-secret-token" not in ended.err


def test_ctrl_c_ends_a_create_that_hangs_and_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(monkeypatch, tmp_path)
    asked = threading.Event()

    def ask(connection: socket.socket) -> None:
        connection.recv(65536)
        asked.set()
        silent(connection)

    with listening(ask) as url:
        process = subprocess.Popen(
            [sys.executable, "-m", "k3k_core.cli.main", "create", "ci"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "KUBECONFIG": kubeconfig(tmp_path, url)},
        )
        try:
            assert asked.wait(30)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait()
    assert (process.returncode, out) == (130, "")
    assert err == "k3k: Interrupted. The same command goes on where it stopped.\n"
