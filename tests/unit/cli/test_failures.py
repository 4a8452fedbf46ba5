"""Unexpected ends: bugs, closed pipes, full disks, several errors at once."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import k3k_core.lifecycle.create
from k3k_core.cli.failures import explain, redact
from k3k_core.errors import NotFoundError, UnreachableError
from tests.support.command import Command, FakeHosts, async_returning

SCRIPT = (sys.executable, "-m", "k3k_core.cli.main")
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIA\n-----END EC PRIVATE KEY-----"


def run(shell: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `$K3K` is the command."""
    environ = {**os.environ, "K3K": " ".join(SCRIPT)}
    return subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, env=environ, check=False, timeout=60
    )


def test_a_bug_is_one_line_without_a_traceback_and_without_its_message(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    monkeypatch.setattr(k3k_core.lifecycle.create, "create", async_returning(KeyError("the-secret")))
    ended = k3k("create", "ci")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("k3k: internal error: KeyError at ")
    assert ended.err.endswith(" (set K3K_DEBUG=1 for details)\n")
    assert "the-secret" not in ended.err


def test_debugging_shows_the_traceback_of_a_bug_without_its_secrets(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts
) -> None:
    monkeypatch.setenv("K3K_DEBUG", "1")
    bug = RuntimeError(f"cannot use {PEM} of postgres://user:hunter2@db/x, token: abc123")
    monkeypatch.setattr(k3k_core.lifecycle.create, "create", async_returning(bug))
    ended = k3k("create", "ci")
    assert "Traceback (most recent call last)" in ended.err
    assert "RuntimeError: cannot use" in ended.err
    for secret in ("MHcCAQEEIA", "hunter2", "abc123"):
        assert secret not in ended.err


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"a {PEM} b", "a [redacted] b"),
        ("mysql://root:pw@db/k3s", "mysql://[redacted]@db/k3s"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
        ("token=abc, next", "token=[redacted], next"),
        ('{"password": "abc"}', '{"password": [redacted]"}'),
        ("key " + "QUJD" * 12, "key [redacted]"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_secret_is_redacted(text: str, clean: str) -> None:
    assert redact(text) == clean


def test_several_errors_are_told_together_and_the_first_gives_the_exit_code() -> None:
    group = ExceptionGroup("", [UnreachableError("a is away.", hint="Wait."), NotFoundError("b is not.")])
    failure = explain(group)
    assert (failure.code, str(failure)) == (6, "k3k: a is away.\nb is not.\nhint: Wait.")


def test_the_same_error_twice_is_told_once() -> None:
    failure = explain(ExceptionGroup("", [NotFoundError("gone."), NotFoundError("gone.")]))
    assert str(failure) == "k3k: gone."


def test_a_group_with_a_bug_in_it_is_a_bug() -> None:
    assert explain(ExceptionGroup("", [NotFoundError("b"), ValueError("x")])).code == 1


def test_control_characters_in_an_error_are_spelled_out() -> None:
    assert str(explain(NotFoundError("no \x1b[2Jsuch\nthing"))) == "k3k: no \\e[2Jsuch\nthing"


def test_a_full_disk_is_told_in_one_sentence() -> None:
    failure = explain(OSError(errno.ENOSPC, "No space left on device", "/x/out.yaml"))
    assert str(failure) == "k3k: Could not write /x/out.yaml: No space left on device."


def test_an_abort_is_an_interruption() -> None:
    assert explain(click.Abort()).code == 130


def test_a_reader_that_goes_away_is_no_failure_to_talk_about() -> None:
    ended = run("set -o pipefail; $K3K --help | true; echo ${PIPESTATUS[0]}")
    assert ended.stderr == ""
    assert ended.stdout in {"141\n", "0\n"}


def test_nobody_reading_at_all_ends_silently() -> None:
    ended = run('exec 3> >(exec true); wait $!; $K3K --help >&3; echo "code $?"')
    assert (ended.stdout, ended.stderr) == ("code 141\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_a_failure_in_one_sentence() -> None:
    ended = run('$K3K --help > /dev/full; echo "code $?"')
    assert ended.stdout == "code 1\n"
    assert ended.stderr == "k3k: Could not write the output: No space left on device.\n"


def test_closed_output_is_no_failure() -> None:
    ended = run('$K3K --help >&- 2>&-; echo "code $?"')
    assert ended.stdout == "code 0\n"


def test_an_ascii_terminal_gets_escapes_instead_of_an_encoding_error() -> None:
    ended = run("PYTHONIOENCODING=ascii $K3K 'crea\u0302te'; true")
    assert "k3k: There is no command" in ended.stderr
    assert ended.stderr.isascii()
