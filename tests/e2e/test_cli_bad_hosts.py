"""Hosts that cannot be used: an exit code and one clear sentence, within the request time-out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
import yaml

from tests.support.bad_hosts import answering, garbage, hanging_up, listening, refusing, silent
from tests.support.command import Command, isolate

REQUEST_TIMEOUT = 1.0
# Starting the client's libraries takes a while on a busy machine; a request without any limit would take far longer.
PATIENCE = 30.0


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
    with nullcontext():
        yield refusing()


HOSTS: dict[str, tuple[Callable[[], object], int]] = {
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
    make, code = HOSTS[case]
    host = make()
    with host as url:  # type: ignore[attr-defined]  # every maker returns a context manager
        began = time.monotonic()
        ended = k3k(
            *verb, "--kubeconfig", kubeconfig(tmp_path, url), "--request-timeout", f"{REQUEST_TIMEOUT}s"
        )
        took = time.monotonic() - began
    told = [line for line in ended.err.splitlines() if not line.startswith("hint: ")]
    assert (ended.code, ended.out, len(told)) == (code, "", 1), ended.err
    assert told[0].startswith("k3k: ")
    assert "internal error" not in ended.err
    assert "very-secret-token" not in ended.err
    assert took < PATIENCE
