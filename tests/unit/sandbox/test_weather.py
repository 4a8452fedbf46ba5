"""The load of a simulated server comes and goes, and its counters never go down."""

from __future__ import annotations

from itertools import pairwise

import pytest

from k3k_core.sandbox.k3s.exposition.weather import Weather

HOUR = [15.0 * round_ for round_ in range(241)]


@pytest.mark.parametrize("phase", [0.0, 1.0, 3.0, 6.0])
def test_load_and_gusts_only_ever_grow(phase: float) -> None:
    weather = Weather(phase)
    for sums in ([weather.load(at) for at in HOUR], [weather.gusts(at) for at in HOUR]):
        assert sums[0] == 0
        assert all(after > before for before, after in pairwise(sums))


def test_a_server_is_busier_at_one_time_than_at_another() -> None:
    rates = [after - before for before, after in pairwise(Weather(1.0).load(at) for at in HOUR)]
    assert max(rates) > 1.5 * min(rates)


def test_over_a_long_time_it_has_the_recorded_load() -> None:
    assert Weather(2.0).load(100_000) == pytest.approx(100_000, rel=0.01)


def test_servers_of_other_phases_have_their_waves_at_other_times() -> None:
    assert Weather(0.0).load(300) != pytest.approx(Weather(3.0).load(300), rel=0.01)
