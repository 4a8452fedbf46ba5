"""What signals should be, computed slowly from prometheus_client's parse and the definitions of PromQL.

It shares nothing with the code it judges but the dataclasses that hold the result. Definitions are those of the
Prometheus documentation ("Query functions": increase, histogram_quantile) with these readings of two raw samples:
nothing is extrapolated, a series with one sample gives no result, and a value that is not a finite number is no
sample. Which verbs, scopes and codes count is the kubernetes-mixin's choice as the model of signals words it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from prometheus_client.parser import text_string_to_metric_families

from k3k_core.telemetry.signals.model import (
    ApiSignals,
    DatastoreSignals,
    EtcdSignals,
    Group,
    Latency,
    QueueSignals,
    ResourceLatency,
    Scope,
)

Labels = dict[str, str]
Series = tuple[str, frozenset[tuple[str, str]]]
Wanted = Callable[[Labels], bool]


def anything(_: Labels) -> bool:
    """Select every series."""
    return True


def equal(label: str, value: str) -> Wanted:
    """Select `label="value"`; a label that is missing is empty."""
    return lambda labels: labels.get(label, "") == value


def both(*conditions: Wanted) -> Wanted:
    """Select what meets every condition."""
    return lambda labels: all(condition(labels) for condition in conditions)


@dataclass(frozen=True)
class Scrape:
    """One page.

    Attributes:
        samples: the samples that are finite numbers.
        names: metric names of all samples.
    """

    samples: dict[Series, float]
    names: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> Scrape:
        """Parse a page."""
        everything = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return cls(
            {
                (sample.name, frozenset(sample.labels.items())): sample.value
                for sample in everything
                if math.isfinite(sample.value)
            },
            frozenset(sample.name for sample in everything),
        )

    @cached_property
    def by_name(self) -> dict[str, list[tuple[Labels, float]]]:
        """The samples by metric name."""
        found: dict[str, list[tuple[Labels, float]]] = defaultdict(list)
        for (name, labels), value in self.samples.items():
            found[name].append((dict(labels), value))
        return dict(found)

    def has(self, family: str) -> bool:
        """Tell whether a family is on the page."""
        return any(family + suffix in self.names for suffix in ("", "_bucket", "_count", "_sum"))

    def gauge(self, name: str) -> list[tuple[Labels, float]]:
        """Select the samples of a gauge."""
        return self.by_name.get(name, [])


@dataclass(frozen=True)
class Range:
    """Two samples of everything that one process exposes.

    Attributes:
        first: the earlier page.
        last: the later page.
        seconds: between them.
    """

    first: Scrape
    last: Scrape
    seconds: float
    _increases: dict[str, list[tuple[Labels, float]]] = field(default_factory=dict, repr=False, compare=False)

    def increase(self, name: str, wanted: Wanted = anything) -> list[tuple[Labels, float]]:
        """Apply `increase(name[range])`, unextrapolated, to each series that is wanted."""
        if name not in self._increases:
            self._increases[name] = list(self._increase(name))
        return [(labels, grown) for labels, grown in self._increases[name] if wanted(labels)]

    def _increase(self, name: str) -> Iterator[tuple[Labels, float]]:
        for labels, after in self.last.gauge(name):
            before = self.first.samples.get((name, frozenset(labels.items())))
            if before is None:
                continue
            grown = after if after < before else after - before
            if grown >= 0 and math.isfinite(grown):
                yield labels, grown

    def newest(self, *families: str) -> str:
        """Return the first family that both pages have; the last one when there is none."""
        both = [family for family in families if self.first.has(family) and self.last.has(family)]
        return both[0] if both else families[-1]


def histogram_quantile(q: float, buckets: dict[float, float]) -> float:
    """Apply PromQL's function to cumulative buckets by upper bound."""
    bounds = sorted(buckets)
    if len(bounds) < 2 or bounds[-1] != math.inf:
        return math.nan
    counts = [buckets[bound] for bound in bounds]
    for index in range(1, len(counts)):
        before, count = counts[index - 1], counts[index]
        nearly_equal = abs(before - count) < 1e-12 * (abs(before) + abs(count))
        if count < before or nearly_equal:
            counts[index] = before
    if counts[-1] == 0:
        return math.nan
    rank = q * counts[-1]
    index = next(index for index, count in enumerate(counts) if count >= rank)
    if index == len(bounds) - 1:
        return bounds[-2]
    if index == 0 and bounds[0] <= 0:
        return bounds[0]
    lower = bounds[index - 1] if index else 0.0
    below = counts[index - 1] if index else 0.0
    if counts[index] == below:
        return math.nan
    return lower + (bounds[index] - lower) * (rank - below) / (counts[index] - below)


@dataclass
class Histogram:
    """`sum by (le)` of a histogram's increases, with their sum and count; rows that lack a count give `+Inf`'s."""

    buckets: dict[float, float]
    total: float
    count: float

    def latency(self) -> Latency:
        """Return the figures of the model."""
        p50, p90, p99 = (histogram_quantile(q, self.buckets) for q in (0.5, 0.9, 0.99))
        return Latency(self.count, self.total, *(None if math.isnan(p) else p for p in (p50, p90, p99)))

    def slower_than(self, seconds: float) -> float:
        """Return how many took longer than the first bound at or above some seconds; none without such a bound."""
        bound = min((bound for bound in self.buckets if bound >= seconds), default=None)
        return 0.0 if bound is None else self.count - self.buckets[bound]


def histogram(ranges: Iterable[Range], *families: str, wanted: Wanted = anything) -> Histogram | None:
    """Add up the increases of a histogram over its label sets and over servers; None without any."""
    buckets: dict[float, float] = defaultdict(float)
    total = count = 0.0
    rows_found = False
    for pages in ranges:
        family = pages.newest(*families)
        counts = {frozenset(labels.items()): n for labels, n in pages.increase(f"{family}_count", wanted)}
        rows: set[frozenset[tuple[str, str]]] = set(counts)
        infinite: dict[frozenset[tuple[str, str]], float] = defaultdict(float)
        for labels, n in pages.increase(f"{family}_bucket", wanted):
            row = frozenset((name, value) for name, value in labels.items() if name != "le")
            bound = float(labels["le"])
            buckets[bound] += n
            rows.add(row)
            infinite[row] += n if bound == math.inf else 0.0
        totals = {frozenset(labels.items()): n for labels, n in pages.increase(f"{family}_sum", wanted)}
        total += sum(n for row, n in totals.items() if row in rows)
        count += sum(counts.get(row, infinite.get(row, 0.0)) for row in rows)
        rows_found = rows_found or bool(rows)
    return Histogram(dict(buckets), total, count) if rows_found else None


def latency(ranges: Iterable[Range], *families: str, wanted: Wanted = anything) -> Latency | None:
    """Return the latency of a histogram, None without one."""
    found = histogram(ranges, *families, wanted=wanted)
    return None if found is None else found.latency()


def add(ranges: Iterable[Range], name: str, wanted: Wanted = anything) -> float | None:
    """Apply `sum(increase(name))`; None without a result."""
    found = [grown for pages in ranges for _, grown in pages.increase(name, wanted)]
    return sum(found) if found else None


def add_by(ranges: Iterable[Range], name: str, label: str) -> dict[str, float]:
    """Apply `sum by (label) (increase(name))`."""
    sums: dict[str, float] = defaultdict(float)
    for pages in ranges:
        for labels, grown in pages.increase(name):
            sums[labels.get(label, "")] += grown
    return dict(sums)


def rate(ranges: Iterable[Range], name: str, wanted: Wanted = anything) -> float | None:
    """Apply `sum(rate(name))`; None without a result."""
    found = [grown / pages.seconds for pages in ranges for _, grown in pages.increase(name, wanted)]
    return sum(found) if found else None


def gauge(pages: Iterable[Scrape], *names: str) -> float | None:
    """Apply `sum(name)` to what the newest name gives on each page; None without a sample."""
    found: list[float] = []
    for page in pages:
        name = next((name for name in names if name in page.names), names[-1])
        found += [value for _, value in page.gauge(name) if value >= 0]
    return sum(found) if found else None


def share(some: float | None, everything: float | None) -> float | None:
    """Divide, where there is something to divide by; a share is never above 1."""
    return None if some is None or not everything else min(some / everything, 1.0)


STREAMING = ("proxy", "attach", "log", "exec", "portforward")
READS = ("GET", "LIST")
WRITES = ("POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION")
DURATION = (
    "apiserver_request_sli_duration_seconds",
    "apiserver_request_slo_duration_seconds",
    "apiserver_request_duration_seconds",
)


SIZES = (
    "apiserver_storage_size_bytes",
    "apiserver_storage_db_total_size_in_bytes",
    "etcd_db_total_size_in_bytes",
)


def short(labels: Labels) -> bool:
    """Leave out requests that last as long as the client likes."""
    return (
        labels.get("verb") not in {"WATCH", "WATCHLIST", "CONNECT"}
        and labels.get("subresource") not in STREAMING
    )


def of_group(group: Group, *, scope: str | None = None) -> Wanted:
    """Select reads or writes, of one scope or of all."""
    verbs = READS if group == "read" else WRITES
    return lambda labels: (
        short(labels) and labels.get("verb") in verbs and (scope is None or labels.get("scope", "") == scope)
    )


def expected_api(ranges: list[Range], pages: list[Scrape]) -> ApiSignals:
    """Return what is expected of the API server, but for the slowest resources and the burn."""
    total = "apiserver_request_total"
    requests = add(ranges, total, short)
    counted = add(ranges, total, lambda labels: short(labels) and labels.get("verb") in READS + WRITES)
    by_verb: dict[str, float] = defaultdict(float)
    for one in ranges:
        for labels, grown in one.increase(total, short):
            verb = labels.get("verb", "")
            by_verb[verb if verb in READS + WRITES else "other"] += grown / one.seconds
    errors = add(ranges, total, lambda labels: short(labels) and _is_5xx(labels))
    terminations = add(ranges, "apiserver_request_terminations_total", short)
    by_scope: dict[tuple[Group, Scope], Latency] = {}
    groups: tuple[Group, ...] = ("read", "write")
    scopes: tuple[Scope, ...] = ("resource", "namespace", "cluster")
    for group in groups:
        for scope in scopes:
            found = latency(ranges, *DURATION, wanted=of_group(group, scope=scope))
            if found is not None:
                by_scope[group, scope] = found
    in_flight: dict[str, float] = defaultdict(float)
    for page in pages:
        for labels, value in page.gauge("apiserver_current_inflight_requests"):
            if value >= 0:
                in_flight[labels["request_kind"]] += value
    return ApiSignals(
        request_rate=rate(ranges, total, short),
        rate_by_verb=dict(by_verb),
        requests=requests,
        errors=None if requests is None else errors or 0.0,
        error_ratio=None if requests is None else share(errors or 0.0, requests),
        reads=latency(ranges, *DURATION, wanted=of_group("read")),
        writes=latency(ranges, *DURATION, wanted=of_group("write")),
        by_scope=by_scope,
        in_flight=dict(in_flight),
        in_queue=gauge(
            pages, "apiserver_flowcontrol_current_inqueue_requests", "apiserver_current_inqueue_requests"
        ),
        rejected=add_by(ranges, "apiserver_flowcontrol_rejected_requests_total", "priority_level"),
        rejected_rate=rate(ranges, "apiserver_flowcontrol_rejected_requests_total"),
        terminated_ratio=(
            None if terminations is None or requests is None else share(terminations, terminations + requests)
        ),
        long_running=gauge(pages, "apiserver_longrunning_requests", "apiserver_longrunning_gauge"),
        slow_or_failed=_spent(ranges, counted),
        counted=counted,
    )


def _is_5xx(labels: Labels) -> bool:
    return len(labels.get("code", "")) == 3 and labels["code"][0] == "5"


def _short_scope(labels: Labels) -> bool:
    return of_group("read")(labels) and labels.get("scope") not in {"namespace", "cluster"}


def _failed(labels: Labels) -> bool:
    return short(labels) and labels.get("verb") in READS + WRITES and _is_5xx(labels)


def _spent(ranges: list[Range], counted: float | None) -> float | None:
    objectives: list[tuple[Wanted, float]] = [
        (of_group("write"), 1.0),
        (_short_scope, 1.0),
        (of_group("read", scope="namespace"), 5.0),
        (of_group("read", scope="cluster"), 30.0),
    ]
    found = [(histogram(ranges, *DURATION, wanted=wanted), seconds) for wanted, seconds in objectives]
    slow = [max(one.slower_than(seconds), 0.0) for one, seconds in found if one is not None]
    if not slow or counted is None:
        return None
    failed = add(ranges, "apiserver_request_total", _failed)
    return min(sum(slow) + (failed or 0.0), counted)


def resource_latencies(ranges: list[Range]) -> dict[tuple[str, Group], ResourceLatency]:
    """Return how each resource was served, for all that anything was asked of."""
    found: dict[tuple[str, Group], ResourceLatency] = {}
    groups: tuple[Group, ...] = ("read", "write")
    resources = {
        (labels.get("resource", ""), labels.get("group", ""))
        for one in ranges
        for labels, _ in one.last.gauge(one.newest(*DURATION) + "_bucket")
        if labels.get("resource")
    }
    for resource, api_group in resources:
        for group in groups:
            figures = latency(
                ranges,
                *DURATION,
                wanted=both(of_group(group), equal("resource", resource), equal("group", api_group)),
            )
            if figures is not None and figures.p99 is not None:
                name = f"{resource}.{api_group}" if api_group else resource
                found[name, group] = ResourceLatency(name, group, figures)
    return found


def expected_datastore(ranges: list[Range], pages: list[Scrape]) -> DatastoreSignals:
    """Return what is expected of the datastore, but for its growth and an etcd of ours."""
    duration = "etcd_request_duration_seconds"
    requests, errors = add(ranges, "etcd_requests_total"), add(ranges, "etcd_request_errors_total")
    statements = add(ranges, "kine_sql_total")
    failed = add(ranges, "kine_sql_total", lambda labels: labels.get("error_code", "") != "")
    inserts = add(ranges, "kine_insert_errors_total")
    given_up = add(ranges, "kine_insert_errors_total", lambda labels: labels.get("retriable") == "false")
    operations = {
        labels.get("operation", "")
        for one in ranges
        for suffix in ("_bucket", "_count")
        for labels, _ in one.increase(duration + suffix)
    }
    limits = [value for page in pages for _, value in page.gauge("go_sql_max_open_connections") if value >= 0]
    return DatastoreSignals(
        latency=latency(ranges, duration),
        by_operation={
            operation: found
            for operation in operations
            if (found := latency(ranges, duration, wanted=equal("operation", operation)))
        },
        requests=requests,
        errors=errors,
        error_ratio=share(errors, requests),
        size_bytes=max((size for page in pages if (size := _size(page)) is not None), default=None),
        objects=_objects(pages),
        sql=latency(ranges, "kine_sql_time_seconds"),
        sql_errors=None if statements is None else failed or 0.0,
        sql_error_ratio=None if statements is None else share(failed or 0.0, statements),
        insert_errors=None if inserts is None else given_up or 0.0,
        compactions=add_by(ranges, "kine_compact_total", "result"),
        connections_in_use=gauge(pages, "go_sql_in_use_connections"),
        connections_max=(0.0 if 0.0 in limits else sum(limits)) if limits else None,
        connection_wait=add(ranges, "go_sql_wait_duration_seconds_total"),
    )


def _size(page: Scrape) -> float | None:
    for name in (
        "apiserver_storage_size_bytes",
        "apiserver_storage_db_total_size_in_bytes",
        "etcd_db_total_size_in_bytes",
    ):
        if name in page.names:
            sizes = [(labels, value) for labels, value in page.gauge(name) if value >= 0]
            members = [value for labels, value in sizes if "endpoint" in labels]
            clusters = [value for labels, value in sizes if "endpoint" not in labels]
            return sum([max(members)] if members else []) + sum(clusters) if sizes else None
    return None


def _objects(pages: list[Scrape]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for page in pages:
        names = ("apiserver_resource_objects", "apiserver_storage_objects", "etcd_object_counts")
        name = next((name for name in names if name in page.names), "")
        for labels, value in page.gauge(name):
            resource = labels.get("resource", "") + ("." + labels["group"] if labels.get("group") else "")
            if value >= 0 and resource:
                counts[resource] = max(value, counts.get(resource, 0.0))
    order = sorted(counts, key=lambda resource: (-counts[resource], resource))
    return {resource: counts[resource] for resource in order[:10]}


def expected_queue(ranges: list[Range], pages: list[Scrape], name: str) -> QueueSignals:
    """Return what is expected of one work queue; it is not stuck."""

    def named(labels: Labels) -> bool:
        return labels.get("name") == name

    def values(family: str) -> list[float]:
        return [
            value for page in pages for labels, value in page.gauge(family) if named(labels) and value >= 0
        ]

    depths, unfinished = values("workqueue_depth"), values("workqueue_unfinished_work_seconds")
    return QueueSignals(
        name=name,
        depth=sum(depths) if depths else None,
        added=add(ranges, "workqueue_adds_total", named),
        retries=add(ranges, "workqueue_retries_total", named),
        wait=latency(ranges, "workqueue_queue_duration_seconds", wanted=named),
        work=latency(ranges, "workqueue_work_duration_seconds", wanted=named),
        unfinished=sum(unfinished) if unfinished else None,
        longest_running=max(values("workqueue_longest_running_processor_seconds"), default=None),
    )


def queue_names(ranges: list[Range], pages: list[Scrape]) -> set[str]:
    """Return the name of every work queue of which something is known."""
    gauges = ("depth", "unfinished_work_seconds", "longest_running_processor_seconds")
    names = {
        labels["name"]
        for page in pages
        for gauge_name in gauges
        for labels, value in page.gauge(f"workqueue_{gauge_name}")
        if value >= 0
    }
    counters = ["adds_total"]
    counters += [
        f"{what}_duration_seconds_{part}" for what in ("queue", "work") for part in ("bucket", "count")
    ]
    for one in ranges:
        for counter in counters:
            names.update(labels["name"] for labels, _ in one.increase(f"workqueue_{counter}"))
    return names


def expected_etcd(ranges: list[Range], pages: list[Scrape], members: int) -> EtcdSignals:
    """Return what is expected of members of an etcd."""
    leaders = [value for page in pages for _, value in page.gauge("etcd_server_has_leader")]
    changes = [n for one in ranges if (n := add([one], "etcd_server_leader_changes_seen_total")) is not None]
    sizes = [
        (value, page)
        for page in pages
        for _, value in page.gauge("etcd_mvcc_db_total_size_in_bytes")
        if value >= 0
    ]
    size, page = max(sizes, key=lambda found: found[0]) if sizes else (None, None)
    quotas = [
        value for page in pages for _, value in page.gauge("etcd_server_quota_backend_bytes") if value > 0
    ]
    return EtcdSignals(
        members=members,
        members_up=len(pages),
        has_leader=all(leader == 1 for leader in leaders) if leaders else None,
        leader_changes=max(changes, default=None),
        fsync=latency(ranges, "etcd_disk_wal_fsync_duration_seconds"),
        commit=latency(ranges, "etcd_disk_backend_commit_duration_seconds"),
        proposals_failed=add(ranges, "etcd_server_proposals_failed_total"),
        proposals_pending=gauge(pages, "etcd_server_proposals_pending"),
        size_bytes=size,
        in_use_bytes=gauge([page], "etcd_mvcc_db_total_size_in_use_in_bytes") if page else None,
        quota_bytes=min(quotas, default=None),
        peer_round_trip=latency(ranges, "etcd_network_peer_round_trip_time_seconds"),
    )
