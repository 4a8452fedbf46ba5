"""Putting the screen of a place on top: the fleet stays below, at most one other place stands on it."""

from __future__ import annotations

from typing import Any, Protocol, cast

from textual.app import App
from textual.screen import Screen

from k3k_tui.navigator import same_screen
from k3k_tui.places import FleetPlace, Place
from k3k_tui.screens.factory import screen_for


class Visitable(Protocol):
    """A screen that can show another place of its kind."""

    def visit(self, place: Place) -> None:
        """Show another place.

        Args:
            place: of the same kind.
        """
        ...


def place_screen(app: App[Any]) -> Screen[Any] | None:
    """Return the topmost screen that shows a place, below dialogs and forms; None before the first.

    Args:
        app: the dashboard.
    """
    return next((screen for screen in reversed(app.screen_stack) if place_of(screen) is not None), None)


def place_of(screen: Screen[Any] | None) -> Place | None:
    """Return the place a screen shows, with its filter, its cursor, its tab; None for dialogs and forms.

    Args:
        screen: any screen.
    """
    # Screens of places keep it in an attribute of this name.
    return cast("Place | None", getattr(screen, "place", None))


def show(app: App[Any], place: Place) -> None:
    """Bring the screen of a place to the top; dialogs and forms above are left without an answer.

    Args:
        app: the dashboard.
        place: where to go.
    """
    while (seen := place_of(app.screen)) is None:
        app.screen.dismiss(None)
    if isinstance(place, FleetPlace) and not isinstance(seen, FleetPlace):
        app.pop_screen()
        seen = place_of(app.screen)
    if seen is not None and same_screen(seen, place):
        if hasattr(app.screen, "visit"):
            cast("Visitable", app.screen).visit(place)
    elif isinstance(seen, FleetPlace):
        app.push_screen(screen_for(place))
    else:
        app.switch_screen(screen_for(place))
