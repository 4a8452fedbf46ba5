"""Quantiles are those of PromQL's `histogram_quantile`."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.telemetry.signals.quantiles import histogram_quantile, histogram_quantiles
from tests.support import promql_oracle as oracle

INF = math.inf


@pytest.mark.parametrize(
    ("q", "bounds", "counts", "expected"),
    [
        pytest.param(0.5, (1, 2, INF), (0, 10, 10), 1.5, id="evenly within a bucket"),
        pytest.param(0.5, (1, 2, INF), (10, 10, 10), 0.5, id="the first bucket begins at zero"),
        pytest.param(0.5, (-1, 2, INF), (10, 10, 10), -1.0, id="unless its bound is not positive"),
        pytest.param(0.99, (1, 2, INF), (0, 1, 100), 2.0, id="beyond the last bound: that bound"),
        pytest.param(0.5, (1, 2, 4, INF), (4, 2, 8, 8), 1.0, id="counts that fall are raised"),
        pytest.param(0.5, (1, INF), (0, 5), 1.0, id="all beyond the only bound"),
        pytest.param(1.0, (1, 2, INF), (5, 10, 10), 2.0, id="the highest"),
        pytest.param(0.0, (1, 2, INF), (5, 10, 10), 0.0, id="the lowest"),
    ],
)
def test_a_quantile_lies(
    q: float, bounds: tuple[float, ...], counts: tuple[float, ...], expected: float
) -> None:
    assert histogram_quantile(q, bounds, counts) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("bounds", "counts"),
    [
        pytest.param((), (), id="no buckets"),
        pytest.param((INF,), (7,), id="only the unbounded bucket, as a native histogram shows"),
        pytest.param((1, 2), (3, 4), id="no unbounded bucket"),
        pytest.param((1, 2, INF), (0, 0, 0), id="no observations"),
        pytest.param((1, 2, INF), (0, 0, INF), id="infinitely many"),
    ],
)
def test_there_is_no_quantile_of(bounds: tuple[float, ...], counts: tuple[float, ...]) -> None:
    assert histogram_quantile(0.5, bounds, counts) is None


@st.composite
def histograms(draw: st.DrawFn) -> tuple[tuple[float, ...], list[float]]:
    bounds = draw(st.sets(st.floats(-10, 1000, allow_subnormal=False), min_size=1, max_size=12))
    counts = st.integers(0, 10_000).map(float) | st.floats(0, 1e6)
    size = len(bounds) + 1
    return (*sorted(bounds), INF), draw(st.lists(counts, min_size=size, max_size=size))


@given(histograms(), st.floats(0, 1))
def test_any_histogram_gives_what_promql_gives(
    histogram: tuple[tuple[float, ...], list[float]], q: float
) -> None:
    bounds, counts = histogram
    expected = oracle.histogram_quantile(q, dict(zip(bounds, counts, strict=True)))
    found = histogram_quantile(q, bounds, counts)
    assert found == (None if math.isnan(expected) else pytest.approx(expected, rel=1e-9, abs=1e-9))


@given(histograms())
def test_a_higher_quantile_is_never_lower(histogram: tuple[tuple[float, ...], list[float]]) -> None:
    p50, p90, p99 = histogram_quantiles((0.5, 0.9, 0.99), *histogram)
    if p50 is not None and p90 is not None and p99 is not None:
        assert p50 <= p90 <= p99


@given(histograms(), st.integers(1, 1000))
def test_as_many_more_of_everything_change_no_quantile(
    histogram: tuple[tuple[float, ...], list[float]], times: int
) -> None:
    bounds, counts = histogram
    whole = [float(int(count)) for count in counts]
    once = histogram_quantiles((0.5, 0.99), bounds, whole)
    assert histogram_quantiles((0.5, 0.99), bounds, [count * times for count in whole]) == pytest.approx(once)
