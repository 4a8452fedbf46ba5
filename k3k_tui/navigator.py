"""Where one has been: a history of places with back and forward, and the way to the top as breadcrumbs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from k3k_tui.places import ControlPlanePlace, FleetPlace, HostsPlace, JobsPlace, Place
from k3k_tui.view.words import quoted, split

# Places that are remembered.
_LONGEST = 100


class Navigator:
    """The history of places; it opens none of them, it tells which one is next.

    Args:
        first: where one starts.
    """

    def __init__(self, first: Place) -> None:
        self._places: list[Place] = [first]
        self._index = 0
        self._last = 0

    @property
    def current(self) -> Place:
        """Where one is."""
        return self._places[self._index]

    @property
    def places(self) -> tuple[Place, ...]:
        """Everywhere one has been and can go forward to, the oldest first."""
        return tuple(self._places)

    def remember(self, place: Place) -> None:
        """Keep what has become of the place one is at: its filter, its cursor, its tab.

        Args:
            place: as it is now; another kind of place is not taken for it.
        """
        if same_screen(self.current, place):
            self._places[self._index] = place

    def open(self, place: Place) -> Place:
        """Go somewhere new; what lay ahead is forgotten.

        Args:
            place: where to.

        Returns:
            The place.
        """
        if place == self.current:
            return place
        self._last = self._index
        self._places[self._index + 1 :] = [place]
        self._index += 1
        surplus = len(self._places) - _LONGEST
        if surplus > 0:
            del self._places[:surplus]
            self._index -= surplus
            self._last = max(self._last - surplus, 0)
        return place

    def back(self) -> Place | None:
        """Go one place back and return it; None at the oldest."""
        return self._move(self._index - 1)

    def forward(self) -> Place | None:
        """Go one place forward and return it; None at the newest."""
        return self._move(self._index + 1)

    def last(self) -> Place | None:
        """Go to where one was before the last move and return it; again, and one is back; None if nowhere."""
        return self._move(self._last) if self._last != self._index else None

    def up(self) -> Place | None:
        """Go up to the fleet as it was last seen, and return it; None at the fleet."""
        if isinstance(self.current, FleetPlace):
            return None
        before = self._places[self._index - 1] if self._index else None
        if isinstance(before, FleetPlace):
            return self.back()
        return self.open(self.fleet())

    def fleet(self) -> FleetPlace:
        """Return the fleet as it was last seen."""
        seen = reversed(self._places[: self._index + 1])
        return next((place for place in seen if isinstance(place, FleetPlace)), FleetPlace())

    def _move(self, index: int) -> Place | None:
        if not 0 <= index < len(self._places):
            return None
        self._last, self._index = self._index, index
        return self.current


def same_screen(one: Place, other: Place) -> bool:
    """Tell whether one screen shows both places, the one after the other.

    Args:
        one: a place.
        other: another.
    """
    if isinstance(one, ControlPlanePlace) and isinstance(other, ControlPlanePlace):
        return one.key == other.key
    return type(one) is type(other)


def crumbs(place: Place) -> tuple[str, ...]:
    """Return the way from the top to a place, in words.

    Args:
        place: where one is.
    """
    match place:
        case FleetPlace(view):
            return ("fleet", view.filter) if view.filter else ("fleet",)
        case ControlPlanePlace(key, tab):
            return ("fleet", key.host, key.namespace, key.name, tab)
        case HostsPlace():
            return ("fleet", "hosts")
        case JobsPlace():
            return ("fleet", "jobs")


def with_filter(place: FleetPlace, field: str, value: str) -> FleetPlace:
    """Return the fleet with one field of its filter set anew.

    Args:
        place: the fleet as it is seen.
        field: of the filter's grammar, such as "ns".
        value: what it is to be; empty for all.
    """
    text = place.view.filter
    starts = [word.start for word in split(text)]
    terms = [text[start:end].strip() for start, end in pairwise([*starts, len(text)])]
    kept = [term for term in terms if not term.startswith((f"{field}:", f"{field}="))]
    wanted = [f"{field}={quoted(value)}"] if value else []
    return FleetPlace(replace(place.view, filter=" ".join([*wanted, *kept])))
