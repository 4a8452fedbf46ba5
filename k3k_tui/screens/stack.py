"""Putting the screen of a place on top: the fleet stays below, at most one other place stands on it."""

from __future__ import annotations

from typing import Any, Protocol, cast

from textual.app import App
from textual.screen import Screen

from k3k_tui.navigator import Navigator, same_screen
from k3k_tui.places import FleetPlace, Place
from k3k_tui.screens.factory import screen_for
from k3k_tui.widgets.breadcrumbs import Breadcrumbs


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


class PlaceStack:
    """Goes from place to place; what became of the one that is left is kept with it.

    Args:
        app: the dashboard.
        first: where it opens.
    """

    def __init__(self, app: App[Any], first: Place) -> None:
        self._app = app
        self._navigator = Navigator(first)

    @property
    def current(self) -> Place:
        """Where one is, as it is now."""
        self._remember()
        return self._navigator.current

    @property
    def fleet(self) -> FleetPlace:
        """The fleet as it was last seen."""
        self._remember()
        return self._navigator.fleet()

    def open(self, place: Place) -> None:
        """Go somewhere new.

        Args:
            place: where to.
        """
        self._remember()
        self._show(self._navigator.open(place))

    def up(self) -> None:
        """Go up to the fleet."""
        self._remember()
        self._show(self._navigator.up())

    def back(self) -> None:
        """Go back to where one was before."""
        self._remember()
        self._show(self._navigator.back())

    def forward(self) -> None:
        """Go forward again."""
        self._remember()
        self._show(self._navigator.forward())

    def last(self) -> None:
        """Go to the last place."""
        self._remember()
        self._show(self._navigator.last())

    def _remember(self) -> None:
        place = place_of(place_screen(self._app))
        if place is not None:
            self._navigator.remember(place)

    def _show(self, place: Place | None) -> None:
        if place is not None:
            show(self._app, place)
            for crumbs in self._app.screen.query(Breadcrumbs):
                crumbs.update()
