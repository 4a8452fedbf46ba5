"""What there is to export of a control plane's signals, within bounds that no page can move."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import islice

from k3k_core.exporter import catalogue
from k3k_core.exporter.catalogue import Metric
from k3k_core.exporter.choices import MAX_RESOURCES, Choices, resource_key
from k3k_core.exporter.label_values import clean
from k3k_core.exporter.readings import Distribution, Readings
from k3k_core.exporter.totals import Totals
from k3k_core.exporter.windows import Key, Labels, latencies, queues_of
from k3k_core.telemetry.signals.model import DatastoreSignals, EtcdSignals, Latency, Signals

MAX_SERVERS = 16
MAX_CHECKS = 8
MAX_KINDS = 4
MAX_LABEL_SETS = 24
MAX_CERTIFICATES = 40
LARGEST_RESOURCES = 10
_HOUR = 3600.0


def read_signals(readings: Readings, signals: Signals, totals: Totals, choices: Choices) -> None:
    """Add what a control plane's signals say.

    Args:
        readings: of the control plane.
        signals: its newest signals.
        totals: its totals, the window of `signals` among them.
        choices: which of its queues and resources are shown.
    """
    quantiles = {key: _quantiles(latency) for key, latency in latencies(signals)}
    _read_servers(readings, signals)
    _read_api(readings, signals, choices)
    _read_totals(readings, totals, quantiles, _API + _DATASTORE)
    _read_datastore(readings, signals.datastore)
    if signals.datastore.etcd is not None:
        _read_etcd(readings, signals.datastore.etcd)
        _read_totals(readings, totals, quantiles, _ETCD)
    _read_controllers(readings, signals)
    _read_queues(readings, signals, totals, quantiles, choices)
    _read_certificates(readings, signals)
    _read_processes(readings, signals)
    _read_totals(readings, totals, quantiles, (catalogue.PROCESS_RESTARTS,))


_API = (
    catalogue.API_REQUESTS,
    catalogue.API_ERRORS,
    catalogue.API_SLOW_OR_FAILED,
    catalogue.API_COUNTED,
    catalogue.API_REJECTED,
    catalogue.API_OVERALL_DURATION,
    catalogue.API_DURATION,
)
_DATASTORE = (
    catalogue.DATASTORE_OVERALL_DURATION,
    catalogue.DATASTORE_DURATION,
    catalogue.DATASTORE_REQUESTS,
    catalogue.DATASTORE_ERRORS,
    catalogue.KINE_SQL_DURATION,
    catalogue.KINE_SQL_ERRORS,
    catalogue.KINE_INSERT_ERRORS,
    catalogue.KINE_COMPACTIONS,
    catalogue.KINE_CONNECTION_WAIT,
)
_ETCD = (
    catalogue.ETCD_LEADER_CHANGES,
    catalogue.ETCD_FSYNC,
    catalogue.ETCD_COMMIT,
    catalogue.ETCD_PEER_ROUND_TRIP,
    catalogue.ETCD_FAILED_PROPOSALS,
)

Quantiles = dict[Key, tuple[tuple[float, float], ...]]


def _quantiles(latency: Latency) -> tuple[tuple[float, float], ...]:
    values = zip(catalogue.QUANTILES, (latency.p50, latency.p90, latency.p99), strict=True)
    return tuple(
        (quantile, value) for quantile, value in values if value is not None and math.isfinite(value)
    )


def _read_totals(readings: Readings, totals: Totals, quantiles: Quantiles, metrics: Iterable[Metric]) -> None:
    for metric in metrics:
        for labels in islice(totals.of(metric), MAX_LABEL_SETS):
            _read_total(readings, totals, quantiles, metric, labels)


def _read_total(
    readings: Readings, totals: Totals, quantiles: Quantiles, metric: Metric, labels: Labels
) -> None:
    amount = totals.of(metric).get(labels)
    if amount is None:
        return
    if metric.kind == "summary":
        windowed = quantiles.get((metric, labels), ())
        readings.distribution(metric, Distribution(windowed, *amount), *labels)
    else:
        readings.number(metric, amount[0], *labels)


def _read_servers(readings: Readings, signals: Signals) -> None:
    for server in islice(signals.servers, MAX_SERVERS):
        readings.flag(catalogue.SERVER_READY, server.ready, server.server)
        readings.number(catalogue.SERVER_PROBE_DURATION, server.round_trip, server.server)
        for check in islice(server.failing, MAX_CHECKS):
            readings.info(catalogue.SERVER_CHECK_FAILED, server.server, check)


def _read_api(readings: Readings, signals: Signals, choices: Choices) -> None:
    api = signals.api
    slowest = {resource_key(slow): slow for slow in islice(api.slowest, MAX_RESOURCES)}
    for key in choices.resources:
        if key in slowest:
            windowed = _quantiles(slowest[key].latency)
            p99 = tuple(pair for pair in windowed if pair[0] == catalogue.QUANTILES[-1])
            readings.distribution(catalogue.API_RESOURCE_DURATION, Distribution(p99), *key)
    for kind, requests in islice(api.in_flight.items(), MAX_KINDS):
        readings.number(catalogue.API_INFLIGHT, requests, kind)
    readings.number(catalogue.API_QUEUED, api.in_queue)
    readings.number(catalogue.API_LONGRUNNING, api.long_running)
    readings.number(catalogue.API_BURN, api.burn_1h, "1h")
    readings.number(catalogue.API_BURN, api.burn_6h, "6h")
    readings.number(catalogue.API_TERMINATED, api.terminated_ratio)


def _read_datastore(readings: Readings, datastore: DatastoreSignals) -> None:
    readings.number(catalogue.DATASTORE_SIZE, datastore.size_bytes)
    readings.number(catalogue.DATASTORE_GROWTH, datastore.growth)
    for resource, objects in islice(datastore.objects.items(), LARGEST_RESOURCES):
        readings.number(catalogue.DATASTORE_OBJECTS, objects, resource)
    readings.number(catalogue.KINE_CONNECTIONS, datastore.connections_in_use)
    readings.number(catalogue.KINE_CONNECTIONS_LIMIT, datastore.connections_max)


def _read_etcd(readings: Readings, etcd: EtcdSignals) -> None:
    readings.number(catalogue.ETCD_MEMBERS, etcd.members)
    readings.number(catalogue.ETCD_MEMBERS_UP, etcd.members_up)
    readings.flag(catalogue.ETCD_HAS_LEADER, etcd.has_leader)
    readings.number(catalogue.ETCD_SIZE, etcd.size_bytes)
    readings.number(catalogue.ETCD_IN_USE, etcd.in_use_bytes)
    readings.number(catalogue.ETCD_QUOTA, etcd.quota_bytes)
    readings.number(catalogue.ETCD_PENDING_PROPOSALS, etcd.proposals_pending)


def _read_queues(
    readings: Readings, signals: Signals, totals: Totals, quantiles: Quantiles, choices: Choices
) -> None:
    queues = {clean(queue.name): queue for queue in queues_of(signals)}
    for name in choices.queues:
        queue = queues.get(name)
        if queue is None:
            continue
        readings.number(catalogue.QUEUE_DEPTH, queue.depth, name)
        readings.number(catalogue.QUEUE_LONGEST, queue.longest_running, name)
        readings.flag(catalogue.QUEUE_STUCK, queue.stuck, name)
        for metric in (catalogue.QUEUE_WAIT, catalogue.QUEUE_RETRIES):
            _read_total(readings, totals, quantiles, metric, (name,))


def _read_controllers(readings: Readings, signals: Signals) -> None:
    controllers = signals.controllers
    readings.number(catalogue.QUEUES_DEPTH, controllers.depth)
    readings.number(catalogue.PENDING_PODS, controllers.pending_pods)
    if controllers.depth is not None:
        # Their list is empty too when no page could be read.
        readings.number(catalogue.UNAVAILABLE_API_SERVICES, len(controllers.unavailable_api_services))


def _read_certificates(readings: Readings, signals: Signals) -> None:
    for certificate in islice(signals.certificates, MAX_CERTIFICATES):
        labels = (certificate.name, certificate.server, certificate.source)
        # k3s says every 30 minutes how many seconds are left: finer than an hour it would only jump about.
        step = _HOUR if certificate.source == "page" else 1.0
        readings.number(catalogue.CERTIFICATE_EXPIRY, certificate.expires_at // step * step, *labels)


def _read_processes(readings: Readings, signals: Signals) -> None:
    for process in islice(signals.processes, MAX_SERVERS):
        server = process.server
        readings.number(catalogue.PROCESS_MEMORY, process.memory_bytes, server)
        readings.number(catalogue.PROCESS_CPU, process.cpu, server)
        readings.number(catalogue.PROCESS_OPEN_FDS, process.open_files, server)
        readings.number(catalogue.PROCESS_MAX_FDS, process.max_files, server)
        readings.number(catalogue.PROCESS_GOROUTINES, process.goroutines, server)
        readings.number(catalogue.PROCESS_START_TIME, process.started_at, server)
