"""Label values from pages nobody vouches for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.exporter.label_values import MAX_LENGTH, clean
from tests.support.fleet_rows import HOSTILE


@pytest.mark.parametrize("text", ["", "daemon_set", "CN=kube-apiserver,O=k3s", 'quoted "name"', "Zürich"])
def test_usual_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "a\nb",
        "\x1b[2J",
        "\ud800",
        "\u202e",
        pytest.param("x" * 10_000, id="long"),
        pytest.param(HOSTILE, id="everything"),
    ],
    ids=ascii,
)
def test_anything_else_becomes_short_and_printable(text: str) -> None:
    made = clean(text)
    assert len(made) <= MAX_LENGTH
    assert made.isprintable()
    assert made.encode().decode() == made


def test_texts_that_differ_only_where_they_are_cut_stay_different() -> None:
    assert clean("x" * 5_000 + "a") != clean("x" * 5_000 + "b")
    assert clean("a\x00") != clean("a\x01")


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=300))
def test_whatever_comes_is_valid_and_stays_the_same_when_cleaned_again(text: str) -> None:
    made = clean(text)
    assert len(made) <= MAX_LENGTH
    assert "\n" not in made
    made.encode()
    assert clean(made) == made
