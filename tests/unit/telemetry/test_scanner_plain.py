"""The check of many series at once: what passes is well-formed, each series by itself."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from k3k_core.telemetry.labels import PLAIN_SERIES, parse_series
from k3k_core.telemetry.scanner.plain import are_plain

NAMES = frozenset({b"a", b"a_sum"})
# Well-formed series, cut up and put together again.
PARTS = [
    "a",
    "a_sum",
    "{",
    "}",
    ",",
    "=",
    '"',
    'x="1"',
    'y="2"',
    'x="',
    '"}',
    '",',
    "__z",
    'le="+Inf"}',
    " ",
    "\\",
    "é",
]
USUAL = ["a", 'a{x="1"}', 'a{x="1",y="2"}', 'a_sum{x="1,2",le="}"}', 'a{y="=",x="{"}', 'a{x="é"}']
SERIES = st.one_of(
    st.sampled_from(USUAL),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=8).map("".join),
    st.tuples(st.sampled_from(USUAL), st.sampled_from(PARTS), st.integers(0, 12)).map(
        lambda made: made[0][: made[2]] + made[1] + made[0][made[2] :]
    ),
).map(str.encode)


def is_plain(series: bytes) -> bool:
    """Whether a series is well-formed and of one of the names, by the grammar of one series."""
    match = PLAIN_SERIES.fullmatch(series)
    if match is None or match[1] not in NAMES:
        return False
    try:
        parse_series(series)
    except ValueError:
        return False
    return True


@settings(max_examples=1500, deadline=None)
@given(st.lists(SERIES, min_size=1, max_size=4))
@example([b'a{x="1"}"y"'])
@example([b'a{x="1""2"}'])
@example([b'a{x="1}', b'a{y="2"}"}'])
@example([b'a{x="1",x="2"}'])
@example([b'a_sum{x="1",y="2"}', b'a{x="1",y="2",x="3"}'])
@example([b'a{x="1,y"}', b'a{x="1,y="2"}'])
@example([b'a{x="\xc3"}', b'a{x="\xa9"}'])
def test_series_that_pass_together_would_each_pass_alone(series: list[bytes]) -> None:
    assert are_plain(series, NAMES) == all(map(is_plain, series))
