"""How a filter that is being typed could go on."""

from __future__ import annotations

import pytest

from k3k_tui.view.fields import FIELDS
from k3k_tui.view.query import parse
from k3k_tui.view.suggestions import suggest
from tests.support.fleet_rows import HOSTILE, NOW, degraded, fleet_row, full_signals, hostile_signals

ROWS = (
    fleet_row("storefront", host="eu-1", namespace="shop", labels={"team": "shop", "tier": "gold"}),
    fleet_row("store-blog", host="eu-2", namespace="shop", labels={"team": "blog"}, signals=full_signals()),
    degraded(fleet_row("ci", host="us-1", namespace="build tools"), "QueueStuck"),
)


def texts(text: str, **other: int) -> list[str]:
    """The whole filters that are offered."""
    return [one.text for one in suggest(text, ROWS, **other)]


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("ver", ["verdict:", "version:"]),
        ("!ver", ["!verdict:", "!version:"]),
        ("host:eu nam", ["host:eu name:", "host:eu namespace:"]),
        # Other names of fields are understood, but not offered.
        ("host:eu ns", []),
        ("verdict:d", ["verdict:Degraded", "verdict:Down", "verdict:Expired", "verdict:Paused"]),
        ("verdict:down,h", ["verdict:down,Healthy"]),
        ("host:", ["host:eu-1", "host:eu-2", "host:us-1"]),
        ("ns:", ["ns:shop", 'ns:"build tools"']),
        ("status=p", ["status=Paused", "status=Progressing", "status=Expired"]),
        ("sto", ["store-blog", "storefront"]),
        ("front", ["storefront"]),
        ("!ci", []),
        ("-l ", ["-l team=", "-l tier="]),
        ("-l ti", ["-l tier="]),
        ("-l team=", ["-l team=shop", "-l team=blog"]),
        ("-l team=shop,tier=g", ["-l team=shop,tier=gold"]),
        ("-f st", []),
        ("is:me", ["is:measured"]),
        ("p99>", ["p99>1s", "p99>250ms", "p99>100ms"]),
        ("ttl=", ["ttl=1h", "ttl=1d", "ttl=5m", "ttl=none"]),
        ("servers<w", ["servers<wanted"]),
        ("rule:", ["rule:QueueStuck"]),
        ("datastore:x", []),
        ("zzz:", []),
        ("name:storefront", []),
    ],
)
def test_the_last_word_is_completed(text: str, offered: list[str]) -> None:
    assert texts(text) == offered


def test_an_empty_filter_offers_fields_and_options() -> None:
    offered = texts("", limit=100)
    assert offered[:2] == ["verdict:", "name:"]
    assert offered[-2:] == ["-l ", "-f "]
    assert len(offered) == len(FIELDS) + 2


def test_it_is_told_how_many_control_planes_have_a_value() -> None:
    assert [(one.label, one.summary) for one in suggest("ns:", ROWS)] == [
        ("shop", "2 control planes"),
        ("build tools", "1 control plane"),
    ]


def test_values_that_are_offered_make_filters_that_can_be_used_even_among_hostile_names() -> None:
    row = fleet_row('a "b", c*', namespace=HOSTILE[:50], signals=hostile_signals(size=5))
    for name in FIELDS:
        for sign in (":", "=", "<"):
            for one in suggest(f"{name}{sign}", (*ROWS, row)):
                problem = parse(one.text).problem
                assert problem is None or "cannot be compared" in problem.message
    [one] = suggest("name:a", (row,))
    assert one.text == "name:'a \"b\", c*'"
    assert parse(one.text).matches(row, NOW)


def test_no_more_is_offered_than_asked_for() -> None:
    assert len(texts("", limit=3)) == 3
