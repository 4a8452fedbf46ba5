"""The screen of a place."""

from __future__ import annotations

from textual.screen import Screen

from k3k_tui.places import ControlPlanePlace, FleetPlace, HostsPlace, Place


def screen_for(place: Place) -> Screen[None]:
    """Make the screen of a place; its module is imported when it is needed.

    Args:
        place: where to go.
    """
    if isinstance(place, FleetPlace):
        from k3k_tui.screens.fleet import FleetScreen

        return FleetScreen(place)
    if isinstance(place, ControlPlanePlace):
        from k3k_tui.screens.control_plane import ControlPlaneScreen

        return ControlPlaneScreen(place)
    if isinstance(place, HostsPlace):
        from k3k_tui.screens.hosts import HostsScreen

        return HostsScreen()
    from k3k_tui.screens.jobs import JobsScreen

    return JobsScreen(place)
