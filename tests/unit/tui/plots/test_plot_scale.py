"""The axes of plots."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.telemetry.quantities import UNITS, Unit
from k3k_tui.widgets.plot_scale import ago, label, scale_for


@pytest.mark.parametrize(
    ("highest", "unit", "labels"),
    [
        (0.24, "seconds", ("0", "100 ms", "200 ms", "300 ms")),
        (1.4, "seconds", ("0", "500 ms", "1 s", "1.5 s")),
        (0.012, "ratio", ("0", "0.5 %", "1 %", "1.5 %")),
        (33.0 * 2**20, "bytes", ("0", "16 MiB", "32 MiB", "48 MiB")),
        (11.0, "items", ("0", "5", "10", "15")),
        (12_000.0, "count/second", ("0", "5k/s", "10k/s", "15k/s")),
    ],
)
def test_ticks_stand_at_round_numbers_with_their_unit(
    highest: float, unit: Unit, labels: tuple[str, ...]
) -> None:
    assert scale_for([0.0, highest], unit, 3).labels == labels


def test_things_that_are_counted_have_no_halves() -> None:
    assert scale_for([1.0], "items", 4).labels == ("0", "1", "2")


def test_where_nothing_happens_the_axis_still_has_a_height() -> None:
    assert scale_for([], "ratio", 2).labels == ("0", "0.5 %", "1 %")


def test_noise_near_zero_does_not_fill_the_plot() -> None:
    assert scale_for([1e-7], "seconds", 2).top == pytest.approx(0.01)


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=20),
    st.sampled_from(UNITS),
    st.integers(1, 6),
)
def test_every_value_has_a_place_and_every_label_is_short(values: list[float], unit: str, steps: int) -> None:
    scale = scale_for(values, unit, steps)  # type: ignore[arg-type]  # drawn from the units there are
    assert scale.ticks[0] == 0
    assert scale.ticks[-1] == pytest.approx(scale.top)
    assert all(0 <= scale.share(value) <= 1 for value in values if not math.isnan(value))
    assert max(value for value in [0.0, *values] if not math.isnan(value)) > 1e30 or all(
        value <= scale.top for value in values if not math.isnan(value)
    )
    assert all(len(text) <= 12 for text in scale.labels)


def test_what_is_beyond_all_measure_stands_at_the_edge() -> None:
    scale = scale_for([math.inf, 1.0], "seconds", 2)
    assert (scale.share(math.inf), scale.share(-math.inf)) == (1.0, 0.0)
    assert label(math.inf, "seconds") == "over 1e30"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (math.nan, "seconds", "-"),
        (0.0, "bytes", "0"),
        (0.00025, "seconds", "250 us"),
        (0.0125, "seconds", "12.5 ms"),
        (0.9999, "seconds", "1 s"),
        (90.0, "seconds", "90 s"),
        (600.0, "seconds", "10 min"),
        (1023.9, "bytes", "1 KiB"),
        (1536.0, "bytes/second", "1.5 KiB/s"),
        (0.25, "cores", "0.25 cores"),
    ],
)
def test_values_are_short_and_have_their_unit(value: float, unit: Unit, text: str) -> None:
    assert label(value, unit) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "now"), (90.0, "90 s ago"), (900.0, "15 min ago"), (7200.0, "2 h ago"), (14_400.0, "4 h ago")],
)
def test_moments_are_told_from_now(seconds: float, text: str) -> None:
    assert ago(seconds) == text
