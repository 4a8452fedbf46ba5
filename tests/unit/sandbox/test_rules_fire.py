"""Every verdict rule fires under a fault of the sandbox, and clears when the fault is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import pytest

from k3k_core.telemetry.judgement import Judgement
from k3k_core.telemetry.rules import load_rules
from tests.support.faulty_control_plane import FaultyControlPlane

MINUTE = 60.0
# In rounds of a minute: no rule looks further back than six hours, and none needs more than one to clear.
LONGEST_ON = 400
LONGEST_OFF = 70


@dataclass(frozen=True)
class Trouble:
    """What makes a rule fire.

    Attributes:
        faults: of the sandbox; "silence" for a scraper that asks nothing any more.
        one: whether only the last of several servers has them.
        servers: how many servers there are.
        members: members of a dedicated etcd.
        engine: what kine stands before.
        first: whether the faults are there before anybody has reached the control plane.
    """

    faults: str
    one: bool = False
    servers: int = 1
    members: int = 0
    engine: str = "sqlite"
    first: bool = False

    def control_plane(self) -> FaultyControlPlane:
        return FaultyControlPlane(self.servers, self.members, "sqlite" if self.engine == "sqlite" else "sql")


def on_one(faults: str) -> Trouble:
    return Trouble(faults, one=True, servers=2)


def etcd(faults: str) -> Trouble:
    return Trouble(faults, members=3)


TROUBLES = {
    "HostCallsItDown": Trouble("down"),
    "HostCallsItDegraded": on_one("down"),
    "HostDisagrees": Trouble("kubelet-disagrees"),
    "ApiNotReady": Trouble("unready"),
    "ApiDown": Trouble("down"),
    "ApiUnreachable": Trouble("unreachable"),
    "ApiNeverReached": Trouble("unreachable", first=True),
    "ServerUnreachable": on_one("unreachable"),
    "ServerNotReady": on_one("unready"),
    "ReadinessCheckFailing": Trouble("check-failing:informer-sync"),
    "ApiSlowToAnswer": Trouble("slow-to-answer"),
    "ApiErrorBudgetBurnFast": Trouble("api-failing"),
    "ApiErrorBudgetBurnSlow": Trouble("api-errors"),
    "ApiErrorsVeryHigh": Trouble("api-failing"),
    "ApiErrorsHigh": Trouble("api-errors"),
    "ApiReadsSlow": Trouble("api-slow"),
    "ApiNamespaceListsSlow": Trouble("api-slow"),
    "ApiClusterListsSlow": Trouble("api-slow"),
    "ApiWritesSlow": Trouble("api-slow"),
    "ApiRequestsTerminated": Trouble("api-terminating"),
    "ApiRequestsRejected": Trouble("overloaded"),
    "ApiRequestsQueue": Trouble("overloaded"),
    "DatastoreVerySlow": Trouble("datastore-stalling"),
    "DatastoreSlow": Trouble("datastore-slow"),
    "DatastoreFailing": Trouble("datastore-failing"),
    "DatastoreErrors": Trouble("datastore-errors"),
    "DatastoreGrowsFast": Trouble("datastore-growing"),
    "DatastoreLarge": Trouble("datastore-large"),
    "KineSqlVerySlow": Trouble("datastore-stalling"),
    "KineSqlSlow": Trouble("datastore-slow"),
    "KineSqlErrors": Trouble("kine-errors"),
    "KineInsertErrors": Trouble("kine-errors"),
    "KineCompactionFailing": Trouble("kine-errors"),
    "DatastoreConnectionsExhausted": Trouble("pool-exhausted", engine="sql"),
    "DatastoreConnectionWaits": Trouble("pool-exhausted", engine="sql"),
    "EtcdUnreachable": etcd("etcd-down"),
    "EtcdInsufficientMembers": etcd("etcd-quorum-lost"),
    "EtcdMembersDown": etcd("etcd-member-down"),
    "EtcdNoLeader": etcd("etcd-no-leader"),
    "EtcdLeaderChanges": etcd("etcd-leader-changes"),
    "EtcdFsyncVerySlow": etcd("etcd-slow-disk"),
    "EtcdFsyncSlow": etcd("etcd-disk-busy"),
    "EtcdCommitSlow": etcd("etcd-slow-disk"),
    "EtcdProposalsFailed": etcd("etcd-proposals-failing"),
    "EtcdPeersSlow": etcd("etcd-slow-network"),
    "EtcdQuotaNearlyUsedUp": etcd("etcd-nearly-full"),
    "EtcdQuotaLow": etcd("etcd-filling"),
    "EtcdFragmented": etcd("etcd-fragmented"),
    "QueueStuck": Trouble("queue-stuck"),
    "QueueDeep": Trouble("queue-deep"),
    "QueueWaitLong": Trouble("queue-slow"),
    "QueueRetriesMany": Trouble("queue-slow"),
    "PodsPending": Trouble("pods-pending"),
    "AggregatedApiUnavailable": Trouble("apiservice-unavailable"),
    "CertificateExpired": Trouble("certificate-expired"),
    "CertificateExpiresVerySoon": Trouble("certificates-expiring:1"),
    "CertificateExpiresSoon": Trouble("certificates-expiring"),
    "CertificateExpires": Trouble("certificates-expiring:20"),
    "AuthorityExpired": Trouble("authorities-expiring:-1"),
    "AuthorityExpiresVerySoon": Trouble("authorities-expiring:7"),
    "AuthorityExpiresSoon": Trouble("authorities-expiring"),
    "AuthorityExpires": Trouble("authorities-expiring:200"),
    "ServerRestarted": Trouble("restarting"),
    "ServerRestartsOften": Trouble("restarting"),
    "FileDescriptorsNearlyUsedUp": Trouble("file-descriptors"),
    "FileDescriptorsLow": Trouble("file-descriptors-low"),
    "ServerMemoryHigh": Trouble("memory-leak"),
    "MetricsUnreadable": Trouble("page-unreadable"),
    "ServerMetricsUnreadable": on_one("page-unreadable"),
    "SignalsStale": Trouble("silence"),
}


@dataclass
class Run:
    """What a control plane was judged while its trouble came and went.

    Attributes:
        before: rules that fired while all was well.
        during: rules that fired at some time while the trouble was there.
        after: rules that still fired in the end.
    """

    before: set[str] = field(default_factory=set)
    during: set[str] = field(default_factory=set)
    after: set[str] = field(default_factory=set)


@cache
def run(trouble: Trouble) -> Run:
    """Let a trouble come, wait for all rules that belong to it, let it go, and wait until they clear."""
    expected = {rule for rule, other in TROUBLES.items() if other == trouble}
    control_plane, result = trouble.control_plane(), Run()
    pods = control_plane.faults(one=trouble.one)
    silent = trouble.faults == "silence"

    def rounds(number: int, *, asking: bool = True) -> Iterator[set[str]]:
        for _ in range(number):
            ask = control_plane.round if asking else control_plane.silent
            yield fired(ask(MINUTE))

    for names in () if trouble.first else rounds(4):
        result.before |= names
    for pod in () if silent else pods:
        pod.switch_on(trouble.faults)
    for names in rounds(LONGEST_ON, asking=not silent):
        result.during |= names
        if expected <= result.during:
            break
    for pod in () if silent else pods:
        pod.switch_off()
    for names in rounds(LONGEST_OFF):
        result.after = names
        if not names & expected:
            break
    return result


def fired(judgement: Judgement) -> set[str]:
    return {finding.rule for finding in judgement.findings}


def test_the_table_names_every_rule() -> None:
    assert {rule.name for rule in load_rules()} == set(TROUBLES)


@pytest.mark.parametrize("rule", TROUBLES)
def test_a_rule_fires_under_its_fault_and_clears_without(rule: str) -> None:
    seen = run(TROUBLES[rule])
    assert rule not in seen.before
    assert rule in seen.during
    assert rule not in seen.after


@pytest.mark.parametrize(
    "control_plane",
    [
        FaultyControlPlane(),
        FaultyControlPlane(servers=2, engine="sql"),
        FaultyControlPlane(members=3),
        FaultyControlPlane(version="v1.33.4+k3s1"),
        FaultyControlPlane(version="v1.21.3+k3s1"),
    ],
    ids=["sqlite", "external", "etcd", "1.33", "1.21"],
)
def test_a_healthy_control_plane_has_no_findings(control_plane: FaultyControlPlane) -> None:
    judgements = [control_plane.round(15) for _ in range(20)] + [control_plane.round(60) for _ in range(40)]
    assert {(rule, judgement.verdict) for judgement in judgements for rule in fired(judgement)} == set()
    assert judgements[-1].verdict == "Healthy"
