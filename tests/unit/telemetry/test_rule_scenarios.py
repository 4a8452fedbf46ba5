"""Every shipped rule fires after its hold, holds through what is no recovery, and clears."""

from __future__ import annotations

import pytest

from k3k_core.telemetry.rules import Rule, load_rules
from k3k_core.telemetry.survey import survey
from tests.support.judging import START, Watch, signals_with
from tests.support.measured import healthy_signals
from tests.support.rule_scenarios import SCENARIOS, Scenario

RULES = load_rules()


def each(rules: tuple[Rule, ...]) -> pytest.MarkDecorator:
    """Run a test for each of these rules."""
    return pytest.mark.parametrize("rule", rules, ids=lambda rule: rule.name)


each_rule = each(RULES)
each_rule_with_a_hold = each(tuple(rule for rule in RULES if rule.hold))
each_rule_with_a_clearing_time = each(tuple(rule for rule in RULES if rule.clear_for))
each_rule_with_two_thresholds = each(tuple(rule for rule in RULES if rule.clear != rule.threshold))


def watch(rule: Rule) -> Watch:
    """A control plane judged by this rule alone, seen healthy at first unless the scenario never saw it."""
    found = Watch((rule,))
    if not SCENARIOS[rule.name].unreached:
        found.round()
    return found


def until_firing(watching: Watch, rule: Rule) -> float:
    """Let the condition hold until its rule fires, and return when it began."""
    scenario, began = SCENARIOS[rule.name], watching.at
    while watching.at <= began + rule.hold:
        watching.bad(scenario)
    assert watching.firing(rule.name) is not None
    return began


def gap(watching: Watch, scenario: Scenario) -> None:
    """One round in which nothing is known: no signals, and for rules about the host, nothing of the host."""
    base = scenario.base if scenario.base == "Healthy" else "Unknown"
    watching.round(base=base, measured=False)


def test_every_rule_has_a_scenario_and_every_scenario_a_rule() -> None:
    assert set(SCENARIOS) == {rule.name for rule in RULES}


def test_every_rule_with_two_thresholds_has_values_between_them() -> None:
    with_band = {name for name, scenario in SCENARIOS.items() if scenario.band is not None}
    assert with_band == {rule.name for rule in RULES if rule.clear != rule.threshold}


@each_rule
def test_fires_only_after_its_hold(rule: Rule) -> None:
    scenario, watching = SCENARIOS[rule.name], watch(rule)
    began = watching.at
    while (at := watching.at) < began + rule.hold:
        watching.bad(scenario)
        assert watching.firing(rule.name) is None
        assert (watching.pending(rule.name) is not None) == (at - began >= rule.quiet_for)
    watching.bad(scenario)
    finding = watching.firing(rule.name)
    assert finding is not None
    assert finding.since == began
    assert watching.pending(rule.name) is None


@each_rule
def test_says_what_is_wrong_and_what_to_do(rule: Rule) -> None:
    scenario, watching = SCENARIOS[rule.name], watch(rule)
    until_firing(watching, rule)
    finding = watching.firing(rule.name)
    assert finding is not None
    assert finding.subject == scenario.subject
    assert scenario.says in finding.summary
    for sentence in (finding.summary, finding.advice):
        assert sentence.endswith(".")
        assert sentence[0].isupper() or sentence[0].isdigit() or sentence.startswith(("etcd", "kine"))
        assert ". " not in sentence
        assert not {"{", "}"} & set(sentence)
        assert "unknown" not in sentence
        assert "\n" not in sentence


@each_rule
def test_makes_the_control_plane_what_it_says(rule: Rule) -> None:
    watching = watch(rule)
    until_firing(watching, rule)
    assert watching.last.verdict == rule.verdict
    assert watching.last.findings[0].rule == rule.name


@each_rule_with_a_hold
def test_a_condition_that_ends_before_its_hold_never_fires(rule: Rule) -> None:
    scenario, watching = SCENARIOS[rule.name], watch(rule)
    watching.bad(scenario)
    watching.rounds(rule.hold + rule.bridge + 60)
    assert watching.firing(rule.name) is None
    assert watching.pending(rule.name) is None
    assert not watching.last.findings


@each_rule_with_two_thresholds
def test_holds_while_the_value_swings_within_its_hysteresis(rule: Rule) -> None:
    scenario, watching = SCENARIOS[rule.name], watch(rule)
    began = until_firing(watching, rule)
    for swing in range(40):
        watching.bad(scenario) if swing % 2 else watching.band(scenario)
        finding = watching.firing(rule.name)
        assert finding is not None
        assert finding.since == began


@each_rule_with_two_thresholds
def test_values_between_the_thresholds_alone_never_fire(rule: Rule) -> None:
    scenario, watching = SCENARIOS[rule.name], watch(rule)
    for _ in range(int(rule.hold // 15) + 4):
        watching.band(scenario)
        assert watching.firing(rule.name) is None
        assert watching.pending(rule.name) is None


@each_rule_with_a_clearing_time
def test_holds_through_good_rounds_shorter_than_its_clearing_time(rule: Rule) -> None:
    scenario, watching = SCENARIOS[rule.name], watch(rule)
    began = until_firing(watching, rule)
    for _ in range(5):
        end = watching.at + rule.clear_for
        while watching.at < end:
            watching.round()
            assert watching.firing(rule.name) is not None
        watching.bad(scenario)
        finding = watching.firing(rule.name)
        assert finding is not None
        assert finding.since == began


@each_rule
def test_holds_through_rounds_in_which_nothing_is_known(rule: Rule) -> None:
    scenario, watching = SCENARIOS[rule.name], watch(rule)
    began = until_firing(watching, rule)
    for _ in range(8):
        gap(watching, scenario)
        assert watching.firing(rule.name) is not None
    watching.bad(scenario)
    finding = watching.firing(rule.name)
    assert finding is not None
    assert finding.since == began


@each_rule
def test_is_dropped_when_nothing_is_known_for_too_long(rule: Rule) -> None:
    scenario, watching = SCENARIOS[rule.name], watch(rule)
    until_firing(watching, rule)
    end = watching.at + rule.keep
    while watching.at <= end:
        gap(watching, scenario)
    assert watching.firing(rule.name) is None


@each_rule_with_a_hold
def test_does_not_fire_while_nothing_is_known(rule: Rule) -> None:
    scenario, watching = SCENARIOS[rule.name], watch(rule)
    watching.bad(scenario)
    for _ in range(int(rule.hold // 15) + 2):
        gap(watching, scenario)
        assert watching.firing(rule.name) is None


@each_rule
def test_clears_when_all_is_well_for_its_clearing_time(rule: Rule) -> None:
    watching = watch(rule)
    until_firing(watching, rule)
    began = watching.at
    while watching.at < began + rule.clear_for:
        watching.round()
        assert watching.firing(rule.name) is not None
    watching.round()
    assert watching.firing(rule.name) is None
    assert watching.last.verdict == "Healthy"
    assert watching.last.findings == ()


def test_a_healthy_control_plane_is_fine_by_every_rule() -> None:
    seen = survey(RULES, healthy_signals(START), base="Healthy", base_reason="", at=START)
    assert {sighting.rule.name: sighting.outcome for sighting in seen} == {
        rule.name: "fine" for rule in RULES
    }


@each(tuple(rule for rule in RULES if not rule.name.startswith("ApiUnreachable")))
def test_what_makes_a_rule_fire_is_beyond_its_threshold_in_a_survey(rule: Rule) -> None:
    scenario = SCENARIOS[rule.name]
    signals = signals_with(scenario.bad, START)
    seen = survey((rule,), signals, base=scenario.base, base_reason=scenario.reason, at=START)
    assert seen[0].outcome == "beyond"
