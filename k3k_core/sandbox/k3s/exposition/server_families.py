"""Families of a k3s server that no recording holds: exact names, labels and buckets, plausible values.

Sources: kine v0.16 and k3s v1.36 for kine_*, go_sql_*, k3s_* and lasso_*, Kubernetes v1.36 for the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from k3k_core.sandbox.k3s.exposition.recording import RecordedFamily, Series

# Statements, how many there are in the recorded time, and how long they take on average.
_STATEMENTS: Mapping[str, tuple[int, float]] = {
    "AfterAllOldVal": (14, 0.0006),
    "CompactRev": (2, 0.0003),
    "CountCurrent": (8, 0.0012),
    "CurrentRev": (4, 0.0002),
    "GetRevisionAfter": (60, 0.0007),
    "GetSingleVal": (120, 0.0004),
    "GetSize": (1, 0.0015),
    "Insert": (90, 0.0011),
    "ListCurrentVal": (30, 0.0021),
    "UpdateCompact": (0, 0.0004),
}
_KINE_BOUNDS = tuple(0.001 * 2**power for power in range(14))
_FSYNC_BOUNDS = _KINE_BOUNDS
_PEER_BOUNDS = tuple(0.0001 * 2**power for power in range(16))
_LASSO_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def histogram(
    name: str, help_text: str, bounds: Sequence[float], label_sets: Iterable[tuple[str, float, float, float]]
) -> RecordedFamily:
    """Return a histogram whose observations lie about a mean.

    Args:
        name: of the family.
        help_text: of its HELP line.
        bounds: upper bounds without +Inf.
        label_sets: labels as on a page, observations at the start, observations more at the end, mean.
    """

    def lines() -> Iterator[Series]:
        for labels, first, more, mean in label_sets:
            comma = f"{labels}," if labels else ""
            for bound in bounds:
                share = _share(bound / mean)
                at_start = float(int(first * share))
                at_end = at_start + int(more * share + 0.5)
                yield Series(f'{name}_bucket{{{comma}le="{bound:g}"}}', at_start, at_end)
            yield Series(f'{name}_bucket{{{comma}le="+Inf"}}', float(first), float(first + more))
            braces = f"{{{labels}}}" if labels else ""
            yield Series(f"{name}_sum{braces}", first * mean, (first + more) * mean)
            yield Series(f"{name}_count{braces}", float(first), float(first + more))

    return RecordedFamily(name, "histogram", help_text, tuple(lines()))


def _share(ratio: float) -> float:
    """Return which share of the observations is at most this many times the mean."""
    return min(1.0, ratio**2 / (0.5 + ratio**2)) if ratio < 8 else 1.0


def simple(name: str, kind: str, help_text: str, *values: tuple[str, float, float]) -> RecordedFamily:
    """Return a counter or a gauge.

    Args:
        name: of the family.
        kind: "counter" or "gauge".
        help_text: of its HELP line.
        values: labels as on a page, first and second value; none for a family that only faults fill.
    """
    series = (Series(f"{name}{{{labels}}}", float(a), float(b)) for labels, a, b in values)
    return RecordedFamily(name, kind, help_text, tuple(series))


def kine_families(*, pooled: bool) -> tuple[RecordedFamily, ...]:
    """Return what kine and its database pool show.

    Args:
        pooled: whether the database is PostgreSQL or MySQL, with several connections.
    """
    pool = 'db_name="kine"'
    idle = 4.0 if pooled else 1.0

    def connections(what: str, help_text: str, first: float, second: float) -> RecordedFamily:
        kind = "counter" if what.endswith("_total") else "gauge"
        return simple(f"go_sql_{what}", kind, help_text, (pool, first, second))

    return (
        simple(
            "kine_sql_total",
            "counter",
            "Total number of SQL operations",
            *(
                (f'error_code="",name="{name}"', count * 40.0, count * 41.0)
                for name, (count, _) in _STATEMENTS.items()
            ),
        ),
        histogram(
            "kine_sql_time_seconds",
            "Length of time per SQL operation",
            _KINE_BOUNDS,
            (
                (f'error_code="",name="{name}"', count * 40.0, float(count), mean)
                for name, (count, mean) in _STATEMENTS.items()
            ),
        ),
        simple("kine_compact_total", "counter", "Total number of compactions"),
        simple("kine_insert_errors_total", "counter", "Total number of insert retries due to errors"),
        connections("max_open_connections", "Maximum number of open connections to the database.", 0, 0),
        connections("open_connections", "The number of established connections.", idle + 1, idle + 1),
        connections("in_use_connections", "The number of connections currently in use.", 0, 1),
        connections("idle_connections", "The number of idle connections.", idle, idle + 1),
        connections("wait_count_total", "The total number of connections waited for.", 0, 0),
        connections("wait_duration_seconds_total", "The total time blocked waiting.", 0, 0),
        connections("max_idle_closed_total", "Connections closed due to SetMaxIdleConns.", 0, 0),
        connections("max_idle_time_closed_total", "Connections closed due to SetConnMaxIdleTime.", 0, 0),
        connections("max_lifetime_closed_total", "Connections closed due to SetConnMaxLifetime.", 0, 0),
    )


def server_families() -> tuple[RecordedFamily, ...]:
    """Return what every k3s of today shows besides the API server's and the controller manager's families."""
    handlers = (("addon", "addon-register"), ("node", "node-password"), ("secret", "dynamic-cert"))
    return (
        simple(
            "aggregator_unavailable_apiservice_total",
            "counter",
            "[ALPHA] Counter of APIServices which are marked as unavailable broken down by APIService name and"
            " reason.",
        ),
        simple(
            "apiserver_flowcontrol_rejected_requests_total",
            "counter",
            "[BETA] Number of requests rejected by API Priority and Fairness subsystem",
        ),
        simple(
            "apiserver_request_terminations_total",
            "counter",
            "[ALPHA] Number of requests which apiserver terminated in self-defense.",
        ),
        simple("etcd_request_errors_total", "counter", "[ALPHA] Etcd failed request counts"),
        simple(
            "rest_client_requests_total",
            "counter",
            "[BETA] Number of HTTP requests, partitioned by status code, method, and host.",
            ('code="200",host="127.0.0.1:6444",method="GET"', 913, 961),
            ('code="200",host="127.0.0.1:6444",method="PATCH"', 53, 56),
            ('code="200",host="127.0.0.1:6444",method="PUT"', 136, 150),
            ('code="201",host="127.0.0.1:6444",method="POST"', 438, 502),
            ('code="404",host="127.0.0.1:6444",method="GET"', 173, 174),
            ('code="409",host="127.0.0.1:6444",method="PUT"', 49, 50),
        ),
        simple(
            "scheduler_pending_pods",
            "gauge",
            "[STABLE] Number of pending pods, by the queue type.",
            *((f'queue="{queue}"', 0, 0) for queue in ("active", "backoff", "gated", "unschedulable")),
        ),
        simple(
            "scheduler_schedule_attempts_total",
            "counter",
            "[STABLE] Number of attempts to schedule pods, by the result.",
            ('profile="default-scheduler",result="scheduled"', 48, 50),
        ),
        simple(
            "lasso_controller_total_handler_execution",
            "counter",
            "Total count of handler executions",
            *(
                (f'controller_name="{controller}",handler_name="{handler}",has_error="false"', 20, 22)
                for controller, handler in handlers
            ),
        ),
        histogram(
            "lasso_controller_reconcile_time_seconds",
            "Histogram of the durations per reconcile per controller",
            _LASSO_BOUNDS,
            (
                (f'controller_name="{controller}",handler_name="{handler}",has_error="false"', 20, 2, 0.004)
                for controller, handler in handlers
            ),
        ),
        simple(
            "lasso_controller_total_cached_object",
            "gauge",
            "Total count of cached objects",
            ('ctx="",group="",kind="Secret",version="v1"', 9, 9),
            ('ctx="",group="k3s.cattle.io",kind="Addon",version="v1"', 7, 7),
        ),
    )


def etcd_families() -> tuple[RecordedFamily, ...]:
    """Return what an etcd shows whose disk is a real one: the recorded one did not sync."""
    return (
        histogram(
            "etcd_disk_wal_fsync_duration_seconds",
            "The latency distributions of fsync called by WAL.",
            _FSYNC_BOUNDS,
            (("", 6900, 60, 0.0014),),
        ),
        histogram(
            "etcd_disk_backend_commit_duration_seconds",
            "The latency distributions of commit called by backend.",
            _FSYNC_BOUNDS,
            (("", 1688, 40, 0.0031),),
        ),
    )


def member_families(ordinal: int, members: int) -> tuple[RecordedFamily, ...]:
    """Return what is an etcd member's own: who it is, and whom it talks to.

    Args:
        ordinal: which member it is; the first leads.
        members: how many there are.
    """
    own, others = member_id(ordinal), [member_id(other) for other in range(members) if other != ordinal]
    identity = (
        simple(
            "etcd_server_id",
            "gauge",
            "Server or member ID in hexadecimal format.",
            (f'server_id="{own}"', 1, 1),
        ),
        _single("etcd_server_is_leader", "Whether or not this member is a leader.", float(ordinal == 0)),
        simple(
            "etcd_network_known_peers",
            "gauge",
            "The current number of known peers.",
            *((f'Local="{own}",Remote="{member_id(other)}"', 1, 1) for other in range(members)),
        ),
    )
    if not others:
        return identity
    return (
        *identity,
        simple(
            "etcd_network_active_peers",
            "gauge",
            "The current number of active peer connections.",
            *((f'Local="{own}",Remote="{other}"', 1, 1) for other in others),
        ),
        simple(
            "etcd_network_peer_sent_failures_total",
            "counter",
            "The total number of send failures from peers.",
            *((f'To="{other}"', 0, 0) for other in others),
        ),
        histogram(
            "etcd_network_peer_round_trip_time_seconds",
            "Round-Trip-Time histogram between peers",
            _PEER_BOUNDS,
            ((f'To="{other}"', 1200, 6, 0.0006) for other in others),
        ),
    )


def member_id(ordinal: int) -> str:
    """Return the ID of an etcd member, the same in every cluster of the sandbox."""
    return hashlib.sha256(f"member {ordinal}".encode()).hexdigest()[:16]


def _single(name: str, help_text: str, value: float) -> RecordedFamily:
    return RecordedFamily(name, "gauge", help_text, (Series(name, value, value),))
