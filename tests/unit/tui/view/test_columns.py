"""Which columns a width has room for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_tui.view.columns import COLUMNS, columns_for, total_width
from k3k_tui.view.sort_keys import row_rank
from tests.support.fleet_rows import fleet_row


def names(width: int, *, wide: bool = False, hosts: int = 2, group: str = "") -> list[str]:
    """The columns of a width."""
    return [column.name for column in columns_for(width, wide=wide, hosts=hosts, group=group)]


def test_eighty_columns_show_what_tells_trouble_and_where() -> None:
    assert names(78) == [
        "verdict",
        "name",
        "host",
        "namespace",
        "servers",
        "p99",
        "errors",
        "queue",
        "certificates",
    ]


def test_a_single_host_gives_its_room_to_others() -> None:
    assert "host" not in names(78, hosts=1)
    assert "age" in names(78, hosts=1)


def test_what_rows_are_grouped_by_is_in_their_heading_and_nowhere_else() -> None:
    assert "namespace" not in names(78, group="namespace")
    assert "age" in names(78, group="namespace")
    assert "version" not in names(500, wide=True, group="version")
    assert [column.name for column in columns_for(78, chosen=("name", "host"), group="host")] == [
        "name",
        "host",
    ]


def test_two_hundred_columns_have_a_sparkline_the_ttl_and_the_reason() -> None:
    assert {"latency", "ttl", "p50", "datastore", "rate", "reason", "system"} <= set(names(198))


def test_long_names_get_room_before_columns_of_less_importance() -> None:
    needs = {"name": 38, "namespace": 12, "reason": 300}
    widths = {column.name: column.width for column in columns_for(117, needs=needs)}
    assert widths["name"] >= 35
    assert widths["namespace"] >= 12
    assert {"verdict", "servers", "p99"} <= set(widths)
    short = columns_for(117, needs={"name": 4})
    assert short == columns_for(117)


@given(st.integers(60, 400), st.integers(1, 3))
def test_columns_fill_the_width_exactly(width: int, hosts: int) -> None:
    assert total_width(columns_for(width, hosts=hosts)) == width


@given(st.integers(0, 300))
def test_a_wider_screen_never_shows_less(width: int) -> None:
    assert set(names(width)) <= set(names(width + 1))


def test_however_narrow_the_screen_the_verdict_is_there() -> None:
    assert names(1) == ["verdict"]


def test_wide_shows_everything() -> None:
    assert names(40, wide=True) == list(COLUMNS)
    assert total_width(columns_for(40, wide=True)) > 40
    assert total_width(columns_for(500, wide=True)) == 500


def test_chosen_columns_are_shown_in_their_order_and_unknown_ones_passed_over() -> None:
    chosen = columns_for(60, chosen=("p99", "name", "nonsense", "p99"))
    assert [column.name for column in chosen] == ["p99", "name"]
    assert [column.name for column in columns_for(78, chosen=("nonsense",))] == names(78)


def test_what_has_all_the_room_it_may_have_grows_no_more() -> None:
    assert [column.width for column in columns_for(500, chosen=("name", "version"))] == [52, 14]


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_has_a_heading_that_fits_a_summary_and_an_order(name: str) -> None:
    column = COLUMNS[name]
    assert 0 < len(column.title) <= column.width
    assert column.summary
    assert row_rank(fleet_row(), name, descending=False) is not None
