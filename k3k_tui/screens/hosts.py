"""The hosts screen: how each host is, and what to do about one that is not well."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer

from k3k_tui.places import HostsPlace


class HostsScreen(Screen[None]):
    """Every host."""

    def __init__(self) -> None:
        super().__init__()
        self.place = HostsPlace()

    def compose(self) -> ComposeResult:
        """Lay out the table."""
        yield Footer()
