"""What makes each verdict rule fire, what lies between its two thresholds, and what it does when all is well again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from k3k_core.telemetry.judgement import Verdict


@dataclass(frozen=True)
class Scenario:
    """Changes to the signals of a healthy control plane.

    Attributes:
        bad: changes with which the condition holds.
        band: changes with which it neither comes on nor goes off; None for rules with one threshold.
        base: verdict of the host while it is bad.
        reason: why, as the host says.
        unreached: whether no server ever answered before.
        subject: what the finding is about.
        says: words its sentence must hold.
    """

    bad: Mapping[str, Any] = field(default_factory=dict)
    band: Mapping[str, Any] | None = None
    base: Verdict = "Healthy"
    reason: str = ""
    unreached: bool = False
    subject: str = ""
    says: str = ""


def _value(path: str, bad: float, band: float, *, subject: str = "", says: str = "") -> Scenario:
    return Scenario({path: bad}, {path: band}, subject=subject, says=says)


FIRST = "shop-k3k-server-0"
REFUSED = "connection refused by 10.0.0.7:6443"
NO_ANSWER = {"ready": False, "round_trip": None, "error": REFUSED, "page_error": REFUSED}


def _every_server(**values: Any) -> dict[str, Any]:
    return {f"servers.*.{name}": value for name, value in values.items()}


def _first_server(**values: Any) -> dict[str, Any]:
    return {f"servers.0.{name}": value for name, value in values.items()}


GIB = 2.0**30
CERTIFICATE = "certificates.0.days_left"
AUTHORITY = "certificates.2.days_left"
SERVING = f"serving on {FIRST}"

SCENARIOS: Mapping[str, Scenario] = {
    "HostCallsItDown": Scenario(
        _every_server(**NO_ANSWER), base="Down", reason="0 of 3 servers ready", says="0 of 3 servers ready"
    ),
    "HostCallsItDegraded": Scenario(
        base="Degraded", reason="2 of 3 servers ready", says="2 of 3 servers ready"
    ),
    "HostDisagrees": Scenario(base="Down", reason="0 of 3 servers ready", says="3 of 3 answer"),
    "ApiNotReady": Scenario(_every_server(ready=False, failing=("etcd",)), says="None of the 3 servers"),
    "ApiDown": Scenario(_every_server(**NO_ANSWER), base="Down", reason="0 of 3 servers ready", says=REFUSED),
    "ApiUnreachable": Scenario(_every_server(**NO_ANSWER), says=REFUSED),
    "ApiNeverReached": Scenario(_every_server(**NO_ANSWER), unreached=True, says=REFUSED),
    "ServerUnreachable": Scenario(_first_server(**NO_ANSWER), subject=FIRST, says=REFUSED),
    "ServerNotReady": Scenario(
        _first_server(ready=False, failing=("etcd",)), subject=FIRST, says="2 others are"
    ),
    "ReadinessCheckFailing": Scenario(
        _first_server(failing=("etcd",)), subject=f"etcd on {FIRST}", says="etcd on"
    ),
    "ApiSlowToAnswer": _value("servers.0.round_trip", 4.0, 2.0, subject=FIRST, says="4 s"),
    "ApiErrorBudgetBurnFast": Scenario(
        {"api.burn_1h": 20.0, "api.slow_or_failed": 90.0, "api.counted": 300.0},
        {"api.burn_1h": 20.0, "api.slow_or_failed": 30.0, "api.counted": 300.0},
        says="20 times too fast",
    ),
    "ApiErrorBudgetBurnSlow": Scenario(
        {"api.burn_1h": 7.0, "api.burn_6h": 8.0},
        {"api.burn_1h": 4.0, "api.burn_6h": 8.0},
        says="7 times too fast",
    ),
    "ApiErrorsVeryHigh": _value("api.error_ratio", 0.4, 0.2, says="40 %"),
    "ApiErrorsHigh": _value("api.error_ratio", 0.08, 0.03, says="8 %"),
    "ApiReadsSlow": _value("api.by_scope.read/resource.p99", 1.5, 0.8, says="1.5 s"),
    "ApiNamespaceListsSlow": _value("api.by_scope.read/namespace.p99", 7.0, 4.0, says="7 s"),
    "ApiClusterListsSlow": _value("api.by_scope.read/cluster.p99", 42.0, 25.0, says="42 s"),
    "ApiWritesSlow": _value("api.writes.p99", 2.5, 0.8, says="2.5 s"),
    "ApiRequestsTerminated": _value("api.terminated_ratio", 0.3, 0.07, says="30 %"),
    "ApiRequestsRejected": _value("api.rejected_rate", 3.0, 0.1, says="3/s"),
    "ApiRequestsQueue": _value("api.in_queue", 80.0, 30.0, says="80 requests"),
    "DatastoreVerySlow": _value("datastore.latency.p99", 4.0, 1.5, says="4 s"),
    "DatastoreSlow": _value("datastore.latency.p99", 0.8, 0.4, says="800 ms"),
    "DatastoreFailing": _value("datastore.error_ratio", 0.5, 0.2, says="50 %"),
    "DatastoreErrors": _value("datastore.error_ratio", 0.05, 0.01, says="5 %"),
    "DatastoreGrowsFast": _value("datastore.growth", 262144.0, 100000.0, says="256 KiB/s"),
    "DatastoreLarge": _value("datastore.size_bytes", 6 * GIB, 3.8 * GIB, says="6 GiB"),
    "KineSqlVerySlow": _value("datastore.sql.p99", 6.0, 4.0, says="6 s"),
    "KineSqlSlow": _value("datastore.sql.p99", 1.6, 0.8, says="1.6 s"),
    "KineSqlErrors": _value("datastore.sql_error_ratio", 0.04, 0.005, says="4 %"),
    "KineInsertErrors": Scenario({"datastore.insert_errors": 4.0}, says="4 inserts"),
    "KineCompactionFailing": Scenario({"datastore.compactions.error": 1.0}, says="1 times"),
    "DatastoreConnectionsExhausted": _value("datastore.connections_in_use", 19.0, 17.0, says="95 %"),
    "DatastoreConnectionWaits": _value("datastore.connection_wait", 12.0, 4.5, says="80 % of the time"),
    "EtcdUnreachable": Scenario({"datastore.etcd.members_up": 0}, says="None of the 3 etcd members"),
    "EtcdInsufficientMembers": Scenario({"datastore.etcd.members_up": 1}, says="1 of 3 etcd members"),
    "EtcdMembersDown": Scenario({"datastore.etcd.members_up": 2}, says="1 of 3 etcd members"),
    "EtcdNoLeader": Scenario({"datastore.etcd.has_leader": False}, says="no leader"),
    "EtcdLeaderChanges": Scenario({"datastore.etcd.leader_changes": 2.0}, says="2 times"),
    "EtcdFsyncVerySlow": _value("datastore.etcd.fsync.p99", 1.4, 0.8, says="1.4 s"),
    "EtcdFsyncSlow": _value("datastore.etcd.fsync.p99", 0.4, 0.15, says="400 ms"),
    "EtcdCommitSlow": _value("datastore.etcd.commit.p99", 0.4, 0.2, says="400 ms"),
    "EtcdProposalsFailed": _value("datastore.etcd.proposals_failed", 15.0, 1.0, says="1/s"),
    "EtcdPeersSlow": _value("datastore.etcd.peer_round_trip.p99", 0.3, 0.12, says="300 ms"),
    "EtcdQuotaNearlyUsedUp": _value("datastore.etcd.size_bytes", 1.96 * GIB, 1.85 * GIB, says="98 %"),
    "EtcdQuotaLow": _value("datastore.etcd.size_bytes", 1.7 * GIB, 1.56 * GIB, says="85 %"),
    "EtcdFragmented": _value("datastore.etcd.in_use_bytes", 100 * 2**20, 220 * 2**20, says="25 %"),
    "QueueStuck": Scenario(
        {"controllers.queues.0.stuck": True, "controllers.queues.0.depth": 37.0},
        subject="deployment",
        says="37 items",
    ),
    "QueueDeep": _value("controllers.queues.0.depth", 900.0, 200.0, subject="deployment", says="900 items"),
    "QueueWaitLong": _value("controllers.queues.0.wait.p99", 9.0, 3.0, subject="deployment", says="9 s"),
    "QueueRetriesMany": _value(
        "controllers.queues.0.retries", 150.0, 45.0, subject="deployment", says="10/s"
    ),
    "PodsPending": _value("controllers.pending_pods", 50.0, 15.0, says="50 pods"),
    "AggregatedApiUnavailable": Scenario(
        {"controllers.unavailable_api_services": ("v1beta1.metrics.k8s.io",)},
        subject="v1beta1.metrics.k8s.io",
        says="v1beta1.metrics.k8s.io",
    ),
    "CertificateExpired": Scenario({CERTIFICATE: -0.5}, subject=SERVING, says="has expired"),
    "CertificateExpiresVerySoon": _value(CERTIFICATE, 1.0, 2.2, subject=SERVING, says="24 hours"),
    "CertificateExpiresSoon": _value(CERTIFICATE, 10.0, 14.5, subject=SERVING, says="10 days"),
    "CertificateExpires": _value(CERTIFICATE, 20.0, 30.5, subject=SERVING, says="20 days"),
    "AuthorityExpired": Scenario({AUTHORITY: -3.0}, subject="server-ca", says="has expired"),
    "AuthorityExpiresVerySoon": _value(AUTHORITY, 9.0, 14.5, subject="server-ca", says="9 days"),
    "AuthorityExpiresSoon": _value(AUTHORITY, 60.0, 90.5, subject="server-ca", says="60 days"),
    "AuthorityExpires": _value(AUTHORITY, 200.0, 365.5, subject="server-ca", says="200 days"),
    "ServerRestarted": Scenario({"processes.0.restarted": True}, subject=FIRST, says="started anew"),
    "ServerRestartsOften": Scenario({"processes.0.uptime": 60.0}, subject=FIRST, says="1 min"),
    "FileDescriptorsNearlyUsedUp": _value(
        "processes.0.open_files", 65000.0, 60000.0, subject=FIRST, says="99.2 %"
    ),
    "FileDescriptorsLow": _value("processes.0.open_files", 55000.0, 50000.0, subject=FIRST, says="83.9 %"),
    "ServerMemoryHigh": _value("processes.0.memory_bytes", 5 * GIB, 3.8 * GIB, subject=FIRST, says="5 GiB"),
    "MetricsUnreadable": Scenario(_every_server(page_error="403 Forbidden"), says="403 Forbidden"),
    "ServerMetricsUnreadable": Scenario(
        _first_server(page_error="answer cut short"), subject=FIRST, says="answer cut short"
    ),
    "SignalsStale": Scenario({"age": 400.0}, {"age": 200.0}, says="6 min 40 s"),
}
