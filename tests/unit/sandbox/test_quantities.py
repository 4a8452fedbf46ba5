"""Quantities are written in one canonical form."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.sandbox.api.quantities import canonical, is_quantity, parse


@pytest.mark.parametrize(
    ("given_text", "written"),
    [
        ("1Gi", "1Gi"),
        ("1024Mi", "1Gi"),
        ("0.5Gi", "512Mi"),
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1500m", "1500m"),
        ("1000", "1k"),
        ("1024", "1024"),
        ("0", "0"),
        ("2e3", "2e3"),
        ("-1Gi", "-1Gi"),
    ],
)
def test_a_quantity_is_written_canonically(given_text: str, written: str) -> None:
    assert canonical(given_text) == written


@given(
    st.builds(
        lambda number, suffix: f"{number}{suffix}",
        st.integers(-10_000, 10_000),
        st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3"]),
    )
)
def test_the_canonical_form_means_the_same_and_stays(text: str) -> None:
    written = canonical(text)
    assert parse(written) == parse(text)
    assert canonical(written) == written


def test_binary_and_decimal_suffixes_differ() -> None:
    assert parse("1Ki") - parse("1k") == Decimal(24)


@pytest.mark.parametrize("text", ["", "x", "1 Gi", "1GiB", "--1", "Gi"])
def test_other_texts_are_no_quantities(text: str) -> None:
    assert not is_quantity(text)
