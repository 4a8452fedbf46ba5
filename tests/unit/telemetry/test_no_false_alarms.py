"""Rules on signals of real servers: a healthy one stays Healthy, idle or busy."""

from __future__ import annotations

from itertools import islice

import pytest

from k3k_core.telemetry.judge import Judge
from k3k_core.telemetry.page import Page
from k3k_core.telemetry.rules import load_rules
from k3k_core.telemetry.signals.tracker import Tracker
from k3k_core.telemetry.survey import survey
from tests.support.judging import START
from tests.support.steady_pages import modern, observations, recorded

OLD = ("k3s-1.21.3-agentless-t0", "k3s-1.21.3-agentless-t1")
ETCD = ("etcd-3.6.8-t0", "etcd-3.6.8-t1")

# Forty rounds are ten minutes: longer than any hold of a rule about requests, the datastore or queues but two.
ROUNDS = 44


def pages_of(version: str) -> tuple[tuple[Page, Page], tuple[Page, Page] | None]:
    """Two pages of a server of this version, and of its etcd where it has one."""
    if version == "1.21":
        return (recorded(OLD[0]), recorded(OLD[1])), None
    return (modern("t0"), modern("t1")), (recorded(ETCD[0]), recorded(ETCD[1]))


@pytest.mark.parametrize("tempo", [0.0, 0.02, 1.0], ids=["idle", "nearly idle", "as recorded"])
@pytest.mark.parametrize("version", ["1.21", "1.36"])
def test_a_healthy_server_stays_healthy(version: str, tempo: float) -> None:
    pages, etcd = pages_of(version)
    tracker, judge = Tracker(), Judge(load_rules())
    for observation in islice(observations(pages, start=START, tempo=tempo, etcd=etcd), ROUNDS):
        signals = tracker.observe(observation)
        judgement = judge.judge(signals, base="Healthy", at=observation.at)
        assert judgement.verdict == "Healthy"
        worth_telling = [
            finding.rule for finding in judgement.findings + judgement.pending if finding.severity != "info"
        ]
        assert worth_telling == []


@pytest.mark.parametrize("version", ["1.21", "1.36"])
def test_most_rules_find_their_signals_on_real_pages(version: str) -> None:
    pages, etcd = pages_of(version)
    tracker = Tracker()
    *_, last = (
        tracker.observe(observation)
        for observation in islice(observations(pages, start=START, tempo=1.0, etcd=etcd), ROUNDS)
    )
    seen = survey(load_rules(), last, base="Healthy", base_reason="", at=last.at)
    groups = {sighting.rule.group.name for sighting in seen if sighting.outcome == "fine"}
    expected = {"host", "reach", "api", "datastore", "controllers", "certificates", "process", "monitoring"}
    assert groups == expected | ({"etcd"} if etcd else set())
    unchecked = {sighting.rule.name for sighting in seen if sighting.outcome == "unchecked"}
    # What a version does not measure at all, and errors that are counted from the first one on.
    assert not unchecked & {
        "ApiErrorBudgetBurnFast",
        "ApiErrorsHigh",
        "ApiReadsSlow",
        "ApiWritesSlow",
        "DatastoreSlow",
        "QueueStuck",
        "QueueWaitLong",
        "CertificateExpiresSoon",
        "FileDescriptorsLow",
    }
