"""The sheets of the control-plane screen: what they tell, from everything to nothing to lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import pytest

from k3k_core.fleet.rows import Reach
from k3k_core.telemetry.history import History
from k3k_core.telemetry.judgement import Finding, Judgement
from k3k_tui.look import glyphs
from k3k_tui.screens.control_plane.api import api_lines
from k3k_tui.screens.control_plane.certificates import certificates_lines
from k3k_tui.screens.control_plane.controllers import controllers_lines
from k3k_tui.screens.control_plane.datastore import datastore_lines
from k3k_tui.screens.control_plane.events import events_lines
from k3k_tui.screens.control_plane.header import header_lines
from k3k_tui.screens.control_plane.overview import overview_lines
from k3k_tui.screens.control_plane.sheet import SheetView
from k3k_tui.screens.control_plane.subject import Loaded, Subject, VerbRates
from k3k_tui.text import clean
from k3k_tui.view.lines import Line
from k3k_tui.view.text_filter import parse_text
from k3k_tui.widgets import plot
from tests.support.fleet_rows import NOW, fleet_row, full_signals, hostile_signals
from tests.support.sheets import description, sheet_view, text_of

Layout: TypeAlias = Callable[[SheetView, int, int], Sequence[Line]]
SHEETS: dict[str, Layout] = {
    "overview": overview_lines,
    "api": api_lines,
    "datastore": datastore_lines,
    "controllers": controllers_lines,
    "certificates": certificates_lines,
    "events": events_lines,
}
ROW = fleet_row(signals=full_signals())
every_sheet = pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)


def overview(view: SheetView) -> str:
    return text_of(overview_lines(view, 79, 19))


def finding(**other: object) -> Finding:
    told = Finding(
        "ApiReadsSlow",
        "warning",
        "Degraded",
        "",
        2.0,
        "seconds",
        1.0,
        NOW - 60,
        "Reads are slow.",
        "Add a server.",
    )
    return replace(told, **other)  # type: ignore[arg-type]  # attributes of a finding


@every_sheet
@pytest.mark.parametrize(("columns", "rows"), [(79, 19), (119, 31), (199, 55)])
def test_no_line_is_longer_than_the_screen(sheet: Layout, columns: int, rows: int) -> None:
    lines = text_of(sheet(sheet_view(), columns, rows)).split("\n")
    assert max(map(len, lines)) <= columns
    assert len(lines) > 3


@every_sheet
def test_with_nothing_known_a_sheet_says_what_it_waits_for(sheet: Layout) -> None:
    view = SheetView(Subject(ROW.id), NOW)
    shown = text_of(sheet(view, 79, 19)).lower()
    assert any(word in shown for word in ("waiting for the host", "asking the host"))


@every_sheet
def test_without_any_reading_it_says_so_or_shows_what_the_objects_say(sheet: Layout) -> None:
    row = fleet_row()
    assert text_of(sheet(sheet_view(row, history=History()), 79, 19))


@every_sheet
def test_lies_of_a_control_plane_are_shown_and_never_interpreted(sheet: Layout) -> None:
    row = fleet_row(signals=hostile_signals())
    shown = text_of(sheet(sheet_view(row), 119, 31))
    assert shown.split("\n") == [clean(line) for line in shown.split("\n")]


@every_sheet
def test_ascii_alone_is_enough(sheet: Layout) -> None:
    shown = text_of(sheet(sheet_view(glyphs=glyphs.ASCII, signs=plot.ASCII), 79, 19))
    assert not set(shown) & set("⣿⠒█▆━▁╰┤┈●▲")


def test_the_overview_tells_what_is_wrong_for_how_long_and_what_to_do() -> None:
    row = replace(
        ROW, judgement=Judgement("Degraded", NOW - 60, (finding(),), (finding(summary="Soon worse."),))
    )
    shown = overview(sheet_view(row))
    assert "▲ Reads are slow.\n  warning, ApiReadsSlow, for 60s\n  Add a server." in shown
    assert "Not yet, but for 60s: Soon worse." in shown


def test_the_overview_of_a_healthy_one_says_that_all_is_well() -> None:
    assert "All rules are kept." in overview(sheet_view())


def test_the_overview_tells_who_reaches_the_api_how() -> None:
    shown = overview(sheet_view())
    assert "LoadBalancer  https://203.0.113.7:6443  where its address is routed" in shown


def test_the_overview_puts_probe_and_pod_of_a_server_on_one_line() -> None:
    line = next(one for one in overview(sheet_view()).split("\n") if one.startswith("ci-k3k-server-0"))
    assert line.split() == ["ci-k3k-server-0", "yes", "10", "ms", "477", "MiB", "2", "Running"]


def test_the_overview_tells_which_checks_of_a_server_fail() -> None:
    assert "failing: etcd, inf" in overview(sheet_view())


def test_the_verdicts_of_the_last_hours_are_signs_with_words() -> None:
    shown = overview(sheet_view()).split("\n")
    signs = shown[shown.index("Last four hours") + 1]
    assert signs.strip("● ▲") == ""
    assert "▲" in signs
    assert "● Healthy  ▲ Degraded" in shown[shown.index("Last four hours") + 2]


def test_the_overview_tells_why_figures_cannot_be_read_and_what_to_do() -> None:
    row = replace(
        fleet_row(), reach=Reach(reason="The host refuses tunnels.", hint="Allow pods/portforward.")
    )
    shown = overview(sheet_view(row))
    assert "The host refuses tunnels.\nAllow pods/portforward." in shown


def test_what_this_identity_may_not_list_is_named() -> None:
    told = Loaded(description(ROW, hidden=("events", "pods")), NOW)
    assert "may not list them\nevents, pods" in overview(sheet_view(description=told))


def test_a_host_that_does_not_answer_is_told_beside_what_is_known() -> None:
    view = sheet_view(
        description=Loaded(description(ROW), NOW - 60, error="It timed out.", hint="Look at the VPN.")
    )
    shown = overview(view)
    assert "It timed out.\nLook at the VPN." in shown
    assert "LoadBalancer" in shown


def test_the_api_shows_latency_rate_and_errors_over_time() -> None:
    shown = text_of(api_lines(sheet_view(), 119, 31))
    for legend in ("Reads  ⠒⠒ p99", "Writes  ⠒⠒ p99", "Requests  ⣿⣿ all 10/s", "Errors 5xx  ⣿⣿ share 1 %"):
        assert legend in shown


def test_the_api_names_its_slowest_resources() -> None:
    assert "resource-0  read        10  100 ms  200 ms  300 ms" in text_of(api_lines(sheet_view(), 79, 19))


def test_the_api_shows_the_share_of_each_verb() -> None:
    signals = full_signals()
    api = replace(signals.api, rate_by_verb={"GET": 30.0, "POST": 10.0})
    shown = text_of(api_lines(sheet_view(fleet_row(signals=replace(signals, api=api))), 79, 19))
    get, post = (next(one for one in shown.split("\n") if one.startswith(verb)) for verb in ("GET", "POST"))
    assert ("75 %" in get, "25 %" in post) == (True, True)
    assert get.count("▆") == 3 * post.count("▆")


def test_rates_by_verb_are_plotted_from_when_the_screen_was_opened() -> None:
    rates, signals = VerbRates(), full_signals()
    for step in range(5):
        at = NOW - 60 + 15 * step
        api = replace(signals.api, rate_by_verb={"GET": 10.0 + step, "LIST": 1.0})
        rates.add(fleet_row(signals=replace(signals, at=at, api=api)))
    row = fleet_row(
        signals=replace(signals, api=replace(signals.api, rate_by_verb={"GET": 14.0, "LIST": 1.0}))
    )
    shown = text_of(api_lines(sheet_view(row, rates=rates), 79, 19))
    assert "By verb since this screen was opened" in shown
    assert "LIST 1/s" in shown
    assert "GET 14/s" in shown


def test_the_datastore_tells_of_its_operations_and_its_etcd() -> None:
    shown = text_of(datastore_lines(sheet_view(), 119, 31))
    assert "etcd log sync" in shown
    assert "Writes are refused at" in shown
    assert "1.86 GiB" in shown


def test_queues_stand_worst_first_and_say_whether_they_move() -> None:
    signals = full_signals()
    stuck = replace(signals.controllers.queues[0], name="job", depth=99.0, stuck=True)
    controllers = replace(signals.controllers, queues=(stuck, *signals.controllers.queues))
    shown = text_of(
        controllers_lines(sheet_view(fleet_row(signals=replace(signals, controllers=controllers))), 79, 19)
    )
    first, second = shown.split("\n")[shown.split("\n").index("Work queues, the worst first") + 2 :][:2]
    assert (first.split()[:2], first.split()[-1]) == (["job", "99"], "stuck")
    assert second.split()[-1] == "moves"


def test_queues_can_be_filtered() -> None:
    shown = text_of(controllers_lines(sheet_view(), 79, 19, parse_text("queue-7").matches))
    assert "queue-7" in shown
    assert "queue-8" not in shown


def test_what_waits_outside_of_queues_is_told() -> None:
    shown = text_of(controllers_lines(sheet_view(), 79, 19))
    assert "Aggregated APIs that do not answer: v1beta1.metrics.k8s.io" in shown
    assert "Pods the scheduler has not placed: 2" in shown


def test_certificates_have_bars_and_the_first_to_end_is_on_top() -> None:
    lines = certificates_lines(sheet_view(), 119, 31)
    shown = text_of(lines).split("\n")
    assert shown[1].split()[:2] == ["cert-0", "ended"]
    assert shown[-1].split()[:2] == ["client-ca", "3650d"]
    assert shown[-1].count("━") > shown[2].count("━") > 0


@pytest.mark.parametrize(("number", "role"), [(0, "bad"), (6, "bad"), (7, "warn"), (11, "warn")])
def test_a_certificate_that_ends_soon_stands_out(number: int, role: str) -> None:
    lines = certificates_lines(sheet_view(), 119, 31)
    line = next(line for line in lines if line[0].text.rstrip() == f"cert-{number}")
    assert line[2].role == role


def test_events_stand_newest_first_with_their_whole_message() -> None:
    shown = text_of(events_lines(sheet_view(), 79, 19)).split("\n")
    assert shown[1].split() == ["60s", "Unhealthy", "Pod/ci-k3k-server-0", "(7", "times)"]
    assert shown[2].strip() == "503"
    assert shown[3].split()[:2] == ["5m", "Scheduled"]


def test_events_can_be_filtered() -> None:
    shown = text_of(events_lines(sheet_view(), 79, 19, parse_text("warning").matches))
    assert "Unhealthy" in shown
    assert "Scheduled" not in shown


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"events": ()}, "The host keeps no event of it"),
        ({"events": (), "hidden": ("events",)}, "This identity may not list events"),
    ],
)
def test_without_events_it_says_why(told: dict[str, object], said: str) -> None:
    view = sheet_view(description=Loaded(description(ROW, **told), NOW))
    assert said in text_of(events_lines(view, 79, 19))


def test_the_header_tells_what_it_is_and_how_it_is() -> None:
    row = replace(ROW, judgement=Judgement("Degraded", NOW - 60, (finding(),)))
    first, second = text_of(header_lines(sheet_view(row), 119)).split("\n")
    assert first == "▲ Degraded  ci  team-a on prod  v1.36.2+k3s1 · 1/1 servers · sqlite · age 24h"
    assert second == "for 60s: Reads are slow."


def test_the_header_of_a_deleted_one_says_so_first() -> None:
    view = sheet_view(subject=Subject(ROW.id, ROW, gone_since=NOW - 90))
    lines = header_lines(view, 119)
    assert text_of(lines).split("\n")[1].startswith("Deleted 90s ago. What was known")
    assert lines[0][0].role == "muted"
