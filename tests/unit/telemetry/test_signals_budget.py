"""The error budget: what spends it, and how fast it goes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.telemetry.observation import Observation, ServerObservation
from k3k_core.telemetry.signals.budget import ErrorBudget
from k3k_core.telemetry.signals.model import ApiSignals
from k3k_core.telemetry.signals.tracker import Tracker
from tests.support.small_pages import counter, histogram, page

HOUR = 3600.0
DURATION = "apiserver_request_sli_duration_seconds"


def spending(ratio: float, *, minutes: int, start: float = 0.0, total: float = 100.0) -> ErrorBudget:
    budget = ErrorBudget()
    for minute in range(1, minutes + 1):
        budget.add(start + 60 * minute, 60, ratio * total, total)
    return budget


def test_a_share_of_one_in_a_hundred_spends_it_in_exactly_its_time() -> None:
    budget = spending(0.01, minutes=60)
    assert budget.burn(HOUR, HOUR) == pytest.approx(1.0)


def test_no_failures_spend_nothing() -> None:
    assert spending(0.0, minutes=60).burn(HOUR, HOUR) == 0.0


def test_the_hour_forgets_what_the_six_hours_still_know() -> None:
    budget = spending(1.0, minutes=60)
    for minute in range(61, 181):
        budget.add(60 * minute, 60, 0, 100)
    assert budget.burn(3 * HOUR, HOUR) == 0.0
    assert budget.burn(3 * HOUR, 6 * HOUR) == pytest.approx(100 / 3)


def test_nothing_is_said_before_a_twelfth_of_the_window_was_seen() -> None:
    assert spending(1.0, minutes=4).burn(240, HOUR) is None
    assert spending(1.0, minutes=5).burn(300, HOUR) == pytest.approx(100)
    assert spending(1.0, minutes=29).burn(29 * 60, 6 * HOUR) is None
    assert spending(1.0, minutes=30).burn(30 * 60, 6 * HOUR) == pytest.approx(100)


def test_nothing_is_said_of_a_handful_of_requests() -> None:
    assert spending(1.0, minutes=60, total=0.3).burn(HOUR, HOUR) is None


def test_a_gap_counts_for_nothing() -> None:
    budget = spending(0.02, minutes=10)
    budget.add(50 * 60, 60, 2, 100)
    assert budget.burn(50 * 60, HOUR) == pytest.approx(2.0)


def test_a_long_window_is_spread_over_its_minutes() -> None:
    budget = ErrorBudget()
    budget.add(5400, 5400, 90, 900)
    assert budget.burn(5400, 6 * HOUR) == pytest.approx(10)
    budget.add(5400 + 60, 60, 0, 300)
    # The hour is the minute that begins and the 59 before it, 58 of them of the first window's 90.
    assert budget.burn(5460, HOUR) == pytest.approx(100 * 58 / (580 + 300))


def test_after_six_hours_without_a_page_it_begins_anew() -> None:
    budget = spending(1.0, minutes=60)
    assert budget.burn(8 * HOUR, 6 * HOUR) is None


def test_a_clock_that_goes_back_for_hours_begins_anew() -> None:
    budget = spending(1.0, minutes=60, start=100 * HOUR)
    budget.add(10 * HOUR, 60, 0, 100)
    assert budget.burn(10 * HOUR, HOUR) is None


def test_a_clock_that_goes_back_for_a_minute_does_not() -> None:
    budget = spending(0.01, minutes=60)
    budget.add(HOUR - 60, 15, 0.25, 25)
    assert budget.burn(HOUR - 60, HOUR) == pytest.approx(1.0)


@given(st.lists(st.tuples(*(st.floats(allow_nan=True, allow_infinity=True),) * 4), max_size=20))
def test_no_number_poisons_it(calls: list[tuple[float, float, float, float]]) -> None:
    budget = ErrorBudget()
    for at, window, bad, total in calls:
        budget.add(at, window, bad, total)
        burn = budget.burn(at, HOUR)
        assert burn is None or math.isfinite(burn)


def requests(counts: dict[str, list[float]], failed: float) -> str:
    """Write durations by labels, below 1, 5, 30 seconds and above; and as many requests, some of them failed."""
    total = sum(map(sum, counts.values()))
    return histogram(DURATION, counts) + counter(
        "apiserver_request_total",
        {
            'verb="GET",code="200"': total - failed,
            'verb="GET",code="500"': failed,
            'verb="WATCH",code="500"': failed,
        },
    )


def observed(texts: list[str]) -> ApiSignals:
    """Return what is said of requests after pages that came 15 seconds apart."""
    tracker = Tracker()
    rounds = [(6000.0 + 15 * number, page(text)) for number, text in enumerate(texts)]
    servers = [(at, (ServerObservation("a", page=one, page_at=at),)) for at, one in rounds]
    return [tracker.observe(Observation(at, server)) for at, server in servers][-1].api


@pytest.mark.parametrize(
    ("labels", "slow"),
    [
        pytest.param('verb="GET",scope="resource"', 60, id="a read of an object may take 1 s"),
        pytest.param('verb="GET",scope=""', 60, id="so may what is no resource"),
        pytest.param('verb="LIST",scope="namespace"', 40, id="of a namespace 5 s"),
        pytest.param('verb="LIST",scope="cluster"', 20, id="of the cluster 30 s"),
        pytest.param('verb="POST",scope="namespace"', 60, id="a write 1 s"),
        pytest.param('verb="APPLY",scope="cluster"', 60, id="an apply 1 s"),
        pytest.param('verb="WATCH",scope="cluster"', None, id="a watch as long as it likes"),
        pytest.param('verb="GET",scope="resource",subresource="log"', None, id="so does a log"),
    ],
)
def test_a_request_is_slow_by_its_scope(labels: str, slow: float | None) -> None:
    texts = [requests({labels: [20.0 * times] * 4}, failed=7.0 * times) for times in (0, 1)]
    api = observed(texts)
    assert api.counted == 80
    assert api.slow_or_failed == (None if slow is None else slow + 7)


def test_the_burn_of_a_control_plane_comes_from_its_pages() -> None:
    texts = [
        requests({'verb="GET",scope="resource"': [95.0 * number, 5.0 * number, 0, 0]}, failed=5.0 * number)
        for number in range(25)
    ]
    api = observed(texts)
    assert api.burn_1h == pytest.approx(10)
    assert api.burn_6h is None
