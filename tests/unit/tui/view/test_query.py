"""The filter of the fleet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.fleet import FleetRow
from k3k_core.fleet.rows import Reach
from k3k_tui.view.fields import ALIASES, FIELDS, find_field
from k3k_tui.view.query import parse
from tests.support.fleet_rows import DAY, HOSTILE, NOW, degraded, fleet_row, full_signals, hostile_signals


def storefront(**other: Any) -> FleetRow:
    """A control plane of which everything is known, a day old, its reads at 300 ms, its first certificate ended."""
    usual: dict[str, Any] = {
        "host": "eu-1",
        "namespace": "shop",
        "labels": {"team": "shop", "tier": "gold"},
        "servers_ready": 2,
        "servers_wanted": 3,
    }
    return replace(
        fleet_row("storefront", signals=full_signals(), **{**usual, **other}), reach=Reach("load-balancer")
    )


ROW = storefront()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "store",
        "STORE shop",
        "shop/store",
        "eu-1",
        "healthy",
        "1.36",
        "^store",
        "front$",
        "!blog",
        "-f sfnt",
        '"store"',
        "verdict:healthy",
        "verdict:h",
        "verdict=Healthy",
        "verdict:down,healthy",
        "verdict!=down",
        "!verdict:down",
        "status:healthy",
        "name=storefront",
        "name:store*",
        "name:*front",
        'name:"front"',
        "name~^s.*t$",
        "name!=blog,shop",
        "host:eu ns:shop",
        "endpoint:203.0.113",
        "way:load",
        "made-by:k3k",
        "reason=none",
        "version:1.36",
        "version:v1.36.2",
        "version=1.36.2+k3s1",
        "version:1.35,1.36",
        "version>=1.36",
        "version>1.35",
        "version<1.37",
        "version<=1.36.2",
        "version!=1.35",
        "version~k3s1$",
        "p99>250ms",
        "p99<=300ms",
        "p99=0.3",
        "p50<1s",
        "latency>250ms",
        "read-p99=write-p99",
        "db>100ms",
        "errors>=1%",
        "errors=0.01",
        "errors>.5%",
        "rate>9.5",
        "queue>=30",
        "cert<30d",
        "cert<0.5",
        "age>23h",
        "age<2d",
        "age>1h30m",
        "seen<5s",
        "ttl=none",
        "memory>400MiB",
        "memory<1gb",
        "memory>=500M",
        "size<5.1mb",
        "cpu=0.2",
        "burn<1",
        "servers<wanted",
        "servers=2",
        "servers!=3",
        "servers=1,2",
        "rate<1k",
        "is:measured",
        "is!=fault,stale",
        "-l team=shop",
        "-l team=shop,tier!=silver",
        "-l 'tier in (gold, silver)'",
        "-l team,!owner",
        "store verdict:healthy -l team=shop !blog p99>250ms",
    ],
)
def test_what_fits_is_let_through(text: str) -> None:
    query = parse(text)
    assert query.problem is None
    assert query.matches(ROW, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "blog",
        "store blog",
        "!store",
        "^front",
        "-f tnorf",
        "verdict:down",
        "verdict!=healthy",
        "!verdict:healthy",
        "name=store",
        "name:*store",
        "name~^front",
        "host:us",
        "version:1.3",
        "version:1.36.2+k3s2",
        "version<1.36",
        "version>1.36",
        "version>1.36.2",
        "p99>300ms",
        "p99!=300ms",
        "errors>1%",
        "queue<30",
        "cert>30d",
        "age>1d",
        "ttl!=none",
        "ttl<1h",
        "servers>=wanted",
        "is:fault",
        "is:stale",
        "is:stuck,read-only",
        "rule:queue",
        "-l team=blog",
        "-l owner",
        '"verdict:healthy"',
        "store verdict:down",
        "is!=measured",
        # A field begins with a letter.
        "12:30",
    ],
)
def test_what_does_not_fit_is_left_out(text: str) -> None:
    query = parse(text)
    assert query.problem is None
    assert not query.matches(ROW, NOW)


def test_nothing_is_known_to_be_more_or_less_than_what_is_not_known() -> None:
    row = fleet_row()
    for text in ("p99>1s", "p99<=1s", "p99=0", "p99!=0", "p99<read-p99", "cert<30d"):
        assert not parse(text).matches(row, NOW)
    assert parse("p99=none cert=none !is:measured").matches(row, NOW)


def test_the_state_of_a_row_can_be_asked_for() -> None:
    lost = replace(ROW, stale_since=NOW - 60, reach=Reach(reason="No way in."))
    assert parse("is:stale is:unreachable").matches(lost, NOW)
    assert parse("is:read-only").matches(storefront(read_only=True), NOW)
    assert parse("is:fault rule:queuestuck reason:slow").matches(degraded(ROW, "QueueStuck"), NOW)


def test_a_release_candidate_is_older_than_its_release() -> None:
    candidate = storefront(version="v1.36.2-rc1+k3s1")
    assert parse("version<1.36.2+k3s1").matches(candidate, NOW)
    assert not parse("version<1.36.2+k3s1").matches(ROW, NOW)
    assert parse("version=1.36.2-rc1+k3s1").matches(candidate, NOW)


def test_a_version_that_is_none_is_neither_old_nor_new() -> None:
    odd = storefront(version="main-3f2a")
    for text in ("version>=1.0", "version<9", "version:1.36"):
        assert not parse(text).matches(odd, NOW)
    assert parse("version!=1.36 version~^main").matches(odd, NOW)


def test_time_alone_moves_control_planes_through_some_filters() -> None:
    ending = storefront(expires_at=datetime.fromtimestamp(NOW + DAY, UTC))
    query = parse("ttl<2h")
    assert query.timed
    assert not query.matches(ending, NOW)
    assert query.matches(ending, NOW + DAY - 3600)
    assert not parse("p99>1s name:x").timed


@pytest.mark.parametrize(
    ("text", "message", "hint", "position"),
    [
        ("verdit:down", "There is no field verdit.", 'Write verdict, or "verdit:down" in quotes', 0),
        ("zzzz:1", "There is no field zzzz.", "Such as verdict, host", 0),
        ("ok verdict:dwn", "There is no verdict dwn.", "There are Down, Degraded", 11),
        ("p99>", "p99> wants a value.", "Write on", 4),
        ("p99>fast", "fast is no amount that p99 can have.", "Write p99>1s.", 4),
        ("errors>5", "5 is no amount that errors can have.", "Write errors>1%.", 7),
        ("queue=1,x", "x is no amount that queue can have.", "Write queue=10.", 8),
        ("cert~3", "certificates cannot be compared with ~.", "Write certificates>30d.", 4),
        ("host>eu", "host cannot be compared with >.", "Write host:TEXT", 4),
        ("ttl>none", "ttl cannot be compared with >.", "Write ttl=none", 3),
        ("is:odd", "There is no state odd.", "There are fault, stale", 3),
        ("is>odd", "is cannot be compared with >.", "Write is:fault.", 2),
        ("version:latest", "latest is no version.", "Write it like 1.36", 8),
        ("version>1.35,1.36", "> takes one version.", "Write version>1.36.", 8),
        ("name~(", "That is no regular expression", "Put it in quotes", 5),
        ("name~(a+)+", "That pattern could search for ever.", "Repeat characters", 5),
        ("-l", "`-l` wants a label selector, such as -l team=shop.", "Write on", 0),
        ("-l a=b,,c", "A condition on labels is missing.", "Write -l key=value", 3),
        ("-l 'a in b'", "'a in b' is no condition on labels.", "Write -l key=value", 3),
        ("ok !", "`!` wants what to leave out.", "Write ! and a word", 3),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_the_remedy(
    text: str, message: str, hint: str, position: int
) -> None:
    problem = parse(text).problem
    assert problem is not None
    assert problem.message.startswith(message)
    assert problem.hint.startswith(hint)
    assert problem.position == position


def test_every_field_answers_for_every_row_however_odd() -> None:
    rows = (
        fleet_row(),
        ROW,
        fleet_row(HOSTILE[:300], signals=hostile_signals(size=20), created_at=None),
        degraded(replace(ROW, stale_since=NOW), "QueueStuck"),
    )
    for name in FIELDS:
        for text in (f"{name}:1", f"{name}=none", f"{name}~a", f"{name}>1", f"{name}:1%", f"{name}:fault"):
            query = parse(text)
            for row in rows:
                assert query.problem is not None or query.matches(row, NOW) in {True, False}


def test_other_names_of_fields_stand_for_fields() -> None:
    assert all(find_field(alias) is FIELDS[name] for alias, name in ALIASES.items())
    assert not set(ALIASES) & set(FIELDS)


@given(
    st.lists(
        st.one_of(
            st.text(max_size=8),
            st.sampled_from(
                [*FIELDS, ":", "=", ">", "<=", "~", "!", "-l", "-f", '"', "none", "1s", "1%", ",", " "]
            ),
        ),
        max_size=12,
    )
)
def test_whatever_is_typed_is_a_filter_or_a_problem(parts: list[str]) -> None:
    text = "".join(parts)
    query = parse(text)
    if query.problem is None:
        assert query.matches(ROW, NOW) in {True, False}
    else:
        assert query.problem.message
        assert query.problem.hint
        assert 0 <= query.problem.position <= len(text)
