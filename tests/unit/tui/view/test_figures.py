"""Figures in cells."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_tui.view import figures
from k3k_tui.view.amounts import EXAMPLES, Kind, parse_amount


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0%"),
        (0.00002, "<0.01%"),
        (0.0125, "1.25%"),
        (1.0, "100%"),
        (None, ""),
        (math.nan, ""),
    ],
)
def test_shares_are_in_per_cent(value: float | None, text: str) -> None:
    assert figures.share(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (2.5, "2.5"),
        (9999.0, "9999"),
        (12_345.0, "12k"),
        (3_200_000.0, "3M"),
        (4e9, "4G"),
        (math.inf, "inf"),
        (None, ""),
        (math.nan, ""),
    ],
)
def test_large_numbers_are_in_thousands(value: float | None, text: str) -> None:
    assert figures.count(value) == text


@given(st.one_of(st.none(), st.floats()))
def test_every_figure_has_a_text_without_blanks(value: float | None) -> None:
    for write in (figures.seconds, figures.share, figures.count, figures.days, figures.age):
        assert " " not in write(value)


def test_a_course_is_drawn_from_zero_with_gaps_where_nothing_is_known() -> None:
    assert figures.sparkline([0, 1, math.nan, 4, 8], "▁▂▃▄▅▆▇█") == "▁▂ ▅█"
    assert figures.sparkline([0, 0], "▁█") == "▁▁"
    assert figures.sparkline([math.nan, math.inf], "▁█") == "  "
    assert figures.sparkline([], "▁█") == ""
    assert figures.sparkline([1, 2], "_#", top=8) == "__"


@given(st.lists(st.floats()), st.sampled_from(("▁▂▃▄▅▆▇█", "_#")))
def test_a_course_has_a_sign_for_each_value(values: list[float], signs: str) -> None:
    assert len(figures.sparkline(values, signs)) == len(values)


@pytest.mark.parametrize(
    ("text", "kind", "amount"),
    [
        ("1s", "seconds", 1.0),
        ("250ms", "seconds", 0.25),
        ("1h30m", "seconds", 5400.0),
        ("5min", "seconds", 300.0),
        ("2w", "seconds", 1_209_600.0),
        ("1.5", "seconds", 1.5),
        (".5s", "seconds", 0.5),
        ("30d", "days", 30.0),
        ("12h", "days", 0.5),
        ("7", "days", 7.0),
        ("1%", "share", 0.01),
        ("0.05", "share", 0.05),
        ("1", "share", 1.0),
        ("2", "share", None),
        ("1GiB", "bytes", 2.0**30),
        ("1Gi", "bytes", 2.0**30),
        ("500MB", "bytes", 5e8),
        ("1k", "bytes", 1e3),
        ("42", "bytes", 42.0),
        ("10", "number", 10.0),
        ("2k", "number", 2000.0),
        ("1s", "number", None),
        ("-1", "number", None),
        ("1e9", "number", None),
        ("\u0661", "number", None),
        ("", "seconds", None),
        ("1s2", "seconds", None),
        ("nan", "share", None),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, kind: Kind, amount: float | None) -> None:
    found = parse_amount(text, kind)
    assert found is None if amount is None else found == pytest.approx(amount)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_examples_of_amounts_are_amounts(kind: Kind) -> None:
    assert all(parse_amount(example, kind) is not None for example in EXAMPLES[kind])
