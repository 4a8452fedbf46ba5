"""The jobs screen: what runs in the background and what has run."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer

from k3k_tui.places import JobsPlace


class JobsScreen(Screen[None]):
    """Every job and the steps of one.

    Args:
        place: which job is shown.
    """

    def __init__(self, place: JobsPlace) -> None:
        super().__init__()
        self.place = place

    def compose(self) -> ComposeResult:
        """Lay out the list and the steps."""
        yield Footer()
