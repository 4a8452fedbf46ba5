"""The dashboard's application: it holds the services, opens places and runs operations; screens do the rest."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App
from textual.binding import BindingType

from k3k_tui.actions.registry import bindings
from k3k_tui.places import FleetPlace, Place
from k3k_tui.services import Services


class K3kApp(App[int]):
    """The dashboard.

    Args:
        services: what its screens work with.
        place: where it opens.
    """

    TITLE = "k3k"
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")

    def __init__(self, services: Services, place: Place | None = None) -> None:
        super().__init__()
        self.services = services
        self._first = place or FleetPlace()

    def on_mount(self) -> None:
        """Open the first place and the fleet."""
        self.run_worker(self.services.fleet.run(), exit_on_error=False, group="feed")
        self.open_place(self._first)

    def open_place(self, place: Place) -> None:
        """Go somewhere; where one was becomes history.

        Args:
            place: where to.
        """
        from k3k_tui.screens.factory import screen_for

        self.push_screen(screen_for(place))

    def action_leave(self) -> None:
        """End, unless jobs run."""
        self.exit(0)
