"""Rules files: what is shipped is sound, what a user changes is checked whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.errors import UsageError
from k3k_core.telemetry.rules import Rule, load_rules
from tests.support.judging import Watch

SHIPPED = load_rules()


def rule(text: str, name: str) -> Rule:
    return next(rule for rule in load_rules(text) if rule.name == name)


def problems(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        load_rules(text, source="my-rules.yaml")
    assert caught.value.hint
    return caught.value.message


# ---- what is shipped -----------------------------------------------------------------------------------------


def test_names_are_unique_and_speak_like_alerts() -> None:
    names = [rule.name for rule in SHIPPED]
    assert len(set(names)) == len(names) >= 40
    assert all(re.fullmatch(r"(?:[A-Z][a-z0-9]+)+", name) for name in names)


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.name)
def test_prose_is_one_sentence_with_a_full_stop(shipped: Rule) -> None:
    for text in (shipped.summary, shipped.advice):
        assert re.fullmatch(r"[^\s].*[^.\s]\.", text)
        assert not re.search(r"[.!?]\s", text)
        assert "  " not in text
    assert len(shipped.advice.split()) >= 8


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.name)
def test_the_clear_threshold_is_on_the_good_side(shipped: Rule) -> None:
    good = shipped.clear >= shipped.threshold if shipped.falling else shipped.clear <= shipped.threshold
    assert good


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.name)
def test_severity_and_verdict_go_together(shipped: Rule) -> None:
    allowed = {
        "info": {"Healthy", "Unknown"},
        "warning": {"Degraded", "Unknown"},
        "critical": {"Degraded", "Down"},
    }
    assert shipped.verdict in allowed[shipped.severity]


def test_what_is_measured_in_requests_needs_some_of_them() -> None:
    ratios = [rule for rule in SHIPPED if rule.expression in {"api.error_ratio", "datastore.error_ratio"}]
    tails = [
        rule
        for rule in SHIPPED
        if rule.expression.endswith(".p99") and not rule.expression.endswith("peer_round_trip.p99")
    ]
    assert ratios
    assert tails
    assert all(rule.needs for rule in (*ratios, *tails))


def test_the_shipped_rules_are_loaded_once() -> None:
    assert load_rules() is load_rules()


# ---- what a user changes -------------------------------------------------------------------------------------


def test_an_empty_file_changes_nothing() -> None:
    assert load_rules("") == SHIPPED
    assert load_rules("rules: {}") == SHIPPED


def test_a_field_is_replaced_and_the_others_stay() -> None:
    changed = rule("rules: {ApiWritesSlow: {for: 20m, severity: critical}}", "ApiWritesSlow")
    shipped = next(rule for rule in SHIPPED if rule.name == "ApiWritesSlow")
    assert (changed.hold, changed.severity) == (1200.0, "critical")
    assert (changed.threshold, changed.advice) == (shipped.threshold, shipped.advice)


def test_a_threshold_takes_its_clear_threshold_along() -> None:
    changed = rule("rules: {ApiWritesSlow: {above: 4}}", "ApiWritesSlow")
    assert changed.threshold == 4.0
    assert changed.clear == pytest.approx(2.8)
    both = rule("rules: {ApiWritesSlow: {above: 4, clear: 3}}", "ApiWritesSlow")
    assert (both.threshold, both.clear) == (4.0, 3.0)


def test_a_rule_is_switched_off() -> None:
    kept = load_rules("rules: {PodsPending: {enabled: false}}")
    assert {rule.name for rule in SHIPPED} - {rule.name for rule in kept} == {"PodsPending"}


def test_a_rule_of_ones_own_is_judged_by() -> None:
    text = """
rules:
  ManyWatches:
    group: api
    severity: warning
    verdict: Degraded
    expression: api.long_running / max(1, count(servers_of_mine))
    above: 30
    summary: "{value} watches a server."
    advice: Look who watches so much.
"""
    assert "knows no signal 'servers_of_mine'" in problems(text)
    own = load_rules(text.replace("count(servers_of_mine)", "reach.asked"))
    judgement = Watch(own).round()
    assert judgement.reason == "40 watches a server."


def test_every_problem_is_reported_at_once_with_its_path() -> None:
    message = problems(
        """
rule: {}
rules:
  apiSlow: {above: 1}
  ApiReadsSlow: {above: fast, for: soon, severity: fatal, colour: red}
  ApiWritesSlow: {clear: 5}
  ApiErrorsHigh: {expression: "api.error_ration * 2"}
  QueueStuck: {summary: "Queue {queue.dept}", each: row}
  Mine: {above: 1}
  PodsPending: off
"""
    )
    assert message.startswith("my-rules.yaml: ")
    for expected in (
        "rule: is not known here",
        "rules.apiSlow: is no name of a rule",
        "rules.ApiReadsSlow.above: is no number",
        "rules.ApiReadsSlow.for: is no duration",
        "rules.ApiReadsSlow.severity: is 'fatal'; one of info, warning, critical",
        "rules.ApiReadsSlow.colour: is not known",
        "rules.ApiWritesSlow.clear: 5 lies beyond the threshold 1",
        "rules.ApiErrorsHigh.expression: knows no signal 'api.error_ration'; 'error_ratio' is near",
        "rules.QueueStuck.each: is 'row'",
        "rules.Mine.advice: is missing",
        "rules.PodsPending: is no mapping",
    ):
        assert expected in message


def test_a_severity_that_does_not_fit_the_verdict_is_refused() -> None:
    assert "rules.ApiDown.verdict: is 'Down'; one of Degraded, Unknown" in problems(
        "rules: {ApiDown: {severity: warning}}"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rules: {A: {above: 1}, A: {above: 2}}", "'A' is there twice"),
        ("rules: [", "my-rules.yaml: line "),
        ("- a list", "holds no mapping"),
        ("a: " + "[" * 30 + "]" * 30, "nests deeper"),
        ("rules: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("rules: []", "is no mapping"),
        ("x" * (2 << 20), "larger than 1 MiB"),
        ("rules: {ApiDown: {above: .nan}}", "is no number"),
        ("rules: {ApiWritesSlow: {above: .inf}}", "is no number"),
        ("rules: {? {a: b} : 1}", "my-rules.yaml"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_no_rules_file_is_refused_with_a_sentence(text: str, problem: str) -> None:
    assert problem in problems(text)


@given(st.text(alphabet="rulesApiDown:{}[],&*!|>-'\"\n 12.#?", max_size=60))
def test_any_text_is_rules_or_a_refusal(text: str) -> None:
    refusal = ""
    try:
        assert load_rules(text)
    except UsageError as error:
        refusal = error.message
    assert not refusal or refusal.startswith("rules file: ")
