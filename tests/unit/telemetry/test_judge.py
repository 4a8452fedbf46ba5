"""The engine behind verdicts: holds, hysteresis, what the host says, and what is not known."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.errors import K3kError
from k3k_core.telemetry.judge import Judge
from k3k_core.telemetry.judgement import Verdict
from k3k_core.telemetry.rules import Group, Rule, load_rules
from tests.support.judging import ROUND, START, Watch, only, signals_with
from tests.support.measured import latency
from tests.support.rule_scenarios import NO_ANSWER, SCENARIOS

UNREACHED = SCENARIOS["ApiUnreachable"].bad
NOT_READY = SCENARIOS["ApiNotReady"].bad
SLOW = {"datastore.latency.p99": 0.8}
VERY_SLOW = {"datastore.latency.p99": 4.0}


def rule(**fields: Any) -> Rule:
    """A rule about slow writes, with other fields."""
    return replace(
        Rule(
            name="WritesSlow",
            group=Group("api", "API", "absent"),
            severity="warning",
            verdict="Degraded",
            expression="api.writes.p99",
            threshold=1.0,
            clear=0.5,
            summary="Writes take {value}.",
            advice="Wait.",
            hold=60.0,
            clear_for=60.0,
            unit="seconds",
        ),
        **fields,
    )


def writes(p99: float | None) -> dict[str, float | None]:
    return {"api.writes.p99": p99}


# ---- what the host says --------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["Progressing", "Paused", "Expired"])
def test_what_only_the_host_can_know_wins_and_comes_first(base: Verdict) -> None:
    watch = Watch(load_rules())
    judgement = watch.rounds(300, VERY_SLOW, base=base, reason="2 of 3 servers run the newest specification")
    assert judgement.verdict == base
    assert judgement.findings[0].rule == f"Host{base}"
    assert judgement.reason == "2 of 3 servers run the newest specification."
    assert watch.firing("DatastoreVerySlow") is not None


def test_a_paused_control_plane_is_not_blamed_for_answering_nothing() -> None:
    watch = Watch(load_rules())
    watch.round()
    judgement = watch.rounds(600, UNREACHED, base="Paused", reason="no servers are asked for")
    assert [finding.rule for finding in judgement.findings] == ["HostPaused"]
    assert judgement.pending == ()


def test_the_host_alone_is_believed_where_nothing_is_measured() -> None:
    assert Watch(load_rules()).round(base="Healthy", measured=False).verdict == "Healthy"
    down = Watch(load_rules()).round(base="Down", reason="0 of 1 servers ready", measured=False)
    assert (down.verdict, down.reason) == (
        "Down",
        "The host counts no server as ready: 0 of 1 servers ready.",
    )
    degraded = Watch(load_rules()).round(base="Degraded", reason="1 of 2 servers ready", measured=False)
    assert degraded.verdict == "Degraded"
    assert degraded.findings[0].advice


def test_neither_host_nor_signals_is_unknown_with_a_reason() -> None:
    judgement = Watch(load_rules()).round(base="Unknown", reason="", measured=False)
    assert judgement.verdict == "Unknown"
    assert judgement.findings[0].rule == "HostUnknown"
    assert "either its host nor a probe" in judgement.reason


def test_a_host_that_says_nothing_leaves_it_to_the_probes() -> None:
    assert Watch(load_rules()).round(base="Unknown").verdict == "Healthy"
    watch = Watch(load_rules())
    watch.round()
    assert watch.rounds(300, UNREACHED, base="Unknown").verdict == "Unknown"


def test_a_server_that_answers_outweighs_a_host_that_calls_it_down() -> None:
    judgement = Watch(load_rules()).round(base="Down", reason="0 of 3 servers ready")
    assert judgement.verdict == "Degraded"
    assert [finding.rule for finding in judgement.findings] == ["HostDisagrees"]


# ---- being reached -------------------------------------------------------------------------------------------


def test_out_of_reach_is_degraded_where_it_was_reached_before() -> None:
    watch = Watch(load_rules())
    watch.round()
    assert watch.round(UNREACHED).verdict == "Healthy"
    assert watch.rounds(60, UNREACHED).verdict == "Degraded"
    assert "connection refused" in watch.last.reason


def test_out_of_reach_is_unknown_where_it_never_was_reached() -> None:
    judgement = Watch(load_rules()).rounds(60, UNREACHED)
    assert (judgement.verdict, judgement.findings[0].rule) == ("Unknown", "ApiNeverReached")


def test_out_of_reach_is_down_where_the_host_shows_none_ready_either() -> None:
    watch = Watch(load_rules())
    watch.round()
    judgement = watch.rounds(60, UNREACHED, base="Down", reason="0 of 3 servers ready")
    assert judgement.verdict == "Down"
    assert {finding.rule for finding in judgement.findings} == {"HostCallsItDown", "ApiDown"}


def test_servers_that_say_they_are_not_ready_are_believed_over_the_host() -> None:
    judgement = Watch(load_rules()).rounds(60, NOT_READY)
    assert (judgement.verdict, judgement.findings[0].rule) == ("Down", "ApiNotReady")
    assert "ReadinessCheckFailing" in {finding.rule for finding in judgement.findings}


@pytest.mark.parametrize(("first", "then"), [(UNREACHED, NOT_READY), (NOT_READY, UNREACHED)])
def test_it_is_never_healthy_between_two_ways_of_being_broken(
    first: Mapping[str, Any], then: Mapping[str, Any]
) -> None:
    watch = Watch(load_rules())
    watch.round()
    watch.rounds(90, first)
    for _ in range(30):
        assert watch.round(then).verdict in {"Degraded", "Down"}


def test_one_server_of_several_out_of_reach_is_named() -> None:
    watch = Watch(load_rules())
    gone = {f"servers.1.{name}": value for name, value in NO_ANSWER.items()}
    judgement = watch.rounds(180, gone)
    assert judgement.verdict == "Degraded"
    assert [(finding.rule, finding.subject) for finding in judgement.findings] == [
        ("ServerUnreachable", "shop-k3k-server-1")
    ]


# ---- holds and hysteresis ------------------------------------------------------------------------------------


def test_a_value_that_oscillates_around_the_threshold_gives_one_long_finding() -> None:
    watch = Watch((rule(),))
    verdicts = [watch.round(writes(p99)).verdict for p99 in [1.1, 0.9] * 40]
    changes = sum(before != after for before, after in pairwise(verdicts))
    assert changes == 1


@given(st.lists(st.one_of(st.none(), st.floats(0, 2), st.just(math.nan)), max_size=120))
def test_whatever_the_value_does_a_rule_neither_starts_nor_stops_too_soon(values: list[float | None]) -> None:
    watch = Watch((rule(keep=120.0),))
    fired = False
    changed_at = -math.inf
    for value in values:
        at = watch.at
        watch.round(writes(value))
        fires = watch.firing("WritesSlow") is not None
        if fires != fired:
            assert at - changed_at >= 60.0
            fired, changed_at = fires, at


@given(st.lists(st.floats(0, 0.999), max_size=60))
def test_values_that_never_cross_the_threshold_never_fire(values: list[float]) -> None:
    watch = Watch((rule(hold=0.0),))
    for value in values:
        assert watch.round(writes(value)).findings == ()


def test_nan_never_fires() -> None:
    watch = Watch((rule(hold=0.0),))
    assert watch.rounds(300, writes(math.nan)).findings == ()
    assert watch.last.pending == ()


def test_nan_tells_nothing_and_so_clears_nothing() -> None:
    watch = Watch((rule(),))
    watch.rounds(60, writes(2.0))
    assert watch.rounds(240, writes(math.nan)).verdict == "Degraded"
    assert watch.rounds(300, writes(math.nan)).verdict == "Healthy"


def test_checks_of_servers_that_no_longer_answer_are_not_taken_for_mended() -> None:
    watch = Watch(only("ReadinessCheckFailing"))
    watch.rounds(60, SCENARIOS["ReadinessCheckFailing"].bad)
    assert watch.rounds(240, UNREACHED).verdict == "Degraded"


def test_an_infinite_value_fires_and_reads_well() -> None:
    watch = Watch((rule(hold=0.0),))
    assert watch.round(writes(math.inf)).reason == "Writes take for ever."


def test_too_few_requests_neither_fire_nor_clear() -> None:
    needy = rule(needs=(("api.writes.count", 20.0),))
    few = {"api.writes": latency(5.0, count=3)}
    watch = Watch((needy,))
    assert watch.rounds(300, few).pending == ()
    watch.rounds(120, writes(5.0))
    assert watch.rounds(120, few).verdict == "Degraded"


def test_a_good_value_clears_however_few_requests_it_rests_on() -> None:
    watch = Watch((rule(needs=(("api.writes.count", 20.0),)),))
    watch.rounds(120, writes(5.0))
    assert watch.rounds(60, {"api.writes": latency(0.1, count=3)}).verdict == "Healthy"


def test_what_comes_in_bursts_fires_only_when_it_comes_again() -> None:
    failing = {"datastore.compactions.error": 1.0}
    watch = Watch(only("KineCompactionFailing"))
    watch.round(failing)
    assert watch.rounds(900).findings == ()
    watch.round(failing)
    watch.rounds(270)
    assert watch.round(failing).verdict == "Degraded"
    assert watch.rounds(900).verdict == "Degraded"
    assert watch.rounds(120).verdict == "Healthy"


def test_of_rules_that_say_the_same_only_the_weightier_is_listed() -> None:
    watch = Watch(only("DatastoreSlow", "DatastoreVerySlow"))
    judgement = watch.rounds(600, VERY_SLOW)
    assert [finding.rule for finding in judgement.findings] == ["DatastoreVerySlow"]


def test_the_lesser_rule_takes_over_without_a_hold_of_its_own() -> None:
    watch = Watch(only("DatastoreSlow", "DatastoreVerySlow"))
    watch.rounds(120, VERY_SLOW)
    listed = [watch.round(SLOW).findings[0].rule for _ in range(20)]
    assert listed[0] == "DatastoreVerySlow"
    assert listed[-1] == "DatastoreSlow"


def test_a_queue_that_is_gone_clears_and_queues_that_are_not_known_do_not() -> None:
    watch = Watch(only("QueueStuck"))
    watch.rounds(120, SCENARIOS["QueueStuck"].bad)
    assert watch.rounds(60, {"controllers.queues": ()}).verdict == "Degraded"
    watch.round()
    others = watch.judge.judge(
        signals_with({"controllers.queues.0.name": "job"}, watch.at), base="Healthy", at=watch.at + 60
    )
    assert others.verdict == "Healthy"


# ---- time ----------------------------------------------------------------------------------------------------


def test_a_clock_set_back_changes_no_holding_time() -> None:
    watch = Watch((rule(),))
    watch.rounds(45, writes(2.0))
    watch.at -= 3600
    assert watch.round(writes(2.0)).pending[0].since == watch.at - ROUND - 45
    assert watch.rounds(60, writes(2.0)).verdict == "Degraded"


def test_signals_from_before_a_clock_was_set_back_grow_old_nevertheless() -> None:
    judge = Judge(load_rules())
    signals = signals_with({}, START)
    assert judge.judge(signals, base="Healthy", at=START).verdict == "Healthy"
    judgements = [
        judge.judge(signals, base="Healthy", at=START - 3600 + seconds) for seconds in range(0, 700, 15)
    ]
    assert judgements[0].verdict == "Healthy"
    assert judgements[-1].findings[0].rule == "SignalsStale"
    # A second step back adds nothing to their age, and takes nothing from it.
    again = judge.judge(signals, base="Healthy", at=START - 7200)
    assert again.findings[0].rule == "SignalsStale"
    assert again.findings[0].value == pytest.approx(judgements[-1].findings[0].value)


def test_nothing_is_said_to_begin_in_the_future_after_a_clock_was_set_back() -> None:
    watch = Watch((rule(),))
    watch.rounds(120, writes(2.0))
    watch.at -= 3600
    judgement = watch.round(writes(2.0))
    now = watch.at - ROUND
    assert judgement.verdict == "Degraded"
    assert all(since <= now for since in (judgement.since, *(found.since for found in judgement.findings)))


def test_a_condition_seen_before_a_long_pause_starts_anew() -> None:
    watch = Watch((rule(),))
    watch.round(writes(2.0))
    watch.at += 1000
    judgement = watch.round(writes(2.0))
    assert judgement.findings == ()
    assert judgement.pending[0].since == watch.at - ROUND


def test_a_rule_that_fires_goes_on_after_a_long_pause() -> None:
    watch = Watch((rule(),))
    began = watch.at
    watch.rounds(60, writes(2.0))
    watch.at += 1000
    assert watch.round(writes(2.0)).findings[0].since == began


def test_signals_of_the_past_are_no_signals_of_the_present() -> None:
    watch = Watch(load_rules())
    watch.round()
    judgement = watch.round({"age": 400.0, **VERY_SLOW})
    assert judgement.verdict == "Unknown"
    assert judgement.findings[0].rule == "SignalsStale"
    assert watch.pending("DatastoreVerySlow") is None


def test_the_verdict_says_since_when() -> None:
    watch = Watch((rule(),))
    assert watch.rounds(600).since == START
    began = watch.at
    assert watch.rounds(120, writes(2.0)).since == began + 60


# ---- findings ------------------------------------------------------------------------------------------------


def test_findings_are_listed_the_worst_first() -> None:
    watch = Watch(load_rules())
    judgement = watch.rounds(
        1200, {**NOT_READY, **VERY_SLOW, "api.error_ratio": 0.1, "controllers.pending_pods": 90.0}
    )
    order = [(finding.verdict, finding.severity) for finding in judgement.findings]
    assert order[0] == ("Down", "critical")
    assert order.index(("Degraded", "critical")) < order.index(("Degraded", "warning"))
    assert order[-1] == ("Healthy", "info")


def test_a_rule_that_fires_for_everything_is_cut_short() -> None:
    queues = tuple(
        replace(signals_with({}, START).controllers.queues[0], name=f"queue-{number}", depth=1000.0 + number)
        for number in range(70)
    )
    judgement = Watch(only("QueueDeep")).rounds(600, {"controllers.queues": queues})
    assert len(judgement.findings) == 20
    assert judgement.findings[0].subject == "queue-69"


def test_text_of_a_control_plane_cannot_move_a_terminal() -> None:
    hostile = "evil\x1b[2Jname\nsecond line " + "x" * 1000
    judgement = Watch(only("QueueStuck")).rounds(
        120, {"controllers.queues.0.stuck": True, "controllers.queues.0.name": hostile}
    )
    assert judgement.reason.isprintable()
    assert len(judgement.reason) < 300


def test_a_degraded_or_down_control_plane_always_has_findings() -> None:
    for scenario in SCENARIOS.values():
        watch = Watch(load_rules())
        if not scenario.unreached:
            watch.round()
        judgement = watch.rounds(1900, scenario.bad, base=scenario.base, reason=scenario.reason)
        assert judgement.verdict not in {"Degraded", "Down"} or judgement.findings
        for finding in judgement.findings:
            assert finding.advice


# ---- state ---------------------------------------------------------------------------------------------------


def test_state_survives_a_restart() -> None:
    watch = Watch(load_rules())
    watch.rounds(400, {**SLOW, "api.error_ratio": 0.1})
    saved = json.loads(json.dumps(watch.judge.to_dict()))
    again = Watch(load_rules())
    again.judge, again.at = Judge.from_dict(load_rules(), saved), watch.at
    assert again.round(SLOW) == watch.round(SLOW)
    assert again.rounds(600) == watch.rounds(600)


def test_a_restored_judge_remembers_that_it_was_reached() -> None:
    watch = Watch(load_rules())
    watch.round()
    again = Watch(load_rules())
    again.judge = Judge.from_dict(load_rules(), watch.judge.to_dict())
    assert again.rounds(60, UNREACHED).verdict == "Degraded"


def test_conditions_of_rules_that_are_gone_are_dropped() -> None:
    watch = Watch((rule(),))
    watch.rounds(60, writes(2.0))
    judge = Judge.from_dict((), watch.judge.to_dict())
    assert judge.judge(None, base="Healthy", at=watch.at).findings == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SOUND = {"version": 1, "verdict": "Healthy", "since": 1.0, "at": 2.0, "reached": True, "conditions": []}


@given(st.fixed_dictionaries({key: st.just(value) | JSON for key, value in SOUND.items()}) | JSON)
def test_a_damaged_state_is_refused_or_harmless(state: Any) -> None:
    refusals = 0
    try:
        Judge.from_dict(load_rules(), state).judge(None, base="Healthy", at=START)
    except K3kError:
        refusals += 1
    assert refusals == 1 or set(SOUND) <= set(state)


def test_a_damaged_condition_is_refused() -> None:
    watch = Watch((rule(),))
    watch.round(writes(2.0))
    state = watch.judge.to_dict()
    state["conditions"][0]["seen"] = math.nan
    with pytest.raises(K3kError, match="a time that is none"):
        Judge.from_dict((rule(),), state)


# ---- what is told before it fires ----------------------------------------------------------------------------


def test_a_quiet_rule_is_pending_only_after_a_while() -> None:
    watch = Watch((rule(hold=300.0, quiet_for=90.0),))
    early = watch.rounds(75.0, writes(2.0))
    late = watch.rounds(30.0, writes(2.0))
    assert early.pending == ()
    assert [finding.rule for finding in late.pending] == ["WritesSlow"]


def test_the_first_minutes_of_any_server_are_not_told_as_restarts() -> None:
    watch = Watch(load_rules())
    assert watch.bad(SCENARIOS["ServerRestartsOften"]).pending == ()
