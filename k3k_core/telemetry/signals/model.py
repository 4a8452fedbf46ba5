"""What is known of a control plane after a scrape.

None, or a missing key, always means "not available": the family is absent, there is nothing to compare with yet,
or too little happened to say. It never stands for zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

# Seconds that the certificates k3s makes for its servers last (k3s certificate documentation): a year.
_LONGEST_LEAF: Final = 365 * 86_400.0

Group = Literal["read", "write"]
Scope = Literal["resource", "namespace", "cluster"]


@dataclass(frozen=True, slots=True)
class Latency:
    """A distribution of durations over one window.

    Attributes:
        count: observations in the window.
        total: sum of the durations, seconds.
        p50: median, seconds.
        p90: 90th percentile, seconds.
        p99: 99th percentile, seconds.
    """

    count: float
    total: float
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class ResourceLatency:
    """How one resource was served.

    Attributes:
        resource: such as "pods" or "deployments.apps".
        group: reads or writes.
        latency: over the window.
    """

    resource: str
    group: Group
    latency: Latency


@dataclass(frozen=True, slots=True)
class ApiSignals:
    """The API server's requests, streaming ones (WATCH, CONNECT, exec, logs ...) left out.

    Attributes:
        request_rate: requests a second.
        rate_by_verb: requests a second by verb.
        requests: requests in the window.
        errors: requests in the window that were answered 5xx.
        error_ratio: share of requests answered 5xx, 0 to 1.
        reads: latency of GET and LIST in all scopes.
        writes: latency of POST, PUT, PATCH, APPLY, DELETE and DELETECOLLECTION in all scopes.
        by_scope: latency by group and scope.
        slowest: resources by p99, the slowest first, at most ten.
        in_flight: requests being served by kind, "mutating" or "readOnly".
        in_queue: requests waiting in priority-and-fairness queues.
        rejected: requests in the window that priority and fairness turned away, by priority level.
        rejected_rate: the same a second, all levels.
        terminated_ratio: share of requests the server itself cut short, 0 to 1.
        long_running: watches, execs and the like that are open.
        slow_or_failed: requests of the window that spend error budget (too slow for their scope, or 5xx).
        counted: requests of the window that count for the error budget.
        burn_1h: speed at which the error budget went in the last hour; 1 spends it in exactly 30 days.
        burn_6h: the same over the last six hours.
    """

    request_rate: float | None = None
    rate_by_verb: Mapping[str, float] = field(default_factory=dict)
    requests: float | None = None
    errors: float | None = None
    error_ratio: float | None = None
    reads: Latency | None = None
    writes: Latency | None = None
    by_scope: Mapping[tuple[Group, Scope], Latency] = field(default_factory=dict)
    slowest: tuple[ResourceLatency, ...] = ()
    in_flight: Mapping[str, float] = field(default_factory=dict)
    in_queue: float | None = None
    rejected: Mapping[str, float] = field(default_factory=dict)
    rejected_rate: float | None = None
    terminated_ratio: float | None = None
    long_running: float | None = None
    slow_or_failed: float | None = None
    counted: float | None = None
    burn_1h: float | None = None
    burn_6h: float | None = None


@dataclass(frozen=True, slots=True)
class EtcdSignals:
    """A dedicated etcd of ours, from its members' own pages.

    Attributes:
        members: members that were asked.
        members_up: members that answered.
        has_leader: whether every member that answered knows a leader.
        leader_changes: changes of leader seen in the window.
        fsync: write-ahead log syncs.
        commit: backend commits.
        proposals_failed: failed proposals in the window.
        proposals_pending: proposals waiting now.
        size_bytes: size of the largest member's database file.
        in_use_bytes: what of it is in use.
        quota_bytes: size at which etcd refuses writes.
        peer_round_trip: round trips between members; None with a single member.
    """

    members: int
    members_up: int
    has_leader: bool | None = None
    leader_changes: float | None = None
    fsync: Latency | None = None
    commit: Latency | None = None
    proposals_failed: float | None = None
    proposals_pending: float | None = None
    size_bytes: float | None = None
    in_use_bytes: float | None = None
    quota_bytes: float | None = None
    peer_round_trip: Latency | None = None


@dataclass(frozen=True, slots=True)
class DatastoreSignals:
    """The datastore as the API server sees it, and as kine or etcd report it.

    Attributes:
        kind: "sqlite", "etcd", "external"; empty when unknown.
        latency: all requests to it.
        by_operation: latency by operation, such as "get", "list", "create", "update".
        requests: requests in the window.
        errors: failed requests in the window.
        error_ratio: share that failed, 0 to 1.
        size_bytes: size of the data.
        growth: change of the size over the last hour or less, bytes a second.
        objects: objects by resource, the ten largest numbers.
        sql: kine's SQL statements.
        sql_errors: kine's failed statements in the window.
        sql_error_ratio: share that failed, 0 to 1.
        insert_errors: inserts that kine gave up on in the window.
        compactions: compactions in the window by result, "success" or "error".
        connections_in_use: open database connections that work; PostgreSQL and MySQL.
        connections_max: how many there may be; 0 means no limit.
        connection_wait: seconds spent waiting for a connection in the window.
        etcd: a dedicated etcd of ours, else None.
    """

    kind: str = ""
    latency: Latency | None = None
    by_operation: Mapping[str, Latency] = field(default_factory=dict)
    requests: float | None = None
    errors: float | None = None
    error_ratio: float | None = None
    size_bytes: float | None = None
    growth: float | None = None
    objects: Mapping[str, float] = field(default_factory=dict)
    sql: Latency | None = None
    sql_errors: float | None = None
    sql_error_ratio: float | None = None
    insert_errors: float | None = None
    compactions: Mapping[str, float] = field(default_factory=dict)
    connections_in_use: float | None = None
    connections_max: float | None = None
    connection_wait: float | None = None
    etcd: EtcdSignals | None = None


@dataclass(frozen=True, slots=True)
class QueueSignals:
    """One work queue of a controller.

    Attributes:
        name: name of the queue.
        depth: items waiting now, all servers.
        added: items added in the window.
        retries: items put back in the window.
        wait: how long items waited before they were taken.
        work: how long they were worked on.
        unfinished: seconds of work in progress that has not been observed yet.
        longest_running: seconds the longest-running worker has been at its item.
        stuck: whether items wait, or one is worked on for long, and nothing has moved for the whole window.
    """

    name: str
    depth: float | None = None
    added: float | None = None
    retries: float | None = None
    wait: Latency | None = None
    work: Latency | None = None
    unfinished: float | None = None
    longest_running: float | None = None
    stuck: bool = False


@dataclass(frozen=True, slots=True)
class ControllerSignals:
    """Work queues of all controllers.

    Attributes:
        queues: the worst first: stuck, then by depth, wait and retries.
        depth: sum of all depths.
        pending_pods: pods the scheduler has not placed.
        unavailable_api_services: aggregated APIs that do not answer.
    """

    queues: tuple[QueueSignals, ...] = ()
    depth: float | None = None
    pending_pods: float | None = None
    unavailable_api_services: tuple[str, ...] = ()

    @property
    def worst(self) -> QueueSignals | None:
        """The queue that needs attention first."""
        return self.queues[0] if self.queues else None


@dataclass(frozen=True, slots=True)
class CertificateSignal:
    """One certificate.

    Attributes:
        name: its subject, or "serving" for the one shown in the TLS handshake.
        server: server it was seen on.
        expires_at: seconds since 1970.
        days_left: days until then, negative once it is over.
        source: "handshake", "page" (k3s' own files) or "secret" (authorities in the host's Secrets).
    """

    name: str
    server: str
    expires_at: float
    days_left: float
    source: Literal["handshake", "page", "secret"]


@dataclass(frozen=True, slots=True)
class ProcessSignals:
    """One server's process.

    Attributes:
        server: name of the server.
        version: its git version.
        started_at: seconds since 1970.
        restarted: whether it started anew within the window.
        memory_bytes: resident memory.
        cpu: cores used over the window.
        open_files: open file descriptors.
        max_files: how many there may be.
        goroutines: goroutines now.
    """

    server: str
    version: str = ""
    started_at: float | None = None
    restarted: bool = False
    memory_bytes: float | None = None
    cpu: float | None = None
    open_files: float | None = None
    max_files: float | None = None
    goroutines: float | None = None


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """What probing one server's `/readyz?verbose` gave.

    Attributes:
        server: name of the server.
        ready: whether it answered 200.
        round_trip: seconds from the request to the whole answer; None without an answer.
        failing: names of the failing checks.
        error: why there was no answer, one sentence without secrets; empty when there was one.
        page_error: why its page could not be read; empty when it could.
    """

    server: str
    ready: bool
    round_trip: float | None = None
    failing: tuple[str, ...] = ()
    error: str = ""
    page_error: str = ""


@dataclass(frozen=True, slots=True)
class Signals:
    """Everything computed for one control plane at one moment.

    Attributes:
        at: seconds since 1970 of the scrape.
        window: seconds between the pages compared; 0 with a single page.
        servers: health of each server asked.
        api: requests.
        datastore: datastore.
        controllers: work queues.
        certificates: the first to expire first.
        processes: one for each server whose page was read.
    """

    at: float
    window: float
    servers: tuple[ServerHealth, ...] = ()
    api: ApiSignals = field(default_factory=ApiSignals)
    datastore: DatastoreSignals = field(default_factory=DatastoreSignals)
    controllers: ControllerSignals = field(default_factory=ControllerSignals)
    certificates: tuple[CertificateSignal, ...] = ()
    processes: tuple[ProcessSignals, ...] = ()

    @property
    def servers_ready(self) -> int:
        """How many servers answered that they are ready."""
        return sum(server.ready for server in self.servers)

    @property
    def first_to_expire(self) -> CertificateSignal | None:
        """The certificate that ends first; None when that is not known.

        Of servers that are not reached only the authorities are known, which last ten years. They say nothing of what
        ends first, unless they themselves end within a year.
        """
        first = min(self.certificates, key=lambda item: item.expires_at, default=None)
        measured = any(item.source != "secret" for item in self.certificates)
        return first if measured or first is None or first.expires_at - self.at < _LONGEST_LEAF else None
