"""The tabs of a control plane, and which of them show what is wrong."""

from __future__ import annotations

import pytest

from k3k_core.telemetry.rules import load_rules
from k3k_tui.screens.control_plane.tab_strip import in_trouble
from k3k_tui.screens.control_plane.tabs import TAB_NAMES, TABS, beside
from tests.support.fleet_rows import degraded, fleet_row

# What these rules are about stands on the overview, which is never marked: it is where one begins.
OVERVIEW = ("Host", "Server", "Readiness", "FileDescriptors", "Metrics", "Signals")


@pytest.mark.parametrize(
    ("rule", "tab"),
    [
        ("ApiReadsSlow", "api"),
        ("KineSqlSlow", "datastore"),
        ("EtcdNoLeader", "datastore"),
        ("QueueStuck", "controllers"),
        ("AggregatedApiUnavailable", "controllers"),
        ("AuthorityExpiresSoon", "certificates"),
    ],
)
def test_a_rule_that_fires_marks_the_tab_that_shows_what_it_is_about(rule: str, tab: str) -> None:
    assert in_trouble(degraded(fleet_row(), rule)) == {tab}


@pytest.mark.parametrize("rule", [rule.name for rule in load_rules()])
def test_every_rule_has_a_tab(rule: str) -> None:
    assert bool(in_trouble(degraded(fleet_row(), rule))) != rule.startswith(OVERVIEW)


def test_nothing_is_marked_while_nothing_is_wrong_or_known() -> None:
    assert in_trouble(fleet_row()) == in_trouble(None) == frozenset()


def test_after_the_last_tab_comes_the_first() -> None:
    assert beside(TAB_NAMES[-1], 1) == TAB_NAMES[0]
    assert beside(TAB_NAMES[0], -1) == TAB_NAMES[-1]


def test_all_tabs_fit_on_a_narrow_screen() -> None:
    assert sum(len(tab.short) + 3 for tab in TABS) <= 80
