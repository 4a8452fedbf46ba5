"""The shipped alert and recording rules, held to the catalogue of metrics, to the verdict rules and to promtool."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from k3k_core.cli.catalog import VERBS
from k3k_core.cli.group import load_verb
from k3k_core.exporter.alerts import SEVERITIES, Alert, Group, load_groups, rule_file, runbook
from k3k_core.exporter.alerts.load import parse_group
from k3k_core.exporter.yaml_text import to_yaml
from k3k_core.telemetry.rules import load_rules
from tests.support.prometheus import needs_promtool, promtool
from tests.support.promql import used
from tests.support.series import ALL_SERIES, RECORDED, labels_of

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests/data/alerts"
FILES = sorted(path.name for path in CASES.glob("*.yaml"))
GROUPS = load_groups()
ALERTS = [alert for group in GROUPS for alert in group.alerts]
RECORDS = [record for group in GROUPS for record in group.records]


@cache
def content_of(file: str) -> dict[str, Any]:
    """Return a file of promtool tests."""
    document: dict[str, Any] = yaml.safe_load((CASES / file).read_text(encoding="utf-8"))
    return document


def cases() -> list[tuple[str, dict[str, Any]]]:
    """Return every promtool test, with the file it stands in."""
    return [(file, case) for file in FILES for case in content_of(file)["tests"]]


def asked_for(file: str) -> list[Group]:
    """Return the recording rules and the groups whose alerts a file asks for; the others would only take time."""
    names = {check["alertname"] for case in content_of(file)["tests"] for check in case["alert_rule_test"]}
    return [group for group in GROUPS if group.records or names & {alert.name for alert in group.alerts}]


BAD_ALERT = (
    "alert: A, severity: bad, expr: up, for: 1m, summary: s, description: d, means: m, look: [l], act: a"
)
EXPRESSIONS = {alert.name: alert.expr for alert in ALERTS} | RECORDED


@pytest.mark.parametrize("name", list(EXPRESSIONS))
def test_an_expression_uses_only_series_that_exist(name: str) -> None:
    series = {selector.series for selector in used(EXPRESSIONS[name]).selectors}
    assert series
    assert series <= ALL_SERIES


@pytest.mark.parametrize("name", list(EXPRESSIONS))
def test_an_expression_uses_only_labels_that_its_series_have(name: str) -> None:
    expression = used(EXPRESSIONS[name])
    for selector in expression.selectors:
        assert selector.labels <= labels_of(selector.series), selector
    known = frozenset[str]().union(*(labels_of(selector.series) for selector in expression.selectors))
    assert expression.grouping <= known


def test_a_recording_rule_comes_after_those_it_reads() -> None:
    seen: set[str] = set()
    for record in RECORDS:
        needed = {selector.series for selector in used(record.expr).selectors} & RECORDED.keys()
        assert needed <= seen, record.name
        seen.add(record.name)


def test_every_recorded_series_is_read_by_something() -> None:
    read = {selector.series for expression in EXPRESSIONS.values() for selector in used(expression).selectors}
    assert read >= RECORDED.keys()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_tells_what_where_and_how_bad(alert: Alert) -> None:
    assert alert.name.startswith("K3k")
    assert alert.severity in SEVERITIES
    assert alert.summary.endswith(".")
    assert "\n" not in alert.summary
    assert alert.description.endswith(".")
    assert alert.act.endswith((".", "`."))
    assert re.fullmatch(r"\d+[mh]", alert.hold)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_about_a_control_plane_names_it_in_the_summary(alert: Alert) -> None:
    if "namespace" in used(alert.expr).grouping:
        for label in ("host", "namespace", "name"):
            assert f"$labels.{label} " in alert.summary


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_texts_use_only_labels_that_the_alert_has(alert: Alert) -> None:
    grouping = used(alert.expr).grouping
    recorded = [labels_of(each.series) for each in used(alert.expr).selectors if each.series in RECORDED]
    for text in (alert.summary, alert.description):
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= grouping.union(*recorded)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_commands_of_a_runbook_can_be_typed(alert: Alert) -> None:
    for command in alert.look:
        words = shlex.split(command)
        assert words[0] in {"k3k", "kubectl", "curl"}
        if words[0] == "k3k":
            load_verb(words[1]).make_context(words[1], words[2:])
    for name in re.findall(r"`k3k (\w+)", f"{alert.means} {alert.act}"):
        assert name in VERBS


def test_names_of_alerts_that_texts_mention_exist() -> None:
    names = {alert.name for alert in ALERTS}
    for alert in ALERTS:
        mentioned = set(re.findall(r"\bK3k\w+", f"{alert.means} {alert.act} {alert.description}"))
        assert mentioned <= names, alert.name


def test_an_alert_is_no_milder_than_the_verdict_rules_whose_thresholds_it_takes() -> None:
    severity = {rule.name: rule.severity for rule in load_rules()}
    for alert in ALERTS:
        for rule in alert.verdict_rules:
            assert SEVERITIES.index(alert.severity) <= SEVERITIES.index(severity[rule]), alert.name


def test_a_threshold_of_ones_own_reaches_the_alert() -> None:
    rules = load_rules("rules: {QueueDeep: {above: 12345, clear: 50}}")
    (alert,) = (each for group in load_groups(rules) for each in group.alerts if each.name == "K3kQueueDeep")
    assert alert.expr.endswith("> 12345")


def test_a_verdict_rule_that_is_switched_off_takes_its_alert_with_it() -> None:
    rules = load_rules("rules: {QueueDeep: {enabled: false}}")
    names = {alert.name for group in load_groups(rules) for alert in group.alerts}
    assert names == {alert.name for alert in ALERTS} - {"K3kQueueDeep"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("group: g", "about is missing"),
        ("{group: g, about: a, rules: []}", "rules is not known"),
        ("{group: g, about: a, records: [{record: r, expr: up}]}", "r: meaning is missing"),
        (f"{{group: g, about: a, alerts: [{{{BAD_ALERT}}}]}}", "severity 'bad'"),
    ],
)
def test_a_group_that_is_not_well_formed_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_group(text, {})


@needs_promtool
async def test_promtool_finds_nothing_wrong_with_the_rules(tmp_path: Path) -> None:
    path = tmp_path / "k3k.rules.yaml"
    path.write_text(to_yaml(rule_file(GROUPS)), encoding="utf-8")
    checked = await promtool("check", "rules", "--lint=all", "--lint-fatal", str(path))
    assert f"{len(ALERTS) + len(RECORDS)} rules found" in checked.checked().out


@needs_promtool
@pytest.mark.parametrize("file", FILES)
async def test_alerts_fire_hold_and_clear_as_promtool_sees_it(file: str, tmp_path: Path) -> None:
    (tmp_path / "k3k.rules.yaml").write_text(to_yaml(rule_file(asked_for(file))), encoding="utf-8")
    path = tmp_path / file
    path.write_text((CASES / file).read_text(encoding="utf-8"), encoding="utf-8")
    (await promtool("test", "rules", str(path))).checked()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_has_a_promtool_test_in_which_it_waits_fires_and_clears(alert: Alert) -> None:
    best = max((phases(case, alert.name) for _, case in cases()), default="", key=len)
    assert best == "waits fires clears", f"write a promtool test for {alert.name} in tests/data/alerts"


def phases(case: dict[str, Any], alert: str) -> str:
    """Return what an alert does in a promtool test, in the order of time."""
    checks = [check for check in case["alert_rule_test"] if check["alertname"] == alert]
    seen = [bool(check["exp_alerts"]) for check in checks]
    words: list[str] = []
    for index, fires in enumerate(seen):
        word = "fires" if fires else ("clears" if True in seen[:index] else "waits")
        if not words or words[-1] != word:
            words.append(word)
    return " ".join(words)


@pytest.mark.parametrize("file", FILES)
def test_promtool_tests_know_every_group(file: str) -> None:
    # Groups that are not named are evaluated in an order of chance.
    assert content_of(file)["group_eval_order"] == [group.name for group in GROUPS]


def test_the_runbook_is_current() -> None:
    assert (ROOT / "docs/alerts.md").read_text(encoding="utf-8") == runbook(GROUPS), (
        "write it anew: k3k alerts -o runbook > docs/alerts.md"
    )
