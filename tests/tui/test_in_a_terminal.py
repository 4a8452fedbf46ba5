"""The dashboard as a process on a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

# Seconds after which something that never comes is a failure; a busy machine takes a few.
_LONGEST = 60.0


@dataclass
class Terminal:
    """A terminal with `k3k` on it.

    Attributes:
        process: `k3k`.
        master: the end where a person would sit.
        before: how the terminal was set before.
        seen: what was written to it.
    """

    process: subprocess.Popen[bytes]
    master: int
    slave: int
    before: list[object]
    seen: bytes = b""

    def wait_for(self, text: bytes) -> None:
        """Read until something has been written."""
        end = time.monotonic() + _LONGEST
        while text not in self.seen:
            assert time.monotonic() < end, f"never came: {text!r}; seen: {self.seen[-2000:]!r}"
            if select.select([self.master], [], [], 1)[0]:
                self.seen += os.read(self.master, 65536)

    def wait(self) -> int:
        """Read until the process has ended, and return its exit code."""
        end = time.monotonic() + _LONGEST
        while self.process.poll() is None:
            assert time.monotonic() < end, "it never ended"
            if select.select([self.master], [], [], 0.05)[0]:
                self.seen += os.read(self.master, 65536)
        while select.select([self.master], [], [], 0)[0]:
            self.seen += os.read(self.master, 65536)
        return self.process.returncode

    @property
    def is_as_before(self) -> bool:
        """Whether the terminal is set as it was, and shows what it showed."""
        left = self.seen.rfind(b"\x1b[?1049l") > self.seen.rfind(b"\x1b[?1049h")
        return left and termios.tcgetattr(self.slave) == self.before


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """`k3k` without any host, on a terminal of 80 columns and 24 lines."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "KUBECONFIG": str(tmp_path / "none.yaml"),
        "K3K_CONFIG": str(tmp_path / "config.yaml"),
    }
    (tmp_path / "config.yaml").write_text("tui: {keymap: emacs}\n", encoding="utf-8")
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(
        [sys.executable, "-m", "k3k_core.cli.main"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environ,
        start_new_session=True,
    )
    try:
        yield Terminal(process, master, slave, before)
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def test_it_opens_without_a_host_or_a_right_choice_says_so_and_ends_well(terminal: Terminal) -> None:
    terminal.wait_for(b"There is no keymap")
    terminal.wait_for(b"There is no host to talk to")
    os.write(terminal.master, b"q")
    assert terminal.wait() == 0
    assert terminal.is_as_before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_ends_it_and_gives_the_terminal_back(terminal: Terminal, number: signal.Signals) -> None:
    terminal.wait_for(b"Help")
    terminal.process.send_signal(number)
    assert terminal.wait() == 128 + number
    assert terminal.is_as_before
    assert b"Traceback" not in terminal.seen


def test_keys_that_come_all_at_once_are_for_what_each_opens(terminal: Terminal) -> None:
    terminal.wait_for(b"Help")
    os.write(terminal.master, b":hosts\r:jobs\r")
    terminal.wait_for(b"Nothing has been done yet.")
    assert b"hosts" in terminal.seen
    os.write(terminal.master, b":q\r")
    assert terminal.wait() == 0


def test_after_a_visit_to_the_shell_everything_is_drawn_again(terminal: Terminal) -> None:
    terminal.wait_for(b"Help")
    os.write(terminal.master, b"\x1a")
    os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED | os.WNOWAIT)
    terminal.seen = b""
    terminal.process.send_signal(signal.SIGCONT)
    for text in (b"k3k", b"control planes", b"Help"):
        terminal.wait_for(text)
    os.write(terminal.master, b"q")
    assert terminal.wait() == 0


def test_a_paste_presses_no_keys(terminal: Terminal) -> None:
    terminal.wait_for(b"Help")
    os.write(terminal.master, b"\x1b[200~x\x1b[31mq\x1b\rq\x1b[201~:jobs\r")
    terminal.wait_for(b"Nothing has been done yet.")
    os.write(terminal.master, b"q")
    assert terminal.wait() == 0


def test_it_ends_when_its_terminal_is_gone_though_no_signal_says_so(terminal: Terminal) -> None:
    terminal.wait_for(b"k3k")
    # What stays open in the name of the fixture is another file.
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 (a descriptor is wanted)
        os.dup2(nothing.fileno(), terminal.master)
    assert terminal.process.wait(_LONGEST) == 128 + signal.SIGHUP
