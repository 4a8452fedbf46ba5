"""What the cells of a row say."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from k3k_core.cli.terminal import UNSAFE
from k3k_core.fleet import FleetRow
from k3k_core.fleet.rows import Reach
from k3k_core.telemetry.history import History
from k3k_core.telemetry.judgement import Finding, Judgement, Severity, Verdict
from k3k_core.telemetry.rules import load_rules
from k3k_core.telemetry.signals.model import CertificateSignal, ControllerSignals, Signals
from k3k_tui.look.glyphs import ASCII, UNICODE, Glyphs
from k3k_tui.view import row_cells
from k3k_tui.view.cells import Cell
from k3k_tui.view.columns import COLUMNS
from k3k_tui.view.row_cells import cells, group_cells
from tests.support.fleet_rows import DAY, HOSTILE, NOW, fleet_row, full_signals, hostile_signals, queue


def cell(row: FleetRow, column: str, glyphs: Glyphs = UNICODE, history: History | None = None) -> Cell:
    """One cell of a row."""
    found = None if history is None else (lambda _key: history)
    return cells(row, [COLUMNS[column]], NOW, glyphs, found)[0]


def judged(row: FleetRow, verdict: Verdict, *rules: tuple[str, Severity], pending: bool = False) -> FleetRow:
    """The same row with some rules firing, or waiting for their time."""
    findings = tuple(
        Finding(rule, severity, verdict, "", 2.0, "seconds", 1.0, NOW, "It is slow.", "Wait.")
        for rule, severity in rules
    )
    made = Judgement(verdict, NOW, () if pending else findings, findings if pending else ())
    return replace(row, judgement=made)


def with_certificate(days: float) -> FleetRow:
    """A control plane whose first certificate ends in some days."""
    certificate = CertificateSignal("serving", "", NOW + days * DAY, days, "handshake")
    return fleet_row(signals=Signals(NOW, 15.0, certificates=(certificate,)))


@pytest.mark.parametrize("verdict", get_args(Verdict))
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_a_verdict_is_a_sign_and_a_word_and_fits(verdict: Verdict, glyphs: Glyphs) -> None:
    shown = cell(judged(fleet_row(), verdict), "verdict", glyphs)
    assert shown == Cell(f"{glyphs.verdicts[verdict]} {verdict}", verdict.lower())  # type: ignore[arg-type]
    assert len(shown.text) <= COLUMNS["verdict"].width


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("name", "ci"),
        ("host", "prod"),
        ("namespace", "team-a"),
        ("system", "k3k"),
        ("version", "1.36.2+k3s1"),
        ("servers", "1/1"),
        ("datastore", "sqlite"),
        ("datastore-latency", "300ms"),
        ("p50", "100ms"),
        ("p99", "300ms"),
        ("errors", "1%"),
        ("rate", "10"),
        ("queue", "30"),
        ("queue-name", "queue-0"),
        ("certificates", "ended"),
        ("memory", "477MiB"),
        ("cpu", "0.2"),
        ("size", "4.77MiB"),
        ("burn", "0.5"),
        ("age", "24h"),
        ("ttl", "-"),
        ("since", "24h"),
        ("seen", "0s"),
        ("way", "pods"),
        ("endpoint", "203.0.113.7:6443"),
        ("reason", "-"),
        ("latency", "-"),
    ],
)
def test_what_is_known_is_shown_shortly(column: str, text: str) -> None:
    row = replace(fleet_row(signals=full_signals()), reach=Reach("pods"))
    assert cell(row, column).text == text


def test_what_is_not_known_is_a_muted_dash_and_never_zero() -> None:
    row = fleet_row(created_at=None, version="", datastore="", endpoint="")
    measured = (
        "p50",
        "p99",
        "errors",
        "rate",
        "queue",
        "queue-name",
        "certificates",
        "memory",
        "cpu",
        "size",
    )
    for column in (*measured, "burn", "seen", "age", "version", "datastore", "endpoint", "way", "latency"):
        assert cell(row, column) == Cell("-", "muted"), column


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (0.0004, "<1ms"), (0.0123, "12.3ms"), (0.25, "250ms"), (1.5, "1.5s"), (60.0, "1min")],
)
def test_latencies_keep_the_digits_of_the_command_line(seconds: float, text: str) -> None:
    assert cell(fleet_row(signals=full_signals(scale=seconds / 0.3)), "p99").text == text


@pytest.mark.parametrize(
    ("days", "text", "role"),
    [
        (90.0, "90d", "text"),
        (29.5, "29d", "warn"),
        (6.9, "6d", "bad"),
        (1.5, "36h", "bad"),
        (-3.0, "ended", "bad"),
    ],
)
def test_a_certificate_stands_out_as_its_end_comes_near(days: float, text: str, role: str) -> None:
    shown = cell(with_certificate(days), "certificates")
    assert (shown.text, shown.role) == (text, role)


def test_days_of_a_certificate_are_counted_from_now_and_not_from_when_it_was_seen() -> None:
    row = with_certificate(10)
    assert cells(row, [COLUMNS["certificates"]], NOW + 5 * DAY, UNICODE)[0].text == "5d"


@pytest.mark.parametrize(
    ("ready", "wanted", "role"), [(3, 3, "text"), (2, 3, "warn"), (0, 3, "bad"), (0, 0, "text")]
)
def test_missing_servers_stand_out(ready: int, wanted: int, role: str) -> None:
    shown = cell(fleet_row(servers_ready=ready, servers_wanted=wanted), "servers")
    assert (shown.text, shown.role) == (f"{ready}/{wanted}", role)


@pytest.mark.parametrize(
    ("left", "text", "role"), [(7200.0, "120m", "text"), (1800.0, "30m", "warn"), (-5.0, "ended", "expired")]
)
def test_a_life_that_ends_soon_stands_out(left: float, text: str, role: str) -> None:
    shown = cell(fleet_row(expires_at=datetime.fromtimestamp(NOW + left, UTC)), "ttl")
    assert (shown.text, shown.role) == (text, role)


def test_a_rule_that_fires_colours_the_cell_it_speaks_about_by_its_severity() -> None:
    row = fleet_row(signals=full_signals())
    fired = judged(row, "Degraded", ("ApiReadsSlow", "warning"), ("DatastoreVerySlow", "critical"))
    roles = {column: cell(fired, column).role for column in ("p99", "datastore-latency", "errors", "queue")}
    assert roles == {"p99": "warn", "datastore-latency": "bad", "errors": "text", "queue": "text"}


def test_a_rule_about_something_else_leaves_a_cell_alone() -> None:
    spent = judged(
        fleet_row(signals=full_signals()),
        "Degraded",
        ("ApiErrorBudgetBurnFast", "critical"),
        ("QueueWaitLong", "warning"),
    )
    roles = {column: cell(spent, column).role for column in ("errors", "burn", "queue", "queue-name")}
    assert roles == {"errors": "text", "burn": "bad", "queue": "text", "queue-name": "warn"}


def test_a_rule_that_waits_for_its_time_is_only_hinted_at() -> None:
    waiting = judged(fleet_row(signals=full_signals()), "Healthy", ("ApiReadsSlow", "warning"), pending=True)
    assert cell(waiting, "p99").role == "info"


def test_the_rules_that_colour_cells_are_rules_there_are() -> None:
    rules = [rule.name for rule in load_rules()]
    for column, beginnings in row_cells.COLUMN_RULES.items():
        assert column in COLUMNS
        for beginning in beginnings:
            assert any(name.startswith(beginning) for name in rules), beginning


def test_a_stuck_queue_stands_out() -> None:
    stuck = replace(queue("garbage"), stuck=True, depth=12.0)
    signals = Signals(NOW, 15.0, controllers=ControllerSignals((stuck,)))
    assert cell(fleet_row(signals=signals), "queue") == Cell("12!", "bad")
    assert cell(fleet_row(signals=signals), "queue-name").text == "garbage"


def test_a_queue_in_which_nothing_waits_is_not_named() -> None:
    idle = fleet_row(signals=Signals(NOW, 15.0, controllers=ControllerSignals((queue("garbage", 0.0),))))
    assert (cell(idle, "queue").text, cell(idle, "queue-name").text) == ("0", "-")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "~0s Healthy"), (59.0, "~59s Healthy"), (4000.0, "~66m Healthy"), (9 * 3600.0, "~9h Healthy")],
)
def test_a_row_of_a_lost_host_is_muted_and_tells_for_how_long(seconds: float, text: str) -> None:
    row = replace(fleet_row(signals=full_signals()), stale_since=NOW - seconds)
    assert cell(row, "verdict") == Cell(text, "muted")
    assert {one.role for one in cells(row, list(COLUMNS.values()), NOW, UNICODE)} == {"muted"}


def test_the_course_of_the_latency_is_drawn_over_half_an_hour() -> None:
    history = History()
    for slot in range(120):
        history.record(NOW - 1785 + slot * 15, {"read_p99": 0.005, "write_p99": 0.08 if slot >= 96 else None})
    for glyphs in (UNICODE, ASCII):
        lowest, highest = glyphs.sparkline[0], glyphs.sparkline[-1]
        drawn = cell(fleet_row(), "latency", glyphs, history)
        assert drawn == Cell(lowest * 8 + highest * 2, "accent")


def test_a_course_that_does_not_move_is_drawn_half_high_and_a_peak_stands_out() -> None:
    history = History()
    for slot in range(120):
        history.record(NOW - 1785 + slot * 15, {"read_p99": 0.3 if slot < 108 else 0.9})
    drawn = cell(fleet_row(), "latency", history=history).text
    flat = drawn[0]
    assert drawn == flat * 9 + UNICODE.sparkline[-1]
    assert UNICODE.sparkline.index(flat) < len(UNICODE.sparkline) / 2
    steady = History()
    steady.record(NOW, {"read_p99": 0.3})
    middle = UNICODE.sparkline[len(UNICODE.sparkline) // 2]
    assert cell(fleet_row(), "latency", history=steady).text.strip() == middle


def test_a_calm_course_is_drawn_low() -> None:
    history = History()
    history.record(NOW, {"read_p99": 0.002})
    assert cell(fleet_row(), "latency", history=history).text == " " * 9 + UNICODE.sparkline[0]


def test_a_course_without_values_is_a_dash() -> None:
    assert cell(fleet_row(), "latency", history=History()) == Cell("-", "muted")


def test_columns_that_are_not_known_are_empty() -> None:
    odd = replace(COLUMNS["name"], name="odd")
    assert cells(fleet_row(), [odd], NOW, UNICODE) == (Cell("-", "muted"),)


def test_no_cell_holds_what_a_terminal_obeys_whatever_a_control_plane_claims() -> None:
    name = HOSTILE[:300]
    other: dict[str, Any] = {"namespace": name, "host": name, "version": name, "datastore": name}
    row = fleet_row(name, signals=hostile_signals(size=50), endpoint=name, system=name, reason=name, **other)
    history = History()
    history.record(NOW, {"read_p99": math.inf})
    for one in cells(row, list(COLUMNS.values()), NOW, UNICODE, lambda _key: history):
        assert UNSAFE.search(one.text) is None


def test_the_heading_of_a_group_counts_its_rows_by_verdict() -> None:
    assert group_cells("shop\n", (("Down", 1), ("Healthy", 11)), UNICODE) == (
        Cell("shop\\n (12)", "title"),
        Cell("✖ 1 Down", "down"),
        Cell("● 11 Healthy", "healthy"),
    )
    assert group_cells("", (("Healthy", 1),), ASCII)[0].text == "not known (1)"


@pytest.mark.parametrize(("days", "shown"), [(3650, "-"), (40, "40d")], ids=["lasting", "running out"])
def test_an_authority_alone_does_not_stand_for_certificates_that_are_not_known(
    days: float, shown: str
) -> None:
    authority = CertificateSignal("server-ca", "", NOW + days * DAY, days, "secret")
    row = fleet_row(signals=Signals(NOW, 15.0, certificates=(authority,)))
    assert cell(row, "certificates").text == shown
