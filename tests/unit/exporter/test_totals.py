"""Counters made of windows."""

from __future__ import annotations

from dataclasses import replace

from k3k_core.exporter import catalogue
from k3k_core.exporter.totals import MAX_LABEL_SETS, Totals
from k3k_core.telemetry.signals.model import ApiSignals, ControllerSignals, Latency, Signals
from tests.support.fleet_rows import full_signals, hostile_signals, queue


def test_windows_add_up() -> None:
    totals = Totals()
    totals.add(full_signals(100.0))
    totals.add(full_signals(115.0, scale=3))
    assert totals.of(catalogue.API_REQUESTS) == {(): (600.0, 0.0)}
    total, count = totals.of(catalogue.API_DURATION)["read", "resource"]
    assert (round(total, 9), count) == (10.0, 40.0)


def test_the_same_window_counts_once() -> None:
    totals = Totals()
    for at in (100.0, 100.0):
        totals.add(full_signals(at))
    assert totals.of(catalogue.API_REQUESTS) == {(): (150.0, 0.0)}


def test_a_window_that_comes_late_counts_once() -> None:
    totals = Totals()
    for at in (100.0, 130.0, 115.0, 130.0, 115.0):
        totals.add(full_signals(at))
    assert totals.of(catalogue.API_REQUESTS) == {(): (450.0, 0.0)}


def test_a_clock_that_is_set_back_does_not_stop_the_counters() -> None:
    totals = Totals()
    for at in (7_200.0, *range(100, 1_000, 15)):
        totals.add(full_signals(at))
    assert totals.of(catalogue.API_REQUESTS) == {(): (61 * 150.0, 0.0)}


def test_a_restart_counts_in_the_window_in_which_it_was_seen() -> None:
    totals = Totals()
    for at, restarted in ((100.0, False), (115.0, True), (130.0, False)):
        signals = full_signals(at)
        processes = tuple(replace(process, restarted=restarted) for process in signals.processes)
        totals.add(replace(signals, processes=processes))
    assert totals.of(catalogue.PROCESS_RESTARTS) == {(): (1.0, 0.0)}


def test_what_is_not_available_has_no_total() -> None:
    totals = Totals()
    totals.add(Signals(100.0, 0.0))
    assert not totals.of(catalogue.API_REQUESTS)
    assert not totals.of(catalogue.API_DURATION)


def test_a_gap_leaves_a_total_where_it_was() -> None:
    totals = Totals()
    totals.add(full_signals(100.0))
    totals.add(Signals(115.0, 0.0))
    totals.add(full_signals(130.0))
    assert totals.of(catalogue.API_REQUESTS) == {(): (300.0, 0.0)}


def test_nothing_makes_a_total_fall_or_leave_the_numbers() -> None:
    totals = Totals()
    totals.add(full_signals(100.0))
    wrong = Latency(float("nan"), float("inf"))
    lying = ApiSignals(requests=-5.0, errors=float("nan"), counted=float("inf"), reads=wrong)
    totals.add(replace(full_signals(115.0), api=lying))
    assert totals.of(catalogue.API_REQUESTS) == {(): (150.0, 0.0)}
    assert totals.of(catalogue.API_ERRORS) == {(): (2.0, 0.0)}
    assert totals.of(catalogue.API_COUNTED) == {(): (140.0, 0.0)}
    assert totals.of(catalogue.API_OVERALL_DURATION)["read",] == (1.0, 10.0)


def test_a_page_that_claims_ever_new_queues_keeps_a_bounded_number_of_totals() -> None:
    totals = Totals()
    for at in range(5):
        names = [f"queue-{at}-{index}" for index in range(200)]
        totals.add(Signals(float(at), 15.0, controllers=ControllerSignals(tuple(map(queue, names)))))
    kept = totals.of(catalogue.QUEUE_RETRIES)
    assert 200 <= len(kept) <= MAX_LABEL_SETS
    assert kept["queue-4-0",] == (1.0, 0.0)


def test_a_single_enormous_window_is_bounded_too() -> None:
    totals = Totals()
    totals.add(hostile_signals())
    for metric in catalogue.CATALOGUE:
        assert len(totals.of(metric)) <= MAX_LABEL_SETS
        assert all(len(value) <= 128 for labels in totals.of(metric) for value in labels)
