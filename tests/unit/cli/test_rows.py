"""The table of control planes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from k3k_core.cli.rows import control_plane_table
from k3k_core.cli.terminal import Terminal
from tests.support.made_up import row
from tests.support.made_up_signals import fleet_row, signals


def headings(width: int | None) -> list[str]:
    """The headings of a table for a screen of so many columns."""
    return control_plane_table(Terminal(), [row()], now=datetime.now(UTC), width=width).split("\n")[0].split()


def test_a_narrow_screen_gets_what_matters_in_lines_that_fit() -> None:
    lines = control_plane_table(Terminal(), [row()], now=datetime.now(UTC), width=80).split("\n")
    assert max(map(len, lines)) <= 80
    assert {"NAME", "NAMESPACE", "STATUS", "ADDRESS"} <= set(lines[0].split())


def test_a_wide_screen_gets_every_column() -> None:
    assert headings(200) == headings(None)
    assert "DATASTORE" in headings(200)


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_signals_are_left_out_one_by_one_until_lines_fit(width: int) -> None:
    found = row()
    seen = fleet_row(signals(), control_plane=found)
    measured = {(found.host, found.namespace, found.name): seen}
    text = control_plane_table(Terminal(), [found], now=datetime.now(UTC), width=width, measured=measured)
    assert max(map(len, text.split("\n"))) <= width
    shown = text.split("\n")[0]
    assert {"NAME", "NAMESPACE", "STATUS"} <= set(shown.split())
    assert "CERT" in shown


def test_names_and_addresses_stay_on_any_screen() -> None:
    assert headings(10) == ["NAME", "NAMESPACE", "STATUS", "ADDRESS"]
