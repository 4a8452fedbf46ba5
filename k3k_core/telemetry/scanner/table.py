"""Layouts shared between pages and control planes."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakValueDictionary

from k3k_core.telemetry.page import Layout


class LayoutTable:
    """Gives pages with the same series the same layout."""

    def __init__(self) -> None:
        self._layouts: WeakValueDictionary[tuple[bytes, ...], Layout] = WeakValueDictionary()

    def layout(self, series: Sequence[bytes]) -> Layout:
        """Return the layout of these series, the same object as long as a page holds it."""
        key = tuple(series)
        layout = self._layouts.get(key)
        if layout is None:
            layout = self._layouts[key] = Layout(key)
        return layout
