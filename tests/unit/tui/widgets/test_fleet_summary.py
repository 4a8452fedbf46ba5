"""The header of the fleet screen, and what stands there instead of an empty table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from k3k_core.fleet import HostState
from k3k_tui.look.glyphs import ASCII, UNICODE
from k3k_tui.view.lines import Line, line_width
from k3k_tui.view.state import ViewState
from k3k_tui.view.totals import FleetCourse, Totals
from k3k_tui.widgets.empty_fleet import empty_fleet
from k3k_tui.widgets.fleet_summary import FleetFacts, summary_lines

NOW = 1_000_000.0
WELL = HostState("prod", True, NOW - 60, listed=True, control_planes=7)
LOST = HostState("edge", False, NOW - 200, "Host edge does not answer.", "Check its address.", listed=True)
TOTALS = Totals(
    rows=9,
    shown=9,
    verdicts={"Healthy": 6, "Down": 1, "Degraded": 2},
    servers_ready=8,
    servers_wanted=9,
    rate=120.0,
    errors=0.01,
    p99=0.25,
)


def text(lines: tuple[Line, ...]) -> list[str]:
    """The lines as text."""
    return ["".join(cell.text for cell in line).rstrip() for line in lines]


def facts(*hosts: HostState, totals: Totals = TOTALS, error: str = "", hint: str = "") -> FleetFacts:
    """Facts about a fleet."""
    course = FleetCourse()
    for moment in range(40):
        course.record(NOW + 5 * moment, totals)
    return FleetFacts(totals, course, hosts, NOW, error, hint)


def test_verdicts_are_told_by_sign_and_word_the_worst_first() -> None:
    (verdicts, *_) = text(summary_lines(facts(WELL), 120, 40, UNICODE))
    assert verdicts == " 9 control planes  ✖ 1 Down  ▲ 2 Degraded  ● 6 Healthy"


def test_figures_have_their_course_beside_them_where_there_is_room() -> None:
    wide = text(summary_lines(facts(WELL), 160, 40, ASCII))[1]
    narrow = text(summary_lines(facts(WELL), 40, 40, ASCII))[1]
    assert wide.count("=" * 12) == 4
    assert "=" not in narrow
    for told in ("REQ/S", "120", "P99", "250ms", "ERR", "1%", "FAULTS", "3"):
        assert told in wide
    assert narrow.split()[:4] == ["REQ/S", "120", "P99", "250ms"]


def test_the_figures_fit_a_terminal_of_80_columns() -> None:
    figures = summary_lines(facts(WELL), 80, 24, UNICODE)[1]
    assert line_width(figures) <= 80
    assert text((figures,))[0].endswith("SERVERS 8/9")


def test_a_lost_host_says_since_when_why_and_what_to_do() -> None:
    told = text(summary_lines(facts(WELL, LOST), 120, 24, UNICODE))
    assert told[2] == " HOSTS  ✖ edge out of date  ● prod 7"
    assert told[3] == "   edge for 3m20s: Host edge does not answer. Check its address."


def test_a_low_terminal_tells_of_one_lost_host_and_counts_the_others() -> None:
    lost = [replace(LOST, name=f"edge-{number}") for number in range(6)]
    low = text(summary_lines(facts(*lost), 80, 24, UNICODE))
    assert len(low) <= 6
    assert low[-1] == "   5 more hosts in trouble. All hosts: :hosts"
    assert len(text(summary_lines(facts(*lost), 160, 50, UNICODE))) == 8


def test_the_remedy_is_told_whole_where_the_table_leaves_room() -> None:
    wordy = replace(LOST, error="It failed. " * 20, hint="Log in again.")
    few, many = (
        text(summary_lines(facts(wordy, totals=replace(TOTALS, shown=shown)), 80, 24, UNICODE))
        for shown in (3, 100)
    )
    assert few[-1].endswith("Log in again.")
    assert len(many) == 5


def test_more_hosts_than_fit_are_counted() -> None:
    many = [replace(WELL, name=f"host-{number}") for number in range(40)]
    assert text(summary_lines(facts(*many), 80, 24, UNICODE))[2].endswith("more")


def test_a_host_that_has_not_answered_is_connecting() -> None:
    waiting = HostState("new", False, NOW)
    assert "◐ new connecting" in text(summary_lines(facts(waiting), 80, 24, UNICODE))[2]


def test_why_there_is_no_fleet_is_told_with_what_to_do() -> None:
    told = text(summary_lines(facts(error="No kubeconfig.", hint="Set KUBECONFIG."), 80, 24, UNICODE))
    assert told[2] == "   No kubeconfig. Set KUBECONFIG."


def test_what_a_host_says_cannot_control_the_terminal() -> None:
    hostile = replace(LOST, name="\x1b]0;x\x07", error="\x1b[2J\u202e" + "x" * 5000, hint="[red]")
    for line in summary_lines(facts(hostile), 80, 24, UNICODE):
        for cell in line:
            assert cell.text.isprintable()


def why(
    rows: int = 0, state: ViewState | None = None, hosts: tuple[HostState, ...] = (WELL,), **other: Any
) -> str:
    """What an empty table says."""
    given = {"opening": False, "error": "", "read_only": False, **other}
    lines = empty_fleet(
        rows=rows, state=state or ViewState(), hosts=hosts, key=lambda name: f"<{name}>", **given
    )
    return " ".join(" ".join(text(lines)).split())


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (why(hosts=()), "There are no hosts."),
        (why(hosts=(), opening=True), "Connecting"),
        (why(hosts=(HostState("new", False, NOW), WELL)), "Connecting: new"),
        (
            why(hosts=(LOST,)),
            "No host can be reached. What each of them answers, and what to do: <app.hosts>",
        ),
        (why(error="No kubeconfig."), "There is no fleet. No kubeconfig."),
        (why(), "Create one: <control-plane.create>, or on the command line: k3k create NAME"),
        (why(read_only=True), "This dashboard is read-only"),
        (why(3, ViewState(faults_only=True)), "All of 3 control planes are well. Show them: <fleet.faults>"),
        (why(1, ViewState(filter="x")), "None of 1 control plane matches x. Show all: <fleet.clear>"),
        (why(2, ViewState(filter="x", faults_only=True)), "matches x and is not well."),
    ],
)
def test_an_empty_table_says_why_and_what_to_do(said: str, expected: str) -> None:
    assert expected in said
