"""What somebody can choose to see of the fleet."""

from __future__ import annotations

import pytest

from k3k_core.errors import UsageError
from k3k_core.fleet import ChangeSet, FleetKey, HostState
from k3k_tui.view.choices import cleared, find_column, grouped_by, sorted_by, sorted_by_next, with_columns
from k3k_tui.view.pending import PendingChanges
from k3k_tui.view.state import ViewState
from tests.support.fleet_rows import degraded, fleet_row

STATE = ViewState()


def order(state: ViewState) -> tuple[str, bool]:
    """Column and way of an order."""
    return state.sort, state.descending


def test_measured_values_are_ordered_the_highest_first() -> None:
    assert order(sorted_by(STATE, ["p99"])) == ("p99", True)
    assert order(sorted_by(STATE, ["name"])) == ("name", False)


def test_the_same_column_again_turns_the_order_round() -> None:
    assert order(sorted_by(sorted_by(STATE, ["p99"]), ["p99"])) == ("p99", False)
    assert order(sorted_by(STATE, ["verdict"])) == ("", True)


@pytest.mark.parametrize(("word", "descending"), [("asc", False), ("desc", True), ("descending", True)])
def test_the_way_of_an_order_can_be_said(word: str, descending: bool) -> None:
    assert order(sorted_by(STATE, ["p99", word])) == ("p99", descending)
    with pytest.raises(UsageError):
        sorted_by(STATE, ["p99", "sideways"])


def test_the_order_goes_from_column_to_column_and_round() -> None:
    shown = ["verdict", "name", "p99"]
    states = [STATE]
    for _ in shown:
        states.append(sorted_by_next(states[-1], shown, 1))
    assert [order(state) for state in states] == [("", False), ("name", False), ("p99", True), ("", False)]
    assert order(sorted_by_next(STATE, shown, -1)) == ("p99", True)
    assert sorted_by_next(STATE, [], 1) == STATE


@pytest.mark.parametrize(
    ("word", "column"), [("P99", "p99"), ("srv", "servers"), ("CERT", "certificates"), ("names", "namespace")]
)
def test_a_column_is_found_by_name_heading_or_beginning(word: str, column: str) -> None:
    assert find_column(word) == column


@pytest.mark.parametrize(("word", "hint"), [("nam3", "name"), ("s", "servers"), ("%%%", "verdict")])
def test_a_column_that_is_not_there_is_refused_with_what_is(word: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        find_column(word)
    assert hint in (refused.value.hint or "")


def test_rows_are_grouped_and_ungrouped() -> None:
    grouped = grouped_by(STATE, "host")
    assert grouped.group == "host"
    assert grouped_by(grouped, "none").group == ""
    with pytest.raises(UsageError, match="weather"):
        grouped_by(STATE, "weather")


def test_columns_are_chosen_in_their_order() -> None:
    chosen = with_columns(STATE, ["p99,name", "name", "verdict"])
    assert chosen.columns == ("p99", "name", "verdict")
    assert with_columns(chosen, ["auto"]).columns == ()


def test_what_hides_rows_is_taken_away_one_after_the_other() -> None:
    key = FleetKey("prod", "shop", "ci")
    state = ViewState(filter="x", faults_only=True, marked=frozenset({key}), sort="p99")
    steps = [state]
    for _ in range(3):
        steps.append(cleared(steps[-1]))
    assert [(step.filter, step.faults_only, len(step.marked)) for step in steps] == [
        ("x", True, 1),
        ("", True, 1),
        ("", False, 1),
        ("", False, 0),
    ]
    assert steps[-1].sort == "p99"


def test_pending_changes_keep_the_last_of_each_control_plane_and_host() -> None:
    pending = PendingChanges()
    assert not pending
    row, other = fleet_row("ci"), fleet_row("shop")
    pending.add(ChangeSet(changed=(row, other), hosts=(HostState("prod", False, 1.0),)))
    pending.add(
        ChangeSet(
            changed=(degraded(row, "Slow"),), removed=(other.id,), hosts=(HostState("prod", True, 2.0),)
        )
    )
    assert pending
    taken = pending.take()
    assert [item.judgement.verdict for item in taken.changed] == ["Degraded"]
    assert taken.removed == (other.id,)
    assert [host.connected for host in taken.hosts] == [True]
    assert not pending
