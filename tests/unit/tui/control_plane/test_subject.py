"""What the control-plane screen is about, as it was last known."""

from __future__ import annotations

import math
from dataclasses import replace

from k3k_core.fleet import ChangeSet, HostState
from k3k_tui.screens.control_plane.subject import Subject, VerbRates
from tests.support.fleet_rows import NOW, fleet_row, full_signals

ROW = fleet_row()
OTHER = fleet_row("other")


def rated(at: float, **rates: float) -> VerbRates:
    signals = full_signals(at)
    made = VerbRates()
    made.add(fleet_row(signals=replace(signals, api=replace(signals.api, rate_by_verb=rates))))
    return made


def test_changes_of_others_are_none_of_its_business() -> None:
    before = Subject(ROW.id, ROW)
    assert before.after(ChangeSet(changed=(OTHER,), removed=(OTHER.id,)), NOW) is before


def test_it_takes_its_newest_row() -> None:
    newer = replace(ROW, signals=full_signals())
    assert Subject(ROW.id, ROW).after(ChangeSet(changed=(newer,)), NOW).row is newer


def test_one_that_went_keeps_what_was_known() -> None:
    after = Subject(ROW.id, ROW).after(ChangeSet(removed=(ROW.id,)), NOW)
    assert (after.row, after.trouble) == (ROW, ("deleted", "", NOW))
    assert after.after(ChangeSet(removed=(ROW.id,)), NOW + 9).gone_since == NOW


def test_one_that_is_made_again_is_there_again() -> None:
    gone = Subject(ROW.id, ROW, gone_since=NOW)
    assert gone.after(ChangeSet(changed=(ROW,)), NOW).gone_since is None


def test_a_lost_host_is_told_with_the_way_to_fix_it_and_the_age_of_what_is_known() -> None:
    lost = HostState("prod", False, NOW - 5, error="It timed out.", hint="Look at the VPN.", listed=True)
    stale = replace(ROW, stale_since=NOW - 30)
    after = Subject(ROW.id, stale).after(ChangeSet(hosts=(lost,)), NOW)
    assert after.trouble == ("It timed out.", "Look at the VPN.", NOW - 30)


def test_a_host_that_answers_is_no_trouble() -> None:
    fine = HostState("prod", True, NOW, listed=True)
    assert Subject(ROW.id, ROW, host=fine).trouble == ("", "", None)


def test_a_rate_stands_where_it_was_measured_and_gaps_stay_gaps() -> None:
    rates = rated(NOW - 45, GET=2.0)
    course = rates.course("GET", 12, 180.0, NOW)
    assert course[9:] == [2.0, 2.0, 2.0]
    assert all(map(math.isnan, course[:9]))


def test_a_verb_nobody_used_was_asked_nothing() -> None:
    assert rated(NOW - 15, GET=2.0).course("LIST", 4, 60.0, NOW)[-1] == 0.0


def test_the_same_round_counts_once() -> None:
    rates = rated(NOW, GET=2.0)
    signals = full_signals(NOW)
    rates.add(fleet_row(signals=replace(signals, api=replace(signals.api, rate_by_verb={"GET": 9.0}))))
    assert rates.since is None
