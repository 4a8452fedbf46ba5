"""What a fault does to a page, as data: counters that go up, histograms that are fed, gauges that show other values.

Rates are per second of the fault being on, for a server of the recorded pace, spread evenly over the series that
match: a page can be made for any moment from how long each fault has been on. An effect on a family or a series
that a page does not have is left out, but for counters that are to be made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Count:
    """A counter goes up.

    Attributes:
        family: its family.
        labels: of the series; with `make`, all of them.
        per_second: how fast, all series together.
        make: whether the series is made where the page has none; it shows once it has counted something.
    """

    family: str
    labels: Labels
    per_second: float
    make: bool = False


@dataclass(frozen=True, slots=True)
class Observe:
    """A histogram gets further observations.

    Attributes:
        family: its family.
        labels: some labels of the series, without `le`.
        value: what is observed.
        per_second: how often, all label sets together.
    """

    family: str
    labels: Labels
    value: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Show:
    """A gauge shows another value while the fault is on.

    Attributes:
        family: its family.
        labels: some labels of the series.
        value: the value; a share of another family's where `share_of` is given.
        ramp: what is added for each second since the fault came.
        share_of: family of one series.
        own: whether the value is added to the gauge's own instead of replacing it.
    """

    family: str
    labels: Labels
    value: float = 0.0
    ramp: float = 0.0
    share_of: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Freeze:
    """Counters and histograms stand still.

    Attributes:
        family: their family.
        labels: some labels of the series.
    """

    family: str
    labels: Labels = field(default_factory=dict)


Effect = Count | Observe | Show | Freeze

_CONFIG_MAPS = {"group": "", "resource": "configmaps", "subresource": "", "version": "v1"}


def _requests(verb: str, scope: str, code: str, seconds: float, per_second: float) -> tuple[Effect, ...]:
    """Return what requests for config maps leave on a page."""
    labels = {"component": "apiserver", **_CONFIG_MAPS, "scope": scope, "verb": verb}
    counted = {"code": code, "dry_run": "", **labels}
    return (
        Count("apiserver_request_total", dict(sorted(counted.items())), per_second, make=True),
        Observe("apiserver_request_sli_duration_seconds", labels, seconds, per_second),
        Observe("apiserver_request_duration_seconds", {**labels, "dry_run": ""}, seconds, per_second),
    )


def _datastore(operation: str, seconds: float, per_second: float) -> tuple[Effect, ...]:
    """Return what requests to the datastore leave on a page, whatever the version calls the resource."""
    kinds = ({"resource": "configmaps"}, {"type": "configmaps"}, {"type": "*core.ConfigMap"})
    family = "etcd_request_duration_seconds"
    return (
        Count("etcd_requests_total", {"operation": operation, **kinds[0]}, per_second),
        *(Observe(family, {"operation": operation, **kind}, seconds, per_second) for kind in kinds),
    )


_STUCK = {"name": "deployment"}
_DEEP = {"name": "replicaset"}
_MIB = 1024.0 * 1024


def _failing(per_second: float) -> tuple[Effect, ...]:
    return tuple(
        Count(
            "etcd_request_errors_total",
            {"group": "", "operation": operation, "resource": "configmaps"},
            per_second,
            make=True,
        )
        for operation in ("create", "get", "list")
    )


def _waiting(depth: float) -> tuple[Effect, ...]:
    return (
        Show("workqueue_depth", _DEEP, depth),
        Count("workqueue_adds_total", _DEEP, 17),
        Count("workqueue_retries_total", _DEEP, 16),
        Observe("workqueue_queue_duration_seconds", _DEEP, 180, 17),
        Observe("workqueue_work_duration_seconds", _DEEP, 0.4, 17),
    )


def _syncing(seconds: float) -> tuple[Effect, ...]:
    return (
        Observe("etcd_disk_wal_fsync_duration_seconds", {}, seconds, 4),
        Observe("etcd_disk_backend_commit_duration_seconds", {}, seconds, 4),
        Count("etcd_server_slow_apply_total", {}, 2),
    )


def _filled(share: float) -> tuple[Effect, ...]:
    quota = "etcd_server_quota_backend_bytes"
    return (
        Show("etcd_mvcc_db_total_size_in_bytes", {}, share, share_of=quota),
        Show("etcd_mvcc_db_total_size_in_use_in_bytes", {}, share - 0.02, share_of=quota),
    )


# What is always on for a part of the time, so that latencies move as they do on a server that is well.
GUSTS = "gusts"
WEATHER: Mapping[str, tuple[Effect, ...]] = {
    GUSTS: (
        *_requests("GET", "resource", "200", 0.08, 1.2),
        *_requests("GET", "resource", "200", 0.15, 0.5),
        *_requests("LIST", "namespace", "200", 0.25, 0.3),
        *_requests("POST", "resource", "201", 0.08, 0.8),
        *_requests("POST", "resource", "201", 0.15, 0.4),
        *_datastore("get", 0.012, 1.5),
        *_datastore("create", 0.03, 0.4),
    ),
}

EFFECTS: Mapping[str, tuple[Effect, ...]] = {
    "api-slow": (
        *_requests("GET", "resource", "200", 2.5, 6),
        *_requests("LIST", "namespace", "200", 9, 6),
        *_requests("LIST", "cluster", "200", 40, 2),
        *_requests("POST", "resource", "201", 3.5, 6),
    ),
    "api-errors": (
        *_requests("GET", "resource", "500", 0.02, 1.5),
        *_requests("LIST", "namespace", "500", 0.02, 1.5),
        *_requests("POST", "resource", "500", 0.02, 1.5),
    ),
    "api-failing": (
        *_requests("GET", "resource", "500", 0.02, 20),
        *_requests("LIST", "namespace", "500", 0.02, 20),
        *_requests("POST", "resource", "500", 0.02, 20),
    ),
    "api-terminating": (
        Count(
            "apiserver_request_terminations_total",
            {
                "code": "504",
                "component": "apiserver",
                "group": "",
                "resource": "configmaps",
                "scope": "namespace",
                "subresource": "",
                "verb": "LIST",
                "version": "v1",
            },
            30,
            make=True,
        ),
    ),
    "overloaded": (
        *_requests("GET", "resource", "200", 0.3, 150),
        *_requests("LIST", "namespace", "200", 0.9, 60),
        *_requests("POST", "resource", "201", 0.7, 60),
        *_requests("GET", "resource", "429", 0.001, 40),
        Show("apiserver_current_inflight_requests", {"request_kind": "readOnly"}, 384, own=True),
        Show("apiserver_current_inflight_requests", {"request_kind": "mutating"}, 196, own=True),
        Show("apiserver_current_inqueue_requests", {"request_kind": "readOnly"}, 130),
        Show("apiserver_flowcontrol_current_inqueue_requests", {"flow_schema": "global-default"}, 130),
        *(
            Count(
                "apiserver_flowcontrol_rejected_requests_total",
                {"flow_schema": schema, "priority_level": level, "reason": reason},
                rate,
                make=True,
            )
            for schema, level, reason, rate in (
                ("global-default", "global-default", "queue-full", 35),
                ("service-accounts", "workload-low", "time-out", 5),
            )
        ),
    ),
    "apiservice-unavailable": (
        Show("aggregator_unavailable_apiservice", {"name": "v1beta1.metrics.k8s.io"}, 1),
        Count(
            "aggregator_unavailable_apiservice_total",
            {"name": "v1beta1.metrics.k8s.io", "reason": "FailedDiscoveryCheck"},
            1 / 30,
            make=True,
        ),
    ),
    "datastore-slow": (
        *_datastore("get", 0.9, 12),
        *_datastore("create", 0.9, 12),
        Observe("kine_sql_time_seconds", {"name": "GetRevisionAfter"}, 1.2, 4),
        Observe("kine_sql_time_seconds", {"name": "Insert"}, 1.2, 4),
    ),
    "datastore-stalling": (
        *_datastore("get", 3.5, 20),
        *_datastore("create", 7, 20),
        Observe("kine_sql_time_seconds", {"name": "ListCurrentVal"}, 6.5, 4),
        Observe("kine_sql_time_seconds", {"name": "Insert"}, 6.5, 4),
    ),
    "datastore-errors": _failing(1.5),
    "datastore-failing": _failing(30),
    "datastore-growing": (
        Show("apiserver_storage_size_bytes", {}, 0, ramp=2 * _MIB, own=True),
        Show("etcd_db_total_size_in_bytes", {}, 4 * _MIB, ramp=2 * _MIB),
    ),
    "datastore-large": (
        Show("apiserver_storage_size_bytes", {}, 9216 * _MIB, own=True),
        Show("etcd_db_total_size_in_bytes", {}, 9216 * _MIB),
    ),
    "kine-errors": (
        Count("kine_sql_total", {"error_code": "SQLITE_BUSY", "name": "Insert"}, 3, make=True),
        Count("kine_sql_total", {"error_code": "SQLITE_BUSY", "name": "Compact"}, 0.1, make=True),
        Count("kine_insert_errors_total", {"retriable": "false"}, 1, make=True),
        Count("kine_compact_total", {"result": "error"}, 1 / 60, make=True),
    ),
    "pool-exhausted": (
        Show("go_sql_max_open_connections", {}, 20),
        Show("go_sql_open_connections", {}, 20),
        Show("go_sql_in_use_connections", {}, 20),
        Show("go_sql_idle_connections", {}, 0),
        Count("go_sql_wait_count_total", {}, 12),
        Count("go_sql_wait_duration_seconds_total", {}, 8),
    ),
    "queue-stuck": (
        Show("workqueue_depth", _STUCK, 12, ramp=0.05),
        Show("workqueue_unfinished_work_seconds", _STUCK, 0, ramp=1),
        Show("workqueue_longest_running_processor_seconds", _STUCK, 0, ramp=1),
        Freeze("workqueue_work_duration_seconds", _STUCK),
        Freeze("workqueue_queue_duration_seconds", _STUCK),
        Freeze("workqueue_adds_total", _STUCK),
        Freeze("workqueue_retries_total", _STUCK),
    ),
    "queue-slow": _waiting(60),
    "queue-deep": _waiting(1800),
    "pods-pending": (Show("scheduler_pending_pods", {"queue": "unschedulable"}, 140, ramp=0.2),),
    "memory-leak": (Show("process_resident_memory_bytes", {}, 0, ramp=5 * _MIB, own=True),),
    "file-descriptors-low": (Show("process_open_fds", {}, 0.86, share_of="process_max_fds"),),
    "file-descriptors": (Show("process_open_fds", {}, 0.97, share_of="process_max_fds"),),
    "etcd-no-leader": (
        Show("etcd_server_has_leader", {}, 0),
        Show("etcd_server_is_leader", {}, 0),
        Show("etcd_server_proposals_pending", {}, 40),
        Count("etcd_server_proposals_failed_total", {}, 0.5),
    ),
    "etcd-leader-changes": (Count("etcd_server_leader_changes_seen_total", {}, 1 / 60),),
    "etcd-disk-busy": _syncing(0.4),
    "etcd-slow-disk": _syncing(1.6),
    "etcd-slow-network": (Observe("etcd_network_peer_round_trip_time_seconds", {}, 0.7, 3),),
    "etcd-proposals-failing": (
        Count("etcd_server_proposals_failed_total", {}, 8),
        Show("etcd_server_proposals_pending", {}, 25),
    ),
    "etcd-filling": _filled(0.86),
    "etcd-nearly-full": _filled(0.97),
    "etcd-fragmented": (
        Show("etcd_mvcc_db_total_size_in_bytes", {}, 1400 * _MIB),
        Show("etcd_mvcc_db_total_size_in_use_in_bytes", {}, 300 * _MIB),
    ),
}
