"""The fleet screen: every control plane of every host."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer

from k3k_tui.places import FleetPlace


class FleetScreen(Screen[None]):
    """Every control plane.

    Args:
        place: what is shown of the fleet.
    """

    def __init__(self, place: FleetPlace) -> None:
        super().__init__()
        self.place = place

    def compose(self) -> ComposeResult:
        """Lay out the table."""
        yield Footer()
