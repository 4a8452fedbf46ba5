"""Series texts: names and labels, as `prometheus_client` reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from k3k_core.telemetry.labels import parse_series, spell_series

NAMES = st.text(min_size=1).filter(lambda name: not name.startswith("__"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"up", ("up", {})),
        (b"up{}", ("up", {})),
        (b'up{job="x"}', ("up", {"job": "x"})),
        (b'up{job="x",instance="a:1"}', ("up", {"job": "x", "instance": "a:1"})),
        (b'up{job="x",}', ("up", {"job": "x"})),
        (b'up { job = "x" , a="b" }', ("up", {"job": "x", "a": "b"})),
        (b'up{job="a,b={}#\\"\\\\\\n"}', ("up", {"job": 'a,b={}#"\\\n'})),
        (b'up{job="\\x"}', ("up", {"job": "\\x"})),
        (b'up{path="a b"}', ("up", {"path": "a b"})),
        ('up{path="ä"}'.encode(), ("up", {"path": "ä"})),
        (b'{"my.name"}', ("my.name", {})),
        (b'{"my.name","my label"="x"}', ("my.name", {"my label": "x"})),
        (b'{a="b","my.name"}', ("my.name", {"a": "b"})),
    ],
)
def test_a_series_has_a_name_and_labels(text: bytes, expected: tuple[str, dict[str, str]]) -> None:
    assert parse_series(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"1up",
        b"up down",
        b'up{job="x"',
        b'up{job="x"} 1',
        b"up{job=x}",
        b'up{job="x" a="b"}',
        b'up{job="x",,a="b"}',
        b'up{job="x",job="y"}',
        b'up{__name__="x"}',
        b'up{__reserved="x"}',
        b'up{my.label="x"}',
        b'{job="x"}',
        b'{"a","b"}',
        b'{""}',
        b'up{job="\xff"}',
        b'up{job="x\\"}',
    ],
)
def test_a_malformed_series_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any wording will do
        parse_series(text)


@given(NAMES, st.dictionaries(NAMES, st.text(), max_size=4))
def test_what_is_spelled_is_read_back(name: str, labels: dict[str, str]) -> None:
    assert parse_series(spell_series(name, labels)) == (name, labels)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,3}", fullmatch=True), st.text(), max_size=4))
def test_the_reference_parser_reads_what_is_spelled(labels: dict[str, str]) -> None:
    line = spell_series("up", labels).decode() + " 1"

    (family,) = text_string_to_metric_families(line)

    assert family.samples[0].labels == labels


def test_labels_keep_their_order() -> None:
    assert list(parse_series(b'up{b="1",a="2",c="3"}')[1]) == ["b", "a", "c"]
