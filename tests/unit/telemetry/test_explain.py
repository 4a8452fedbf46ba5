"""What `k3k doctor` says: the verdict, its reasons, what is fine, what could not be checked and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from k3k_core.telemetry.explain import Explanation, explain
from k3k_core.telemetry.judgement import Judgement, Verdict
from k3k_core.telemetry.quantities import format_duration, format_value, parse_duration
from k3k_core.telemetry.rules import load_rules
from k3k_core.telemetry.signals.model import ApiSignals
from tests.support.judging import START, Watch, signals_with
from tests.support.rule_scenarios import REFUSED, SCENARIOS

RULES = load_rules()
SLOW = {"datastore.latency.p99": 0.8, "api.writes.p99": 2.0}


def explained(
    changes: Mapping[str, Any],
    *,
    seconds: float = 330.0,
    base: Verdict = "Healthy",
    reason: str = "",
    **about: str,
) -> Explanation:
    """A control plane that has been like this for a while."""
    watch = Watch(RULES)
    judgement = watch.rounds(seconds, changes, base=base, reason=reason)
    at = watch.at - watch.every
    return explain(
        judgement,
        signals_with(changes, at),
        name="shop/storefront",
        rules=RULES,
        base=base,
        base_reason=reason,
        at=at,
        about=about,
    )


def section(explanation: Explanation, title: str) -> str:
    found = [section for section in explanation.sections() if section.title == title]
    return " ".join(" ".join(found[0].lines).split()) if found else ""


def test_a_finding_says_rule_value_threshold_since_and_what_to_do() -> None:
    text = section(explained(SLOW), "Findings")
    assert "ApiWritesSlow (warning) for 5 min 30 s, since 2027-01-15 08:00:00 UTC" in text
    assert "Writes take 2 s at the 99th percentile (limit 1 s)." in text
    assert "Value 2 s, threshold 1 s" in text
    assert "What to do: Look at the datastore's latency" in text


def test_a_rule_that_fires_for_several_things_is_told_once() -> None:
    one = explained(SCENARIOS["CertificateExpiresSoon"].bad, seconds=3700.0)
    finding = next(item for item in one.judgement.findings if item.rule == "CertificateExpiresSoon")
    many = tuple(replace(finding, subject=f"CN={number}", value=float(number)) for number in range(9))
    text = section(replace(one, judgement=replace(one.judgement, findings=many)), "Findings")
    assert text.count("CertificateExpiresSoon") == 1
    assert text.count("What to do:") == 1
    assert "The same of CN=1 (24 hours), CN=2 (2 days)" in text
    assert "CN=6 (6 days) and 2 more." in text


def test_when_no_server_answers_only_host_and_certificates_are_fine() -> None:
    fine = {
        item.rule.group.name
        for item in explained(SCENARIOS["ApiUnreachable"].bad).sightings
        if item.outcome == "fine"
    }
    assert fine <= {"host", "certificates"}


def test_when_no_page_is_read_nothing_of_pages_is_fine() -> None:
    unread = explained(SCENARIOS["MetricsUnreadable"].bad)
    fine = {item.rule.group.name for item in unread.sightings if item.outcome == "fine"}
    assert "controllers" not in fine
    assert "reach" in fine


def test_the_headline_is_the_verdict_and_its_age() -> None:
    assert explained(SLOW).headline() == "shop/storefront: Degraded for 30 s"
    assert explained({}).text().startswith("shop/storefront: Healthy for 5 min 30 s\n\n")


def test_what_was_so_from_the_beginning_of_watching_may_be_older() -> None:
    since = replace(explained(SLOW), watched_since=START - 1.0)
    assert "ApiWritesSlow (warning) for as long as it was watched, 5 min 30 s" in section(since, "Findings")


def test_what_began_while_watching_has_its_age() -> None:
    since = replace(explained(SLOW), watched_since=START - 60.0)
    assert "ApiWritesSlow (warning) for 5 min 30 s" in section(since, "Findings")


def test_what_has_not_held_long_enough_is_told_apart() -> None:
    explanation = explained(SLOW, seconds=60)
    assert explanation.judgement.verdict == "Healthy"
    assert section(explanation, "Findings") == ""
    assert "ApiWritesSlow (warning), for 1 min of 5 min: Writes take 2 s" in section(
        explanation, "Seen, but not for long enough yet"
    )


def test_what_is_fine_is_grouped_and_has_its_values() -> None:
    text = section(explained(SLOW), "Checked and fine")
    assert "API requests: ApiErrorBudgetBurnFast, " in text
    assert "ApiErrorsHigh 0 % (limit 5 %)" in text
    assert "ApiWritesSlow" not in text


def test_what_could_not_be_checked_says_why() -> None:
    absent = {"datastore.etcd": None, "datastore.sql": None, "datastore.kind": ""}
    text = section(explained(absent), "Not checked")
    assert "EtcdNoLeader" in text
    assert "only a dedicated etcd made by k3k is measured" in text
    assert "SQL datastore (kine): KineSqlVerySlow, KineSqlSlow" in text


def test_an_unreadable_page_is_the_reason_for_what_could_not_be_checked() -> None:
    gone = {"servers.*.page_error": "403 Forbidden", "api.writes": None, "processes": ()}
    text = section(explained(gone), "Not checked")
    assert "no metrics could be read: 403 Forbidden" in text


def test_a_single_page_is_the_reason_for_what_could_not_be_checked() -> None:
    text = section(explained({"window": 0.0, "api.writes": None}), "Not checked")
    assert "there is nothing to compare with yet, since only one page was read" in text


def test_too_few_requests_are_the_reason_for_what_could_not_be_checked() -> None:
    text = section(explained({"api.writes.p99": 9.0, "api.writes.count": 4.0}), "Not checked")
    assert "ApiWritesSlow (too little happened in the window to say)" in text


def test_without_signals_only_the_host_is_checked() -> None:
    explanation = explain(
        Judgement("Healthy", START),
        None,
        name="shop/storefront",
        rules=RULES,
        base="Healthy",
        base_reason="",
        at=START,
    )
    assert section(explanation, "Checked and fine") == (
        "What the host says: HostCallsItDown, HostCallsItDegraded"
    )
    assert "nothing was measured" in section(explanation, "Not checked")


def test_a_round_that_asked_no_server_checks_nothing() -> None:
    explanation = explained({"servers": (), "window": 0.0, "api": ApiSignals(), "processes": ()})
    assert explanation.headline() == (
        "shop/storefront: Healthy for 5 min 30 s, by the host's word alone (no server was asked)"
    )
    fine = section(explanation, "Checked and fine")
    unchecked = section(explanation, "Not checked")
    for rule in ("ApiDown", "ApiNotReady", "MetricsUnreadable", "SignalsStale", "ApiErrorsHigh"):
        assert rule not in fine
        assert rule in unchecked
    assert explanation.to_dict()["measured"] is False


def test_a_verdict_that_was_not_measured_says_whose_word_it_is() -> None:
    down = explained(SCENARIOS["ApiDown"].bad, base="Down", reason="0 of 3 servers ready")
    assert down.headline().endswith("by the host's word alone (no server answered: " + REFUSED + ")")
    assert explained({}, base="Paused", reason="no servers are asked for").headline().endswith("5 min 30 s")
    assert explained({}).to_dict()["measured"] is True


def test_rules_about_another_kind_of_datastore_are_left_out() -> None:
    explanation = explained({"datastore.etcd": None, "datastore.kind": "sqlite"})
    assert "Etcd" not in explanation.text()
    reasons = {one["rule"]: one["reason"] for one in explanation.to_dict()["unchecked"]}
    assert reasons["EtcdNoLeader"] == "does not apply to its datastore (sqlite)"


def test_what_does_not_count_while_paused_says_so() -> None:
    text = section(explained({}, base="Paused", reason="no servers are asked for"), "Not checked")
    assert "ApiDown" in text
    assert "does not count while it is Paused" in text


def test_facts_stand_first_and_cannot_move_a_terminal() -> None:
    explanation = explained({}, Version="v1.36.2+k3s1", Endpoint="https://10.0.0.7\x1b[2J", Nothing="")
    lines = explanation.sections()[0].lines
    assert lines[0] == "  Version   v1.36.2+k3s1"
    assert "\x1b" not in explanation.text()
    assert "Nothing" not in explanation.text()


def test_every_rule_is_in_exactly_one_part() -> None:
    for name, scenario in SCENARIOS.items():
        told = explained(scenario.bad, base=scenario.base, reason=scenario.reason).to_dict()
        rules = [
            *{one["rule"] for one in told["findings"]} | {one["rule"] for one in told["pending"]},
            *(one["rule"] for one in told["fine"]),
            *(one["rule"] for one in told["unchecked"]),
        ]
        assert len(rules) == len(set(rules)), name


def test_lines_keep_to_the_width() -> None:
    text = explained(SLOW).text(width=60)
    assert max(len(line) for line in text.splitlines()) <= 60
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_the_machine_readable_form_is_plain_json() -> None:
    told = explained({**SLOW, "datastore.etcd": None}, Version="v1").to_dict()
    again = json.loads(json.dumps(told, allow_nan=False))
    assert again == told
    assert (told["name"], told["verdict"], told["about"]) == (
        "shop/storefront",
        "Degraded",
        {"Version": "v1"},
    )
    assert {"rule", "severity", "value", "threshold", "since", "advice"} <= set(told["findings"][0])
    leaderless = next(one for one in told["unchecked"] if one["rule"] == "EtcdNoLeader")
    assert leaderless["missing"] == ["datastore.etcd.has_leader"]


# ---- numbers for people --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0042, "seconds", "4.2 ms"),
        (1.256, "seconds", "1.26 s"),
        (200.0, "seconds", "3 min 20 s"),
        (90000.0, "seconds", "25 h"),
        (400000.0, "seconds", "4 d 15 h"),
        (0.123456, "ratio", "12.3 %"),
        (1536.0, "bytes", "1.5 KiB"),
        (2.5 * 2**30, "bytes", "2.5 GiB"),
        (131072.0, "bytes/second", "128 KiB/s"),
        (13.9, "days", "13 days"),
        (1.5, "days", "36 hours"),
        (-0.5, "days", "-12 hours"),
        (0.0, "days", "0 days"),
        (1234567.0, "items", "1234567"),
        (0.5, "count/second", "0.5/s"),
        (1.25, "cores", "1.25 cores"),
        (float("nan"), "bytes", "unknown"),
        (float("inf"), "bytes", "infinite bytes"),
        (float("-inf"), "days", "-infinite days"),
    ],
)
def test_values_read_as_people_write_them(value: float, unit: str, text: str) -> None:
    assert format_value(value, unit) == text


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("90s", 90), ("1h30m", 5400), (15, 15), ("250ms", 0.25)]
)
def test_durations_of_rules_are_read(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5 minutes", "-5m", -5, True, None, [], "9" * 50 + "s", 1e12])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"duration"):
        parse_duration(text)


def test_no_time_at_all_reads_well() -> None:
    assert format_duration(0) == format_duration(-3) == "0 s"
