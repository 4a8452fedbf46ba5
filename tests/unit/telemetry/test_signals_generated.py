"""Signals of pages that no server writes are what PromQL's definitions give, and always finite."""

from __future__ import annotations

import math
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k3k_core.telemetry.families import WANTED
from k3k_core.telemetry.observation import Observation, Probe, ServerObservation
from k3k_core.telemetry.scanner import LayoutTable, scan
from k3k_core.telemetry.signals.model import Signals
from k3k_core.telemetry.signals.tracker import Tracker
from tests.support import promql_oracle as oracle
from tests.support.figures import figures
from tests.support.generated_pages import HUGE, page_pairs
from tests.support.signal_expectations import unexpected

Pair = tuple[str, str]

thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def observed(pairs: list[Pair], seconds: float, *, share_layouts: bool = True) -> Signals:
    """Observe the first and then the second page of each server."""
    tracker, shared = Tracker(), LayoutTable()

    def server(number: int, text: str, at: float) -> ServerObservation:
        layouts = shared if share_layouts else LayoutTable()
        return ServerObservation(
            f"server-{number}", page=scan(text.encode(), WANTED, layouts=layouts), page_at=at
        )

    for which, at in ((0, 1000.0), (1, 1000.0 + seconds)):
        servers = tuple(server(number, pair[which], at) for number, pair in enumerate(pairs))
        signals = tracker.observe(Observation(at, servers))
        if which:
            return signals
    raise AssertionError


@thorough
@given(
    pairs=st.lists(page_pairs(), min_size=1, max_size=2),
    seconds=st.sampled_from((1.0, 15.0, 900.0)),
    share_layouts=st.booleans(),
)
def test_any_pages_give_what_promql_gives(pairs: list[Pair], seconds: float, share_layouts: bool) -> None:
    scrapes = [(oracle.Scrape.parse(first), oracle.Scrape.parse(last)) for first, last in pairs]
    ranges = [oracle.Range(first, last, seconds) for first, last in scrapes]
    signals = observed(pairs, seconds, share_layouts=share_layouts)
    assert unexpected(signals, ranges, [last for _, last in scrapes]) == []


@thorough
@given(rounds=st.lists(page_pairs(values=HUGE), min_size=1, max_size=4))
def test_no_value_of_a_page_makes_a_signal_infinite_or_breaks_the_next_round(rounds: list[Pair]) -> None:
    tracker, clock = Tracker(), count(1000, 60)
    for text in [text for pair in rounds for text in pair]:
        at = float(next(clock))
        server = ServerObservation("a", Probe(True, 0.1), page=scan(text.encode(), WANTED), page_at=at)
        signals = tracker.observe(Observation(at, (server,)))
        for path, value in figures(signals):
            assert not isinstance(value, float) or math.isfinite(value), path


@pytest.mark.parametrize("odd", ["NaN", "+Inf", "-1", "1e308"])
def test_a_budget_that_met_an_odd_value_goes_on(odd: str) -> None:
    tracker = Tracker()
    burns = []
    for minute in range(30):
        number = odd if minute == 10 else str(minute * 100)
        text = (
            "# TYPE apiserver_request_total counter\n"
            f'apiserver_request_total{{verb="GET",code="200"}} {number}\n'
            f'apiserver_request_total{{verb="GET",code="500"}} {minute}\n'
            "# TYPE apiserver_request_sli_duration_seconds histogram\n"
            f'apiserver_request_sli_duration_seconds_bucket{{verb="GET",scope="resource",le="1"}} {minute}\n'
            f'apiserver_request_sli_duration_seconds_bucket{{verb="GET",scope="resource",le="+Inf"}} {minute}\n'
            f'apiserver_request_sli_duration_seconds_sum{{verb="GET",scope="resource"}} {minute}\n'
            f'apiserver_request_sli_duration_seconds_count{{verb="GET",scope="resource"}} {minute}\n'
        )
        at = 6000.0 + 60 * minute
        server = ServerObservation("a", page=scan(text.encode(), WANTED), page_at=at)
        burns.append(tracker.observe(Observation(at, (server,))).api.burn_1h)
    assert burns[-1] is not None
    assert 0.5 < burns[-1] < 2
