"""Which families the signals are computed from, and what they were called in which Kubernetes version.

Names and versions are from the metrics lists of Kubernetes 1.21 to 1.37, of k3s, kine and etcd 3.6. Kubernetes marks
a family deprecated, hides it a few versions later and removes it after that, so that two spellings of one fact are
on a page for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from k3k_core.telemetry.page import Family, Page


@dataclass(frozen=True, slots=True)
class Spelling:
    """One name that a fact has had.

    Attributes:
        family: name of the family.
        since: first Kubernetes version with it, as far as this project goes back (1.21).
        until: last Kubernetes version that shows it by default; empty while there is none.
    """

    family: str
    since: str = "1.21"
    until: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to know of a server, under the names it has had, the newest first."""

    spellings: tuple[Spelling, ...]

    @property
    def families(self) -> tuple[str, ...]:
        """Names of the families, the newest first."""
        return tuple(spelling.family for spelling in self.spellings)

    def find(self, page: Page) -> Family | None:
        """Return the family under its newest name on a page; None when the page has none of them."""
        for spelling in self.spellings:
            if (family := find_family(page, spelling.family)) is not None:
                return family
        return None

    def pair(self, new: Page, old: Page) -> tuple[Family, Family] | None:
        """Return the family from both pages under the newest name that both have; None when there is none."""
        for spelling in self.spellings:
            later, earlier = find_family(new, spelling.family), find_family(old, spelling.family)
            if later is not None and earlier is not None:
                return later, earlier
        return None


def find_family(page: Page, name: str) -> Family | None:
    """Return a family by the name of its samples; OpenMetrics leaves `_total` out of a counter's `# TYPE` line."""
    return page.get(name) or page.get(name.removesuffix("_total"))


def _fact(*names: str | Spelling) -> Fact:
    return Fact(tuple(name if isinstance(name, Spelling) else Spelling(name) for name in names))


REQUEST_DURATION: Final = _fact(
    Spelling("apiserver_request_sli_duration_seconds", since="1.26"),
    Spelling("apiserver_request_slo_duration_seconds", since="1.23", until="1.27"),
    Spelling("apiserver_request_duration_seconds"),
)
"""Durations of requests; the first two leave out what webhooks and queues took, which clients and tenants add."""

REQUESTS: Final = _fact("apiserver_request_total")
TERMINATIONS: Final = _fact("apiserver_request_terminations_total")
IN_FLIGHT: Final = _fact("apiserver_current_inflight_requests")
IN_QUEUE: Final = _fact(
    "apiserver_flowcontrol_current_inqueue_requests",
    "apiserver_current_inqueue_requests",
)
REJECTED: Final = _fact("apiserver_flowcontrol_rejected_requests_total")
LONG_RUNNING: Final = _fact(
    Spelling("apiserver_longrunning_requests", since="1.23"),
    Spelling("apiserver_longrunning_gauge", until="1.25"),
)
UNAVAILABLE_API_SERVICES: Final = _fact("aggregator_unavailable_apiservice")

STORAGE_DURATION: Final = _fact("etcd_request_duration_seconds")
STORAGE_REQUESTS: Final = _fact(Spelling("etcd_requests_total", since="1.28"))
STORAGE_ERRORS: Final = _fact(Spelling("etcd_request_errors_total", since="1.28"))
STORAGE_SIZE: Final = _fact(
    Spelling("apiserver_storage_size_bytes", since="1.28"),
    Spelling("apiserver_storage_db_total_size_in_bytes", since="1.26", until="1.28"),
    Spelling("etcd_db_total_size_in_bytes", until="1.25"),
)
STORAGE_OBJECTS: Final = _fact(
    Spelling("apiserver_resource_objects", since="1.34"),
    Spelling("apiserver_storage_objects", until="1.36"),
    Spelling("etcd_object_counts", until="1.22"),
)

SQL_STATEMENTS: Final = _fact("kine_sql_total")
SQL_DURATION: Final = _fact("kine_sql_time_seconds")
COMPACTIONS: Final = _fact("kine_compact_total")
INSERT_ERRORS: Final = _fact("kine_insert_errors_total")
CONNECTIONS_IN_USE: Final = _fact("go_sql_in_use_connections")
CONNECTIONS_MAX: Final = _fact("go_sql_max_open_connections")
CONNECTION_WAIT: Final = _fact("go_sql_wait_duration_seconds_total")

QUEUE_DEPTH: Final = _fact("workqueue_depth")
QUEUE_ADDS: Final = _fact("workqueue_adds_total")
QUEUE_RETRIES: Final = _fact("workqueue_retries_total")
QUEUE_WAIT: Final = _fact("workqueue_queue_duration_seconds")
QUEUE_WORK: Final = _fact("workqueue_work_duration_seconds")
QUEUE_UNFINISHED: Final = _fact("workqueue_unfinished_work_seconds")
QUEUE_LONGEST: Final = _fact("workqueue_longest_running_processor_seconds")
PENDING_PODS: Final = _fact("scheduler_pending_pods")

CERTIFICATES: Final = _fact(Spelling("k3s_certificate_expiration_seconds", since="1.30"))

BUILD_INFO: Final = _fact("kubernetes_build_info")
PROCESS_START: Final = _fact("process_start_time_seconds")
PROCESS_CPU: Final = _fact("process_cpu_seconds_total")
PROCESS_MEMORY: Final = _fact("process_resident_memory_bytes")
PROCESS_FILES: Final = _fact("process_open_fds")
PROCESS_MAX_FILES: Final = _fact("process_max_fds")
GOROUTINES: Final = _fact("go_goroutines")

ETCD_HAS_LEADER: Final = _fact("etcd_server_has_leader")
ETCD_LEADER_CHANGES: Final = _fact("etcd_server_leader_changes_seen_total")
ETCD_FSYNC: Final = _fact("etcd_disk_wal_fsync_duration_seconds")
ETCD_COMMIT: Final = _fact("etcd_disk_backend_commit_duration_seconds")
ETCD_PROPOSALS_FAILED: Final = _fact("etcd_server_proposals_failed_total")
ETCD_PROPOSALS_PENDING: Final = _fact("etcd_server_proposals_pending")
ETCD_SIZE: Final = _fact("etcd_mvcc_db_total_size_in_bytes")
ETCD_IN_USE: Final = _fact("etcd_mvcc_db_total_size_in_use_in_bytes")
ETCD_QUOTA: Final = _fact("etcd_server_quota_backend_bytes")
ETCD_PEER_ROUND_TRIP: Final = _fact("etcd_network_peer_round_trip_time_seconds")

SERVER_FACTS: Final[tuple[Fact, ...]] = (
    *(REQUEST_DURATION, REQUESTS, TERMINATIONS, IN_FLIGHT, IN_QUEUE, REJECTED, LONG_RUNNING),
    *(UNAVAILABLE_API_SERVICES, STORAGE_DURATION, STORAGE_REQUESTS, STORAGE_ERRORS, STORAGE_SIZE),
    *(STORAGE_OBJECTS, SQL_STATEMENTS, SQL_DURATION, COMPACTIONS, INSERT_ERRORS, CONNECTIONS_IN_USE),
    *(CONNECTIONS_MAX, CONNECTION_WAIT, QUEUE_DEPTH, QUEUE_ADDS, QUEUE_RETRIES, QUEUE_WAIT, QUEUE_WORK),
    *(QUEUE_UNFINISHED, QUEUE_LONGEST, PENDING_PODS, CERTIFICATES, BUILD_INFO, PROCESS_START, PROCESS_CPU),
    *(PROCESS_MEMORY, PROCESS_FILES, PROCESS_MAX_FILES, GOROUTINES),
)
"""What is wanted of a server's page."""

ETCD_FACTS: Final[tuple[Fact, ...]] = (
    *(ETCD_HAS_LEADER, ETCD_LEADER_CHANGES, ETCD_FSYNC, ETCD_COMMIT, ETCD_PROPOSALS_FAILED),
    *(ETCD_PROPOSALS_PENDING, ETCD_SIZE, ETCD_IN_USE, ETCD_QUOTA, ETCD_PEER_ROUND_TRIP, PROCESS_START),
)
"""What is wanted of an etcd member's page."""


def _names(facts: tuple[Fact, ...]) -> frozenset[str]:
    return frozenset(family for fact in facts for family in fact.families)


WANTED: Final[frozenset[str]] = _names(SERVER_FACTS)
"""Every family that signals of a server are computed from, under every name since Kubernetes 1.21."""

ETCD_WANTED: Final[frozenset[str]] = _names(ETCD_FACTS)
"""Every family that signals of an etcd member are computed from."""


def wanted_for(page: Page | None) -> frozenset[str]:
    """Return the families to ask of a server's next page.

    Args:
        page: the last page of that server, None before the first.

    Returns:
        WANTED without the older names of what the page has under a newer one. Newer names are always asked for,
        since an upgrade brings them.
    """
    if page is None:
        return WANTED
    superseded: set[str] = set()
    for fact in SERVER_FACTS:
        for position, family in enumerate(fact.families):
            if find_family(page, family) is not None:
                superseded.update(fact.families[position + 1 :])
                break
    return WANTED - superseded
