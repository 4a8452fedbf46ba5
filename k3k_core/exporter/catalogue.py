"""Every metric the exporter has, as data: documentation, alerts and dashboards are held to this table.

Names, types and units follow Prometheus' conventions (`promtool check metrics` has nothing to say about them).
Durations that a control plane reports as histograms are summaries here: the quantiles were computed on its own
buckets, and a hundred buckets for each would drown the Prometheus that reads a whole fleet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter", "summary", "histogram", "info"]
Scope = Literal["control plane", "host", "exporter", "probe"]

BASE_LABELS = ("host", "namespace", "name")
QUANTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric; there is one object for each, and it is a key of many tables.

    Attributes:
        name: as PromQL names it; counters end in `_total`, infos in `_info`.
        kind: its type.
        help: one sentence.
        labels: its own labels, in the order of their values; `quantile` and `le` are not listed.
        unit: base unit, which the name carries; empty for plain counts and states.
        scope: what one set of labels stands for. Metrics of a control plane bear `BASE_LABELS` before their own;
            "probe" metrics exist only in answers of `/probe`.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    scope: Scope = "control plane"

    @property
    def family(self) -> str:
        """Name of the OpenMetrics family: the name without the suffix of its type."""
        suffix = {"counter": "_total", "info": "_info"}.get(self.kind, "")
        return self.name.removesuffix(suffix)

    @property
    def all_labels(self) -> tuple[str, ...]:
        """Every label of its series but `quantile` and `le`."""
        return (*BASE_LABELS, *self.labels) if self.scope == "control plane" else self.labels

    @property
    def series(self) -> tuple[str, ...]:
        """Every name that PromQL can select."""
        if self.kind == "summary":
            return (self.name, f"{self.name}_sum", f"{self.name}_count")
        if self.kind == "histogram":
            return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
        return (self.name,)


INFO = Metric(
    "k3k_control_plane_info",
    "info",
    "What a control plane is: the system that made it, its k3s version and its datastore.",
    ("system", "made_by", "version", "datastore"),
)
UP = Metric(
    "k3k_control_plane_up", "gauge", "Whether a server of the control plane answers that it is ready."
)
VERDICT = Metric(
    "k3k_control_plane_verdict",
    "gauge",
    "Whether the control plane is in this state: 1 for the one it is in, 0 for the others.",
    ("verdict",),
)
READY_SERVERS = Metric(
    "k3k_control_plane_ready_servers", "gauge", "Servers that their host reports as ready."
)
WANTED_SERVERS = Metric("k3k_control_plane_wanted_servers", "gauge", "Servers asked for.")
CREATED = Metric(
    "k3k_control_plane_created_timestamp_seconds",
    "gauge",
    "When the control plane was made, in seconds since 1970.",
    unit="seconds",
)
EXPIRY = Metric(
    "k3k_control_plane_expiry_timestamp_seconds",
    "gauge",
    "When the control plane's time to live ends, in seconds since 1970; absent without one.",
    unit="seconds",
)
RULE_FIRING = Metric(
    "k3k_control_plane_rule_firing",
    "gauge",
    "1 while a verdict rule fires; absent otherwise.",
    ("rule", "severity"),
)
LAST_SCRAPE = Metric(
    "k3k_control_plane_last_scrape_timestamp_seconds",
    "gauge",
    "When the control plane was asked last, in seconds since 1970.",
    unit="seconds",
)

SERVER_READY = Metric(
    "k3k_server_ready", "gauge", "Whether the server's /readyz answers that it is ready.", ("server",)
)
SERVER_PROBE_DURATION = Metric(
    "k3k_server_probe_duration_seconds",
    "gauge",
    "How long the server took to answer /readyz, in seconds.",
    ("server",),
    "seconds",
)
SERVER_CHECK_FAILED = Metric(
    "k3k_server_check_failed",
    "gauge",
    "1 while a check of the server's /readyz fails; absent otherwise.",
    ("server", "check"),
)

API_REQUESTS = Metric(
    "k3k_api_requests_total", "counter", "Requests the API server answered, streaming ones left out."
)
API_ERRORS = Metric("k3k_api_request_errors_total", "counter", "Requests that were answered with a 5xx code.")
API_SLOW_OR_FAILED = Metric(
    "k3k_api_slow_or_failed_requests_total",
    "counter",
    "Requests that spent error budget: too slow for their scope, or answered with a 5xx code.",
)
API_COUNTED = Metric("k3k_api_counted_requests_total", "counter", "Requests that count for the error budget.")
API_REJECTED = Metric(
    "k3k_api_rejected_requests_total",
    "counter",
    "Requests that priority and fairness turned away.",
    ("priority_level",),
)
API_OVERALL_DURATION = Metric(
    "k3k_api_overall_request_duration_seconds",
    "summary",
    "Duration of reads or writes in all scopes, in seconds; quantiles are those of the last window.",
    ("group",),
    "seconds",
)
API_DURATION = Metric(
    "k3k_api_request_duration_seconds",
    "summary",
    "Duration of reads or writes in one scope, in seconds; quantiles are those of the last window.",
    ("group", "scope"),
    "seconds",
)
API_RESOURCE_DURATION = Metric(
    "k3k_api_resource_request_duration_seconds",
    "summary",
    "99th percentile of the resources that are served slowest, in seconds.",
    ("resource", "group"),
    "seconds",
)
API_INFLIGHT = Metric(
    "k3k_api_inflight_requests", "gauge", "Requests being served, mutating or readOnly.", ("kind",)
)
API_QUEUED = Metric(
    "k3k_api_queued_requests", "gauge", "Requests that wait in a queue of priority and fairness."
)
API_LONGRUNNING = Metric("k3k_api_longrunning_requests", "gauge", "Watches and other streams that are open.")
API_BURN = Metric(
    "k3k_api_error_budget_burn_ratio",
    "gauge",
    "Speed at which error budget was spent in the window; 1 spends it in exactly 30 days.",
    ("window",),
    "ratio",
)
API_TERMINATED = Metric(
    "k3k_api_terminated_ratio",
    "gauge",
    "Share of requests that the API server itself cut short, 0 to 1.",
    unit="ratio",
)

DATASTORE_OVERALL_DURATION = Metric(
    "k3k_datastore_overall_request_duration_seconds",
    "summary",
    "Duration of all requests of the API server to its datastore, in seconds.",
    unit="seconds",
)
DATASTORE_DURATION = Metric(
    "k3k_datastore_request_duration_seconds",
    "summary",
    "Duration of one operation of the API server on its datastore, in seconds.",
    ("operation",),
    "seconds",
)
DATASTORE_REQUESTS = Metric(
    "k3k_datastore_requests_total", "counter", "Requests of the API server to its datastore."
)
DATASTORE_ERRORS = Metric(
    "k3k_datastore_request_errors_total", "counter", "Requests to the datastore that failed."
)
DATASTORE_SIZE = Metric(
    "k3k_datastore_size_bytes", "gauge", "Size of the data in the datastore, in bytes.", unit="bytes"
)
DATASTORE_GROWTH = Metric(
    "k3k_datastore_growth_bytes_per_second",
    "gauge",
    "Change of the datastore's size over the last hour or less, in bytes a second.",
    unit="bytes_per_second",
)
DATASTORE_OBJECTS = Metric(
    "k3k_datastore_objects", "gauge", "Objects of the resources that have most of them.", ("resource",)
)
KINE_SQL_DURATION = Metric(
    "k3k_kine_sql_duration_seconds",
    "summary",
    "Duration of kine's SQL statements, in seconds; quantiles are those of the last window.",
    unit="seconds",
)
KINE_SQL_ERRORS = Metric("k3k_kine_sql_errors_total", "counter", "SQL statements of kine that failed.")
KINE_INSERT_ERRORS = Metric("k3k_kine_insert_errors_total", "counter", "Inserts that kine gave up on.")
KINE_COMPACTIONS = Metric(
    "k3k_kine_compactions_total", "counter", "Compactions of kine, success or error.", ("result",)
)
KINE_CONNECTIONS = Metric(
    "k3k_kine_connections_in_use", "gauge", "Database connections of kine that are at work."
)
KINE_CONNECTIONS_LIMIT = Metric(
    "k3k_kine_connections_limit", "gauge", "Database connections that kine may open; 0 means any number."
)
KINE_CONNECTION_WAIT = Metric(
    "k3k_kine_connection_wait_seconds_total",
    "counter",
    "Time that kine waited for a database connection, in seconds.",
    unit="seconds",
)

ETCD_MEMBERS = Metric("k3k_etcd_members", "gauge", "Members of the control plane's own etcd.")
ETCD_MEMBERS_UP = Metric("k3k_etcd_members_up", "gauge", "Members of etcd that answer.")
ETCD_HAS_LEADER = Metric(
    "k3k_etcd_has_leader", "gauge", "Whether every member of etcd that answers knows a leader."
)
ETCD_LEADER_CHANGES = Metric("k3k_etcd_leader_changes_total", "counter", "Changes of etcd's leader.")
ETCD_FSYNC = Metric(
    "k3k_etcd_wal_fsync_duration_seconds",
    "summary",
    "Duration of syncs of etcd's write-ahead log, in seconds.",
    unit="seconds",
)
ETCD_COMMIT = Metric(
    "k3k_etcd_backend_commit_duration_seconds",
    "summary",
    "Duration of commits of etcd's backend, in seconds.",
    unit="seconds",
)
ETCD_PEER_ROUND_TRIP = Metric(
    "k3k_etcd_peer_round_trip_duration_seconds",
    "summary",
    "Duration of round trips between members of etcd, in seconds.",
    unit="seconds",
)
ETCD_SIZE = Metric(
    "k3k_etcd_size_bytes", "gauge", "Size of the largest member's database file, in bytes.", unit="bytes"
)
ETCD_IN_USE = Metric(
    "k3k_etcd_in_use_bytes", "gauge", "What of etcd's database file is in use, in bytes.", unit="bytes"
)
ETCD_QUOTA = Metric(
    "k3k_etcd_quota_bytes", "gauge", "Size at which etcd refuses writes, in bytes.", unit="bytes"
)
ETCD_FAILED_PROPOSALS = Metric(
    "k3k_etcd_failed_proposals_total", "counter", "Proposals that etcd failed to commit."
)
ETCD_PENDING_PROPOSALS = Metric("k3k_etcd_pending_proposals", "gauge", "Proposals that wait to be committed.")

QUEUE_DEPTH = Metric(
    "k3k_queue_depth", "gauge", "Items that wait in one of the work queues in the worst state.", ("queue",)
)
QUEUE_WAIT = Metric(
    "k3k_queue_wait_duration_seconds",
    "summary",
    "How long items waited in the work queue, in seconds; quantiles are those of the last window.",
    ("queue",),
    "seconds",
)
QUEUE_RETRIES = Metric(
    "k3k_queue_retries_total", "counter", "Items that were put back into the work queue.", ("queue",)
)
QUEUE_LONGEST = Metric(
    "k3k_queue_longest_running_seconds",
    "gauge",
    "How long the queue's longest-running worker has been at its item, in seconds.",
    ("queue",),
    "seconds",
)
QUEUE_STUCK = Metric(
    "k3k_queue_stuck", "gauge", "Whether items wait in the work queue and nothing moves.", ("queue",)
)
QUEUES_DEPTH = Metric("k3k_queues_depth", "gauge", "Items that wait in all work queues together.")
PENDING_PODS = Metric("k3k_pending_pods", "gauge", "Pods that the scheduler has not placed.")
UNAVAILABLE_API_SERVICES = Metric(
    "k3k_unavailable_api_services", "gauge", "Aggregated APIs that do not answer."
)

CERTIFICATE_EXPIRY = Metric(
    "k3k_certificate_expiry_timestamp_seconds",
    "gauge",
    "When a certificate ends, in seconds since 1970; source is handshake, page or secret.",
    ("certificate", "server", "source"),
    "seconds",
)

PROCESS_MEMORY = Metric(
    "k3k_process_resident_memory_bytes",
    "gauge",
    "Resident memory of the server's process, in bytes.",
    ("server",),
    "bytes",
)
PROCESS_CPU = Metric(
    "k3k_process_cpu_cores",
    "gauge",
    "Processor cores the server's process used over the last window.",
    ("server",),
)
PROCESS_OPEN_FDS = Metric(
    "k3k_process_open_fds", "gauge", "Open file descriptors of the server's process.", ("server",)
)
PROCESS_MAX_FDS = Metric(
    "k3k_process_max_fds", "gauge", "File descriptors the server's process may open.", ("server",)
)
PROCESS_GOROUTINES = Metric(
    "k3k_process_goroutines", "gauge", "Goroutines of the server's process.", ("server",)
)
PROCESS_START_TIME = Metric(
    "k3k_process_start_time_seconds",
    "gauge",
    "When the server's process started, in seconds since 1970.",
    ("server",),
    "seconds",
)
PROCESS_RESTARTS = Metric(
    "k3k_process_restarts_total", "counter", "Starts of servers that the exporter has seen."
)

HOST_UP = Metric(
    "k3k_host_up",
    "gauge",
    "Whether the host's API answers.",
    ("host",),
    scope="host",
)
HOST_CONTROL_PLANES = Metric(
    "k3k_host_control_planes", "gauge", "Control planes that are known on the host.", ("host",), scope="host"
)

SCRAPES = Metric(
    "k3k_scrapes_total",
    "counter",
    "Rounds of asking a control plane, by result: ok or the kind of the first failure.",
    ("result",),
    scope="exporter",
)
SCRAPE_FAILURES = Metric(
    "k3k_scrape_failures_total",
    "counter",
    "Requests to control planes that failed, by kind; one round can have several.",
    ("kind",),
    scope="exporter",
)
SCRAPES_MISSED = Metric(
    "k3k_scrapes_missed_total",
    "counter",
    "Rounds that could not begin before the next one was due.",
    scope="exporter",
)
SCRAPE_DURATION = Metric(
    "k3k_scrape_duration_seconds",
    "histogram",
    "How long rounds took, in seconds.",
    unit="seconds",
    scope="exporter",
)
SCRAPE_LAG = Metric(
    "k3k_scrape_lag_seconds",
    "histogram",
    "How much later than planned rounds began, in seconds.",
    unit="seconds",
    scope="exporter",
)
SCRAPE_RECEIVED = Metric(
    "k3k_scrape_received_bytes_total",
    "counter",
    "Bytes received from control planes, compressed as they came.",
    unit="bytes",
    scope="exporter",
)
SCRAPES_ACTIVE = Metric("k3k_scrapes_active", "gauge", "Rounds that are under way.", scope="exporter")
SCRAPES_WAITING = Metric(
    "k3k_scrapes_waiting", "gauge", "Rounds that are due and wait for a slot.", scope="exporter"
)
TARGETS = Metric("k3k_targets", "gauge", "Control planes that are asked.", scope="exporter")
TARGETS_BACKING_OFF = Metric(
    "k3k_targets_backing_off",
    "gauge",
    "Control planes that are asked less often because they did not answer.",
    scope="exporter",
)
WORKER_RESTARTS = Metric(
    "k3k_scrape_worker_restarts_total",
    "counter",
    "Worker processes of the exporter that died and were replaced.",
    scope="exporter",
)
BUILD_INFO = Metric(
    "k3k_exporter_build_info", "info", "Version of k3k that exports.", ("version",), scope="exporter"
)

PROBE_SUCCESS = Metric(
    "k3k_probe_success",
    "gauge",
    "Whether a server of the control plane answered that it is ready when it was asked just now.",
    scope="probe",
)
PROBE_DURATION = Metric(
    "k3k_probe_duration_seconds",
    "gauge",
    "How long the probe took, in seconds.",
    unit="seconds",
    scope="probe",
)

CATALOGUE: tuple[Metric, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Metric)
)
"""All of them, in the order of the exposition."""

BY_NAME: dict[str, Metric] = {metric.name: metric for metric in CATALOGUE}

SERIES: frozenset[str] = frozenset(name for metric in CATALOGUE for name in metric.series)
"""Every name that a query may use (and `process_*`, which describe the exporter's own process)."""


def metric_of(series: str) -> Metric | None:
    """Return the metric that a name in a query belongs to, None when there is none.

    Args:
        series: such as "k3k_queue_wait_duration_seconds_count".
    """
    return _OWNERS.get(series)


_OWNERS = {name: metric for metric in CATALOGUE for name in metric.series}
