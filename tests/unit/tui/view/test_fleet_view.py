"""The fleet as lines: filtered, ordered and grouped, kept current change by change."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k3k_core.fleet import ChangeSet, FleetRow, HostState
from k3k_core.telemetry.judgement import Judgement, Verdict
from k3k_core.telemetry.signals.model import ApiSignals, Latency, Signals
from k3k_tui.look.glyphs import UNICODE
from k3k_tui.view.cells import Cell
from k3k_tui.view.columns import COLUMNS
from k3k_tui.view.fleet_view import NOTHING, FleetView
from k3k_tui.view.row_order import GroupLine, RowLine
from k3k_tui.view.sort_keys import natural
from k3k_tui.view.state import Grouping, ViewState
from tests.support.fleet_rows import DAY, NOW, fleet_row, full_signals, hostile_signals


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def plane(name: str, verdict: Verdict = "Healthy", p99: float | None = None, **other: Any) -> FleetRow:
    """A control plane with a verdict and a latency."""
    signals = None
    if p99 is not None:
        signals = Signals(
            NOW, 15.0, api=ApiSignals(request_rate=10.0, reads=Latency(9, 1, p99 / 2, p99, p99))
        )
    return replace(fleet_row(name, signals=signals, **other), judgement=Judgement(verdict, NOW - 60))


FLEET = (
    plane("storefront", "Degraded", 2.0, host="eu", namespace="shop", version="v1.36.2+k3s1"),
    plane("ci-10", p99=0.5, host="us", namespace="build", version="v1.35.9+k3s1"),
    plane("ci-2", p99=0.1, host="eu", namespace="build", version="v1.36.10+k3s1"),
    plane("blog", "Down", host="us", namespace="shop", version=""),
    plane("docs", "Paused", 0.2, host="eu", namespace="shop", version="v1.36.2+k3s1"),
)


def view(*rows: FleetRow, clock: Callable[[], float] = lambda: NOW, **state: Any) -> FleetView:
    """A view of some rows."""
    made = FleetView(clock, UNICODE)
    made.load(rows, [HostState("eu", True, NOW, listed=True)])
    made.show(ViewState(**state))
    return made


def shown(made: FleetView) -> list[str]:
    """Names of the control planes, and titles of groups in brackets, from the top."""
    return [line.key.name if isinstance(line, RowLine) else f"[{line.title}]" for line in made.lines]


def test_the_worst_comes_first() -> None:
    assert shown(view(*FLEET)) == ["blog", "storefront", "docs", "ci-2", "ci-10"]


@pytest.mark.parametrize(
    ("sort", "descending", "names"),
    [
        ("name", False, ["blog", "ci-2", "ci-10", "docs", "storefront"]),
        ("name", True, ["storefront", "docs", "ci-10", "ci-2", "blog"]),
        # What is not known comes last, whichever way round.
        ("p99", False, ["ci-2", "docs", "ci-10", "storefront", "blog"]),
        ("p99", True, ["storefront", "ci-10", "docs", "ci-2", "blog"]),
        ("version", False, ["ci-10", "docs", "storefront", "ci-2", "blog"]),
        ("version", True, ["ci-2", "docs", "storefront", "ci-10", "blog"]),
        ("host", True, ["blog", "ci-10", "ci-2", "docs", "storefront"]),
        ("verdict", True, ["ci-2", "ci-10", "docs", "storefront", "blog"]),
        ("nonsense", False, ["blog", "storefront", "docs", "ci-2", "ci-10"]),
    ],
)
def test_any_column_orders(sort: str, descending: bool, names: list[str]) -> None:
    assert shown(view(*FLEET, sort=sort, descending=descending)) == names


@pytest.mark.parametrize("sort", ["", *COLUMNS])
@pytest.mark.parametrize("descending", [False, True])
def test_every_order_holds_what_is_odd_and_finds_it_again(sort: str, descending: bool) -> None:
    odd = [
        fleet_row("a", signals=hostile_signals(size=3), created_at=None, version="v9-9-9"),
        fleet_row("b", signals=full_signals(), expires_at=datetime.fromtimestamp(NOW, UTC)),
        fleet_row("c", signals=Signals(math.nan, 0.0)),
        fleet_row("c", namespace="other"),
        *FLEET,
    ]
    made = view(*odd, sort=sort, descending=descending)
    assert [made.index(line.key) for line in made.lines if isinstance(line, RowLine)] == list(range(len(odd)))


@pytest.mark.parametrize(
    ("group", "lines"),
    [
        ("host", ["[eu]", "storefront", "docs", "ci-2", "[us]", "blog", "ci-10"]),
        ("namespace", ["[build]", "ci-2", "ci-10", "[shop]", "blog", "storefront", "docs"]),
        (
            "version",
            [
                "[v1.36.10+k3s1]",
                "ci-2",
                "[v1.36.2+k3s1]",
                "storefront",
                "docs",
                "[v1.35.9+k3s1]",
                "ci-10",
                "[]",
                "blog",
            ],
        ),
        ("system", ["[k3k]", "blog", "storefront", "docs", "ci-2", "ci-10"]),
    ],
)
def test_rows_are_grouped_under_headings(group: Grouping, lines: list[str]) -> None:
    assert shown(view(*FLEET, group=group)) == lines


def test_a_heading_counts_its_rows_and_is_no_control_plane() -> None:
    made = view(*FLEET, group="host")
    assert made.lines[0] == GroupLine("eu", (("Degraded", 1), ("Paused", 1), ("Healthy", 1)))
    assert made.key(0) is None
    assert made.cells(0, [COLUMNS["name"]])[0] == Cell("eu (3)", "title")
    assert made.key(1) == FLEET[0].id
    assert made.index(FLEET[0].id) == 1


def test_a_filter_leaves_rows_and_empty_groups_out() -> None:
    made = view(*FLEET, filter="ns:shop", group="host")
    assert shown(made) == ["[eu]", "storefront", "docs", "[us]", "blog"]
    assert made.index(FLEET[1].id) is None
    assert (made.totals.rows, made.totals.shown) == (5, 3)


def test_faults_only_leaves_out_what_is_well() -> None:
    assert shown(view(*FLEET, faults_only=True)) == ["blog", "storefront"]


def test_a_filter_whose_last_word_is_not_written_to_its_end_is_in_force_without_it() -> None:
    made = view(*FLEET, filter="verdict")
    assert shown(made) == []
    made.show(replace(made.state, filter="ns:build verdict:"))
    assert made.problem is not None
    assert shown(made) == ["ci-2", "ci-10"]


def test_a_filter_that_is_wrong_is_told_and_the_one_before_stays_in_force() -> None:
    made = view(*FLEET, filter="ns:build")
    made.show(replace(made.state, filter="ns:build p99>"))
    assert made.problem is not None
    assert made.problem.message == "p99> wants a value."
    assert shown(made) == ["ci-2", "ci-10"]
    made.show(replace(made.state, filter="ns:build p99>250ms"))
    assert made.problem is None
    assert shown(made) == ["ci-10"]


def test_news_that_move_nothing_change_only_their_line() -> None:
    made = view(*FLEET, sort="name")
    versions = [made.version(index) for index in range(5)]
    change = made.update(ChangeSet(changed=(plane("docs", "Down", host="eu", namespace="shop"),)))
    assert (change.order_changed, change.changed) == (False, frozenset((3,)))
    assert [made.version(index) != before for index, before in enumerate(versions)] == [False] * 3 + [
        True,
        False,
    ]


def test_news_that_move_a_row_tell_its_new_place() -> None:
    made = view(*FLEET, sort="p99")
    slow = plane("ci-2", p99=9.0, host="eu", namespace="build")
    change = made.update(ChangeSet(changed=(slow,)))
    assert change.order_changed
    assert change.changed == {3}
    assert shown(made) == ["docs", "ci-10", "storefront", "ci-2", "blog"]


def test_values_that_look_the_same_do_not_change_places() -> None:
    made = view(plane("a", p99=0.12301), plane("b", p99=0.12302), sort="p99", descending=True)
    assert shown(made) == ["a", "b"]
    assert not made.update(ChangeSet(changed=(plane("b", p99=0.12304),))).order_changed


def test_rows_come_and_go() -> None:
    made = view(*FLEET, sort="name")
    assert made.update(ChangeSet(changed=(plane("aaa"),), removed=(FLEET[0].id,))).order_changed
    assert shown(made) == ["aaa", "blog", "ci-2", "ci-10", "docs"]
    assert made.row(FLEET[0].id) is None
    assert made.update(ChangeSet(removed=(FLEET[0].id,))) == NOTHING


def test_news_change_the_heading_they_count_in() -> None:
    made = view(*FLEET, group="host", sort="name")
    change = made.update(ChangeSet(changed=(plane("docs", "Down", host="eu", namespace="shop"),)))
    assert not change.order_changed
    assert change.changed == {0, 2}
    assert made.lines[0] == GroupLine("eu", (("Down", 1), ("Degraded", 1), ("Healthy", 1)))


def test_news_move_rows_through_the_filter() -> None:
    made = view(*FLEET, filter="p99>1s")
    assert made.update(ChangeSet(changed=(plane("new", p99=3.0),))).order_changed
    assert shown(made) == ["storefront", "new"]
    assert made.update(ChangeSet(changed=(plane("new", p99=0.3),))).order_changed
    assert shown(made) == ["storefront"]
    assert made.update(ChangeSet(changed=(plane("new", p99=0.4),))) == NOTHING


def test_time_alone_moves_rows_through_a_filter_at_the_tick() -> None:
    clock = Clock()
    made = view(plane("ci"), clock=clock, filter="age>2d")
    assert shown(made) == []
    clock.now += DAY + 1
    assert made.tick().order_changed
    assert shown(made) == ["ci"]
    assert made.tick() == NOTHING


def test_hosts_are_kept_by_name() -> None:
    made = view(*FLEET)
    lost = HostState("eu", False, NOW, error="It does not answer.")
    assert made.update(ChangeSet(hosts=(lost,))) == NOTHING
    assert made.hosts == {"eu": lost}


def test_totals_are_of_all_rows_whatever_is_shown() -> None:
    rows = (*FLEET, replace(plane("old"), stale_since=NOW))
    totals = view(*rows, filter="ci").totals
    assert totals.verdicts == {"Degraded": 1, "Healthy": 3, "Down": 1, "Paused": 1}
    assert (totals.faults, totals.stale, totals.servers_ready, totals.servers_wanted) == (2, 1, 6, 6)
    assert (totals.rate, totals.errors, totals.p99, totals.slowest) == (40.0, 0.0, 2.0, FLEET[0].id)


def test_totals_of_nothing_are_not_known() -> None:
    totals = view().totals
    assert (totals.rows, totals.rate, totals.errors, totals.p99, totals.slowest) == (
        0,
        None,
        None,
        None,
        None,
    )


def test_a_hostile_page_does_not_spoil_the_totals() -> None:
    api = ApiSignals(request_rate=math.inf, error_ratio=math.nan)
    rows = (plane("a", p99=1.0), fleet_row("b", signals=Signals(NOW, 15.0, api=api)))
    assert view(*rows).totals.rate == 10.0
    assert view(*rows, fleet_row("c", signals=hostile_signals(size=3))).totals.rate == 10.0


def test_the_course_of_the_fleet_has_a_slot_each_few_seconds() -> None:
    clock = Clock()
    made = view(plane("a", p99=1.0), clock=clock)
    made.tick()
    clock.now += 2
    made.update(ChangeSet(changed=(plane("a", "Down", p99=3.0),)))
    made.tick()
    assert made.course.last("p99", 2)[1] == 3.0
    clock.now += 10
    made.update(ChangeSet(removed=(fleet_row("a").id,)))
    made.tick()
    course = made.course.last("p99", 4)
    assert [value for value in course if not math.isnan(value)] == [3.0]
    assert made.course.last("faults", 0) == []


def test_a_clock_that_was_set_back_adds_nothing_to_the_course() -> None:
    clock = Clock()
    made = view(plane("a", p99=1.0), clock=clock)
    made.tick()
    clock.now -= 3600
    made.tick()
    clock.now += 5
    made.tick()
    assert len([value for value in made.course.last("p99", 10) if not math.isnan(value)]) == 2


def test_names_order_as_people_order_them() -> None:
    names = ["CI-10", "ci-2", "a", "b1c20", "b1c3"]
    assert sorted(names, key=natural) == ["a", "b1c3", "b1c20", "ci-2", "CI-10"]


ROWS = st.builds(
    lambda number, host, version, verdict, p99: plane(
        f"ci-{number}", verdict, p99, host=host, version=version
    ),
    st.integers(0, 12),
    st.sampled_from(("eu", "us")),
    st.sampled_from(("v1.36.2+k3s1", "v1.35.1+k3s1", "")),
    st.sampled_from(get_args(Verdict)),
    st.sampled_from((None, 0.1, 0.2, 1.0)),
)
STATES = st.builds(
    ViewState,
    filter=st.sampled_from(("", "ci-1", "p99>0.1", "!verdict:down")),
    sort=st.sampled_from(("", "name", "p99", "version")),
    descending=st.booleans(),
    group=st.sampled_from(get_args(Grouping)),
    faults_only=st.booleans(),
)


@given(
    STATES,
    st.lists(ROWS, max_size=20),
    st.lists(st.tuples(st.lists(ROWS, max_size=4), st.booleans()), max_size=8),
)
@settings(deadline=None)
def test_change_by_change_it_shows_what_it_would_show_of_the_outcome_at_once(
    state: ViewState, first: list[FleetRow], news: list[tuple[list[FleetRow], bool]]
) -> None:
    made = FleetView(lambda: NOW, UNICODE)
    made.load(first, [])
    made.show(state)
    rows = {row.id: row for row in first}
    for batch, goes in news:
        ids = {row.id: row for row in batch}
        before = list(made.lines)
        drawn = [made.version(index) for index in range(len(before))]
        if goes:
            change = made.update(ChangeSet(removed=tuple(ids)))
            rows = {key: row for key, row in rows.items() if key not in ids}
        else:
            change = made.update(ChangeSet(changed=tuple(ids.values())))
            rows |= ids
        if not change.order_changed:
            assert [
                getattr(line, "key", line.title if isinstance(line, GroupLine) else None) for line in before
            ] == [
                getattr(line, "key", line.title if isinstance(line, GroupLine) else None)
                for line in made.lines
            ]
            now = [made.version(index) for index in range(len(before))]
            assert {index for index, version in enumerate(now) if version != drawn[index]} <= change.changed
    whole = FleetView(lambda: NOW, UNICODE)
    whole.load(rows.values(), [])
    whole.show(state)
    assert list(made.lines) == list(whole.lines)
    # Of several that are equally slow, any may be named.
    assert replace(made.totals, slowest=None) == replace(whole.totals, slowest=None)
    assert [made.index(line.key) for line in made.lines if isinstance(line, RowLine)] == [
        index for index, line in enumerate(made.lines) if isinstance(line, RowLine)
    ]


def test_a_large_batch_is_sorted_in_as_well_as_single_rows() -> None:
    made = view(*FLEET, sort="name")
    many = tuple(plane(f"cp-{number}") for number in range(1000))
    assert made.update(ChangeSet(changed=many)).order_changed
    assert len(made.lines) == 1005
    assert made.index(many[999].id) == shown(made).index("cp-999")
    made.update(ChangeSet(removed=tuple(row.id for row in many)))
    assert shown(made) == ["blog", "ci-2", "ci-10", "docs", "storefront"]
