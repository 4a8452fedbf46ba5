"""Which pages are compared, and what comes of it when they cannot be."""

from __future__ import annotations

import pytest

from k3k_core.telemetry.observation import Observation, ServerObservation
from k3k_core.telemetry.page import Page
from k3k_core.telemetry.signals.model import Signals
from k3k_core.telemetry.signals.pairs import ENDPOINT, MAX_INSTANCES, MAX_WINDOW
from k3k_core.telemetry.signals.tracker import Tracker
from tests.support.small_pages import counter, page, started

GET = 'verb="GET",code="200"'


def served(requests: float, *, start: float = 100.0) -> Page:
    return page(counter("apiserver_request_total", {GET: requests}), started(start))


def observe(tracker: Tracker, at: float, **pages: Page | None) -> Signals:
    servers = tuple(ServerObservation(name, page=one, page_at=at) for name, one in pages.items())
    return tracker.observe(Observation(at, servers))


def test_a_single_page_gives_no_rates() -> None:
    signals = observe(Tracker(), 1000, a=served(50))
    assert signals.window == 0
    assert signals.api.request_rate is None
    assert signals.api.requests is None
    assert signals.processes[0].started_at == 100


def test_two_pages_give_rates_over_the_time_between_them() -> None:
    tracker = Tracker()
    observe(tracker, 1000, a=served(50))
    signals = observe(tracker, 1020, a=served(90))
    assert signals.window == 20
    assert signals.api.requests == 40
    assert signals.api.request_rate == 2


def test_a_counter_that_fell_counts_from_zero() -> None:
    tracker = Tracker()
    observe(tracker, 1000, a=served(50))
    assert observe(tracker, 1020, a=served(30)).api.requests == 30


def test_a_process_that_started_anew_is_not_compared_with_the_one_before() -> None:
    tracker = Tracker()
    observe(tracker, 1000, a=served(50))
    signals = observe(tracker, 1020, a=served(900, start=1010))
    assert signals.processes[0].restarted
    assert signals.api.requests is None
    signals = observe(tracker, 1040, a=served(907, start=1010))
    assert not signals.processes[0].restarted
    assert signals.api.requests == 7


def test_pages_without_a_start_time_are_taken_for_the_same_process() -> None:
    tracker = Tracker()
    observe(tracker, 1000, a=page(counter("apiserver_request_total", {GET: 5})))
    signals = observe(tracker, 1010, a=page(counter("apiserver_request_total", {GET: 8})))
    assert signals.api.requests == 3


def test_rates_of_servers_add_up_each_over_its_own_window() -> None:
    tracker = Tracker()
    observe(tracker, 1000, a=served(0), b=served(0, start=200))
    observe(tracker, 1010, a=served(10), b=None)
    signals = observe(tracker, 1020, a=served(30), b=served(100, start=200))
    assert signals.api.requests == 120
    assert signals.api.request_rate == 20 / 10 + 100 / 20
    assert signals.window == 20


def test_a_server_that_does_not_answer_takes_nothing_from_the_others() -> None:
    tracker = Tracker()
    observe(tracker, 1000, a=served(0), b=served(0, start=200))
    signals = observe(tracker, 1010, a=served(10), b=None)
    assert signals.api.requests == 10
    assert [process.server for process in signals.processes] == ["a"]
    assert [server.server for server in signals.servers] == ["a", "b"]


@pytest.mark.parametrize("later", [1000.0, 900.0], ids=["not gone forward", "gone back"])
def test_a_clock_that_has(later: float) -> None:
    tracker = Tracker()
    observe(tracker, 1000, a=served(50))
    signals = observe(tracker, later, a=served(60))
    assert signals.window == 0
    assert signals.api.requests is None
    assert observe(tracker, later + 10, a=served(65)).api.requests == 5


def test_a_gap_of_minutes_is_averaged() -> None:
    tracker = Tracker()
    observe(tracker, 1000, a=served(0))
    for missed in (1015, 1030, 1045):
        assert observe(tracker, missed, a=None).api.requests is None
    assert observe(tracker, 1600, a=served(600)).api.request_rate == 1


def test_pages_too_far_apart_are_not_compared() -> None:
    tracker = Tracker()
    observe(tracker, 1000, a=served(0))
    assert observe(tracker, 1001 + MAX_WINDOW, a=served(600)).api.requests is None
    assert observe(tracker, 1011 + MAX_WINDOW, a=served(601)).api.requests == 1


def test_behind_a_load_balancer_each_page_is_compared_with_the_last_of_its_own_process() -> None:
    tracker = Tracker()
    observe(tracker, 1000, **{ENDPOINT: served(1000, start=100)})
    first_of_another = observe(tracker, 1010, **{ENDPOINT: served(5, start=200)})
    assert first_of_another.api.requests is None
    assert not first_of_another.processes[0].restarted
    again = observe(tracker, 1020, **{ENDPOINT: served(1040, start=100)})
    assert again.window == 20
    assert again.api.requests == 40
    assert observe(tracker, 1030, **{ENDPOINT: served(9, start=200)}).api.requests == 4


def test_behind_a_load_balancer_a_process_that_began_after_the_last_answer_is_a_restart() -> None:
    tracker = Tracker()
    observe(tracker, 1000, **{ENDPOINT: served(1000, start=100)})
    assert observe(tracker, 1010, **{ENDPOINT: served(5, start=1004)}).processes[0].restarted


def test_behind_a_load_balancer_only_the_last_few_processes_are_remembered() -> None:
    tracker = Tracker()
    for number in range(MAX_INSTANCES + 1):
        observe(tracker, 1000 + number, **{ENDPOINT: served(0, start=100 + number)})
    assert observe(tracker, 1100, **{ENDPOINT: served(1, start=101)}).api.requests == 1
    assert observe(tracker, 1110, **{ENDPOINT: served(1, start=100)}).api.requests is None


def test_a_server_that_is_not_asked_any_more_is_forgotten() -> None:
    tracker = Tracker()
    observe(tracker, 1000, a=served(0), b=served(0))
    observe(tracker, 1010, a=served(0))
    assert observe(tracker, 1020, a=served(0), b=served(9)).api.requests == 0


def test_a_series_that_is_new_gives_nothing_until_it_is_seen_twice() -> None:
    tracker = Tracker()
    failed = 'verb="GET",code="503"'
    observe(tracker, 1000, a=page(counter("apiserver_request_total", {GET: 10})))
    signals = observe(tracker, 1010, a=page(counter("apiserver_request_total", {GET: 20, failed: 5})))
    assert (signals.api.requests, signals.api.errors) == (10, 0)
    signals = observe(tracker, 1020, a=page(counter("apiserver_request_total", {GET: 20, failed: 9})))
    assert (signals.api.requests, signals.api.errors) == (4, 4)


def test_what_absent_families_would_say_is_none_never_zero() -> None:
    tracker = Tracker()
    observe(tracker, 1000, a=page(started(1)))
    signals = observe(tracker, 1015, a=page(started(1)))
    api, datastore, controllers = signals.api, signals.datastore, signals.controllers
    assert signals.window == 15
    assert {api.request_rate, api.requests, api.errors, api.error_ratio, api.reads, api.writes} == {None}
    assert {api.in_queue, api.rejected_rate, api.terminated_ratio, api.long_running} == {None}
    assert {api.slow_or_failed, api.counted, api.burn_1h, api.burn_6h} == {None}
    assert (api.rate_by_verb, api.by_scope, api.slowest, api.in_flight, api.rejected) == ({}, {}, (), {}, {})
    assert {datastore.latency, datastore.requests, datastore.errors, datastore.error_ratio} == {None}
    assert {datastore.size_bytes, datastore.growth, datastore.sql, datastore.sql_errors} == {None}
    assert {datastore.sql_error_ratio, datastore.insert_errors, datastore.connection_wait} == {None}
    assert {datastore.connections_in_use, datastore.connections_max, datastore.etcd} == {None}
    assert (datastore.by_operation, datastore.objects, datastore.compactions) == ({}, {}, {})
    assert (controllers.queues, controllers.depth, controllers.pending_pods) == ((), None, None)
    [process] = signals.processes
    assert {process.memory_bytes, process.cpu, process.open_files, process.max_files} == {None}
