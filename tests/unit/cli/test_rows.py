"""The table of control planes."""

from __future__ import annotations

from datetime import UTC, datetime

from k3k_core.cli.rows import control_plane_table
from k3k_core.cli.terminal import Terminal
from tests.support.made_up import row


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


def test_names_and_addresses_stay_on_any_screen() -> None:
    assert headings(10) == ["NAME", "NAMESPACE", "STATUS", "ADDRESS"]
