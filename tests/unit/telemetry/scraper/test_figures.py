"""What a scraper counts."""

from __future__ import annotations

import pytest

from k3k_core.telemetry.scraper import HistogramFigures, ScrapeFigures
from k3k_core.telemetry.scraper.figures import Tally, summed


def test_a_round_counts_by_the_kind_of_its_first_failure() -> None:
    tally = Tally()

    tally.count([], duration=0.1, lag=0.0, received=100)
    tally.count(["timeout", "page"], duration=10.0, lag=0.0, received=1)

    figures = tally.figures()
    assert figures.rounds == {"ok": 1, "timeout": 1}
    assert figures.failures == {"timeout": 1, "page": 1}
    assert figures.received_bytes == 101


def test_a_value_on_a_bound_belongs_to_its_bucket() -> None:
    tally = Tally()
    for seconds in (0.01, 0.010001, 99.0):
        tally.count([], duration=seconds, lag=0.0, received=0)

    duration = tally.figures().duration

    assert duration.counts[:2] == (1, 1)
    assert duration.counts[-1] == 1
    assert duration.count == 3
    assert duration.total == pytest.approx(99.020001)


def test_cumulative_counts_end_with_the_number_of_observations() -> None:
    figures = HistogramFigures((1.0, 2.0), (3, 0, 2), 9.0)

    assert figures.cumulative() == (3, 3, 5)


def test_the_figures_of_several_scrapers_add_up() -> None:
    one, other = Tally(), Tally()
    one.count([], duration=0.1, lag=0.1, received=1)
    other.count(["tls"], duration=0.2, lag=0.2, received=2)
    other.missed = 3

    total = summed([one.figures(targets=5, active=1), other.figures(targets=6, waiting=2)])

    assert total.rounds == {"ok": 1, "tls": 1}
    assert (total.missed, total.received_bytes, total.targets, total.active, total.waiting) == (
        3,
        3,
        11,
        1,
        2,
    )
    assert total.duration.total == pytest.approx(0.3)
    assert total.lag.count == 2


def test_no_scraper_at_all_has_done_nothing() -> None:
    assert summed([]) == ScrapeFigures()


def test_distributions_with_different_buckets_are_not_added() -> None:
    with pytest.raises(ValueError, match="different buckets"):
        HistogramFigures.empty((1.0,)) + HistogramFigures.empty((2.0,))
