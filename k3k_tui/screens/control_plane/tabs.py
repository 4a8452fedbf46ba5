"""The tabs of the screen, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab.

    Attributes:
        name: stable name, part of a place.
        title: one word.
        short: the same where there is little room.
    """

    name: str
    title: str
    short: str


TABS = (
    Tab("overview", "Overview", "Overview"),
    Tab("api", "API", "API"),
    Tab("datastore", "Datastore", "Store"),
    Tab("controllers", "Controllers", "Queues"),
    Tab("certificates", "Certificates", "Certs"),
    Tab("events", "Events", "Events"),
    Tab("logs", "Logs", "Logs"),
    Tab("objects", "Objects", "Objects"),
    Tab("values", "Values", "Values"),
)
TAB_NAMES = tuple(tab.name for tab in TABS)


def beside(name: str, step: int) -> str:
    """Return the tab some steps further, round at the ends.

    Args:
        name: of a tab.
        step: how far; below zero to the left.
    """
    return TAB_NAMES[(TAB_NAMES.index(name) + step) % len(TAB_NAMES)]
