"""Signals of recorded pages are what PromQL's definitions give."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest

from k3k_core.telemetry.families import ETCD_WANTED, WANTED, wanted_for
from k3k_core.telemetry.observation import Observation, ServerObservation
from k3k_core.telemetry.page import Page
from k3k_core.telemetry.scanner import LayoutTable, scan
from k3k_core.telemetry.signals.model import EtcdSignals, Signals
from k3k_core.telemetry.signals.tracker import Tracker
from tests.support import promql_oracle as oracle
from tests.support.figures import differences
from tests.support.recorded_pages import MODERN_K3S, SECONDS_APART, Time, recorded
from tests.support.signal_expectations import unexpected

ETCD = "etcd-3.6.8"
SERVERS = ("k3s-1.21.3-agentless", "kube-apiserver-1.36.2", "kube-controller-manager-1.36.2", MODERN_K3S)


@cache
def parsed(name: str, time: Time) -> oracle.Scrape:
    return oracle.Scrape.parse(recorded(name, time).decode())


def span(*names: str) -> tuple[list[oracle.Range], list[oracle.Scrape]]:
    ranges = [oracle.Range(parsed(name, "t0"), parsed(name, "t1"), SECONDS_APART) for name in names]
    return ranges, [parsed(name, "t1") for name in names]


@cache
def signals_of(*names: str) -> Signals:
    """Observe both pages of servers, each asked for what a scraper asks for."""
    tracker, layouts = Tracker(), LayoutTable()
    first = {name: scan(recorded(name, "t0"), WANTED, layouts=layouts) for name in names}
    last = {name: scan(recorded(name, "t1"), wanted_for(first[name]), layouts=layouts) for name in names}
    tracker.observe(a_round(1000.0, first))
    return tracker.observe(a_round(1000.0 + SECONDS_APART, last))


def a_round(at: float, pages: Mapping[str, Page]) -> Observation:
    return Observation(
        at, tuple(ServerObservation(name, page=page, page_at=at) for name, page in pages.items())
    )


SETS = [*((name,) for name in SERVERS), ("k3s-1.21.3-agentless", MODERN_K3S)]


@pytest.mark.parametrize("names", SETS, ids="+".join)
def test_recorded_pages(names: tuple[str, ...]) -> None:
    assert unexpected(signals_of(*names), *span(*names)) == []


@pytest.mark.parametrize("name", SERVERS)
def test_process(name: str) -> None:
    [range_], [page] = span(name)
    [found] = signals_of(name).processes
    values = {
        series: value for (series, _), value in page.samples.items() if series.startswith(("process_", "go_"))
    }
    cpu = oracle.rate([range_], "process_cpu_seconds_total")
    assert cpu is not None
    assert found.cpu == pytest.approx(cpu)
    assert found.memory_bytes == values["process_resident_memory_bytes"]
    assert found.open_files == values["process_open_fds"]
    assert found.max_files == values["process_max_fds"]
    assert found.started_at == values["process_start_time_seconds"]
    assert found.goroutines == values["go_goroutines"]
    assert not found.restarted


def test_members_of_an_etcd() -> None:
    tracker, layouts = Tracker(), LayoutTable()

    def observe(time: Time, at: float) -> EtcdSignals | None:
        page = scan(recorded(ETCD, time), ETCD_WANTED, layouts=layouts)
        members = (ServerObservation("etcd-0", page=page, page_at=at), ServerObservation("etcd-1"))
        observation = Observation(at, (ServerObservation("server-0"),), etcd=members)
        return tracker.observe(observation).datastore.etcd

    observe("t0", 1000.0)
    found = observe("t1", 1000.0 + SECONDS_APART)
    assert differences(found, oracle.expected_etcd(*span(ETCD), 2)) == []
    assert found is not None
    assert found.commit is not None
    assert found.commit.count > 0
