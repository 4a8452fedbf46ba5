"""One control plane: a row of tabs over everything that is known of it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer

from k3k_tui.places import ControlPlanePlace


class ControlPlaneScreen(Screen[None]):
    """One control plane.

    Args:
        place: which one, and the tab that is open.
    """

    def __init__(self, place: ControlPlanePlace) -> None:
        super().__init__()
        self.place = place

    def compose(self) -> ComposeResult:
        """Lay out the tabs."""
        yield Footer()
