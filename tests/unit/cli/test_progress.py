"""Steps on a terminal and elsewhere."""

from __future__ import annotations

import pytest

from k3k_core.cli.progress import Reporter
from k3k_core.cli.session import Console
from k3k_core.cli.terminal import Terminal
from k3k_core.lifecycle.progress import Step

ELSEWHERE = Terminal(glyphs=True)
A_TERMINAL = Terminal(interactive=True, glyphs=True, width=40)


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_elsewhere_each_step_is_one_line_with_its_time(
    capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    report = Reporter(Console(ELSEWHERE, ELSEWHERE), clock)
    report(Step("address", "started", "Service applied"))
    clock.now += 2.5
    report(Step("address", "done", "203.0.113.7:6443"))
    report(Step("volumes", "skipped", "there are none"))
    report(Step("ready", "warning", "pod a: Unschedulable"))
    assert capsys.readouterr().err.splitlines() == [
        "✓ address: 203.0.113.7:6443 (2.5s)",
        "- volumes: there are none (0.0s)",
        "! ready: pod a: Unschedulable",
    ]


def test_without_glyphs_the_signs_are_ascii(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    report = Reporter(Console(Terminal(), Terminal()), clock)
    report(Step("a", "done", "x"))
    report(Step("b", "warning", "y"))
    assert capsys.readouterr().err == "ok a: x (0.0s)\n!! b: y\n"


def test_quiet_shows_warnings_only(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    report = Reporter(Console(A_TERMINAL, A_TERMINAL, quiet=True), clock)
    report(Step("a", "started", "x"))
    report(Step("a", "warning", "trouble"))
    report(Step("a", "done", "x"))
    assert capsys.readouterr().err == "! a: trouble\n"


def test_verbose_shows_beginnings_elsewhere_too(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    report = Reporter(Console(ELSEWHERE, ELSEWHERE, verbose=True), clock)
    report(Step("a", "started", "x"))
    assert capsys.readouterr().err == "… a: x\n"


def test_a_terminal_shows_the_running_step_on_a_line_that_is_replaced(
    capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    report = Reporter(Console(A_TERMINAL, A_TERMINAL), clock)
    report(Step("ready", "started", "waiting for 1 server"))
    clock.now += 3
    report.tick()
    report(Step("ready", "done", "1 of 1 servers ready"))
    lines = capsys.readouterr().err.split("\r\x1b[2K")
    assert lines == [
        "",
        "⠋ waiting for 1 server 0.0s",
        "⠙ waiting for 1 server 3.0s",
        "✓ ready: 1 of 1 servers ready (3.0s)\n",
    ]


def test_the_live_line_never_wraps(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    report = Reporter(Console(A_TERMINAL, A_TERMINAL), clock)
    report(Step("ready", "started", "漢" * 100))
    line = capsys.readouterr().err.removeprefix("\r\x1b[2K")
    assert line.endswith("… 0.0s")
    assert sum(2 if char == "漢" else 1 for char in line) < A_TERMINAL.width


def test_several_running_steps_are_counted(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    report = Reporter(Console(A_TERMINAL, A_TERMINAL), clock)
    report(Step("a", "started", "first"))
    report(Step("b", "started", "second"))
    assert capsys.readouterr().err.endswith("⠋ first (and 1 more) 0.0s")


def test_a_message_from_a_cluster_cannot_move_the_cursor(
    capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    report = Reporter(Console(ELSEWHERE, ELSEWHERE), clock)
    report(Step("ready", "warning", "pod a: \x1b[2J\nboom"))
    assert capsys.readouterr().err == "! ready: pod a: \\e[2J\\nboom\n"
