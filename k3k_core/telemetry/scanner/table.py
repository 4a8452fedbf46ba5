"""What pages share: the texts of series, layouts, and what to do with each family."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakValueDictionary

from k3k_core.telemetry.page import Layout
from k3k_core.telemetry.scanner.plain import are_plain
from k3k_core.telemetry.scanner.plan import Plan, Wanted

_WANTED_SETS = 64
# What a bytes object costs beside its bytes, with its place in a dictionary.
_OVERHEAD = 130


class LayoutTable:
    """Shares series and layouts between the pages of all control planes.

    Layouts are held weakly: the table gives back the one that an earlier page has as long as somebody holds that
    page. Series are held in two generations: when the younger one is full it becomes the older one, and series
    that come again move up. One page adds only so much, so that a page of random series cannot push out the others.

    Args:
        generation_bytes: memory for the series of one generation.
        page_bytes: memory that the new series of one page may take of it; what goes beyond is not shared.
    """

    def __init__(
        self, *, generation_bytes: int = 32 * 1024 * 1024, page_bytes: int = 8 * 1024 * 1024
    ) -> None:
        self.page_bytes = page_bytes
        self._generation_bytes = generation_bytes
        self._size = 0
        self._young: dict[tuple[str, str], dict[bytes, bytes]] = {}
        self._old: dict[tuple[str, str], dict[bytes, bytes]] = {}
        self._layouts: WeakValueDictionary[tuple[bytes, ...], Layout] = WeakValueDictionary()
        self._latest: WeakValueDictionary[bytes, Layout] = WeakValueDictionary()
        self._wanted: dict[frozenset[str], Wanted] = {}

    def wanted(self, names: frozenset[str]) -> Wanted:
        """Return what is remembered of a set of wanted families."""
        wanted = self._wanted.get(names)
        if wanted is None:
            if len(self._wanted) >= _WANTED_SETS:
                self._wanted.clear()
            wanted = self._wanted[names] = Wanted(names)
        return wanted

    def latest(self, first: bytes) -> Layout | None:
        """Return the layout last given out that begins with this series."""
        return self._latest.get(first)

    def layout(self, series: Sequence[bytes]) -> Layout:
        """Return the layout of these series: the same object as long as somebody holds it.

        Args:
            series: at least one.
        """
        key = tuple(series)
        layout = self._layouts.get(key)
        if layout is None:
            layout = self._layouts[key] = Layout(key)
        self._latest[key[0]] = layout
        return layout

    def shared(self, series: list[bytes], plan: Plan, allowance: Allowance) -> list[bytes] | None:
        """Return series of a family as the objects that all pages share.

        Args:
            series: as the page spells them.
            plan: the family they stand below.
            allowance: what the page may still add.

        Returns:
            None when one is not plain, or not of the family.
        """
        place = plan.place
        young = self._young.setdefault(place, {})
        found = list(map(young.get, series))
        shared = [text for text in found if text is not None]
        if len(shared) == len(series):
            return shared
        old = self._old.get(place)
        if not shared and not old:
            if not are_plain(series, plan.allowed):
                return None
            self._add(young, series, allowance)
            return series
        known = [mine or old.get(text) for mine, text in zip(found, series, strict=True)] if old else found
        fresh = [text for mine, text in zip(known, series, strict=True) if mine is None]
        if fresh and not are_plain(fresh, plan.allowed):
            return None
        if old:
            again = [
                text for mine, text in zip(found, known, strict=True) if mine is None and text is not None
            ]
            self._add(young, again, Allowance(self._generation_bytes))
        self._add(young, fresh, allowance)
        return [mine or young.get(text, text) for mine, text in zip(known, series, strict=True)]

    def keep(self, series: bytes, place: tuple[str, str], allowance: Allowance) -> bytes:
        """Return one series, known to be well-formed and in its usual spelling, as the object that all pages share."""
        young = self._young.setdefault(place, {})
        if (mine := young.get(series)) is None:
            mine = self._old.get(place, {}).get(series, series)
            self._add(young, [mine], allowance)
        return mine

    def _add(self, young: dict[bytes, bytes], series: Sequence[bytes], allowance: Allowance) -> None:
        size = sum(map(len, series)) + _OVERHEAD * len(series)
        if size > allowance.left:
            return
        # Some may be there already, which only makes the generation end a little early.
        young.update(zip(series, series, strict=True))
        allowance.left -= size
        self._size += size
        if self._size > self._generation_bytes:
            self._young, self._old, self._size = {}, self._young, 0


class Allowance:
    """Memory that one page may still take of a table.

    Args:
        left: bytes.
    """

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left
