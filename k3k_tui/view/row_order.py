"""The lines of the fleet in their order: rows and headings of groups, kept while rows come, change and go."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from k3k_core.telemetry.judgement import Verdict
from k3k_tui.view.sort_keys import VERDICTS, Rank

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey


@dataclass(frozen=True, slots=True)
class RowLine:
    """The line of a control plane.

    Attributes:
        key: which one.
    """

    key: FleetKey


@dataclass(frozen=True, slots=True)
class GroupLine:
    """The heading of a group.

    Attributes:
        title: what its rows have in common; empty where that is not known.
        counts: how many of its rows have which verdict, the worst first.
    """

    title: str
    counts: tuple[tuple[Verdict, int], ...]

    @property
    def size(self) -> int:
        """How many rows it has."""
        return sum(count for _, count in self.counts)


Line: TypeAlias = RowLine | GroupLine


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a row belongs.

    Attributes:
        group: rank of its group, and its title last; empty without groups.
        rank: its rank within the group; no two rows have the same.
        verdict: what it counts as in its group.
    """

    group: tuple[Any, ...]
    rank: Rank
    verdict: Verdict


# A batch larger than this share of all rows is sorted anew with them.
_BULK_SHARE = 8
_BULK_LEAST = 256

_Entry: TypeAlias = "tuple[tuple[Any, ...], Rank, RowLine]"


class RowOrder:
    """Rows in order, grouped; finding a row and moving one cost the logarithm of their number."""

    def __init__(self) -> None:
        self._placed: dict[FleetKey, Placed] = {}
        self._entries: dict[FleetKey, _Entry] = {}
        self._order: list[_Entry] = []
        self._groups: dict[tuple[Any, ...], Counter[Verdict]] = {}
        self._headings: list[tuple[Any, ...]] = []
        self._lines: list[Line] | None = []

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, key: FleetKey) -> bool:
        return key in self._placed

    @property
    def lines(self) -> Sequence[Line]:
        """Every line, from the top."""
        if self._lines is None:
            self._lines = self._drawn_up()
        return self._lines

    def place(self, batch: Mapping[FleetKey, Placed | None]) -> tuple[bool, set[tuple[Any, ...]]]:
        """Put rows where they belong now.

        Args:
            batch: rows that came or changed; None for those that went.

        Returns:
            Whether lines changed places, came or went, and the groups whose counts changed.
        """
        moved = {key: placed for key, placed in batch.items() if self._placed.get(key) != placed}
        counted = {group for key, placed in moved.items() for group in self._count(key, placed)}
        bulk = len(moved) > max(_BULK_LEAST, len(self._order) // _BULK_SHARE)
        changed = self._sort_in(moved) if bulk else self._move(moved)
        if self._regroup():
            changed = True
        if changed:
            self._lines = None
            return True, counted & set(self._groups)
        if counted and self._lines is not None:
            for group in counted:
                self._lines[self.heading(group)] = self._group_line(group)
        return False, counted

    def index(self, key: FleetKey) -> int | None:
        """Return the line of a row; None when it is not there.

        Args:
            key: which row.
        """
        entry = self._entries.get(key)
        if entry is None:
            return None
        above = bisect_left(self._order, entry)
        return above + (bisect_left(self._headings, entry[0]) + 1 if entry[0] else 0)

    def heading(self, group: tuple[Any, ...]) -> int:
        """Return the line of a group's heading.

        Args:
            group: its rank, of a group that is there.
        """
        return bisect_left(self._order, (group,)) + bisect_left(self._headings, group)

    def _count(self, key: FleetKey, placed: Placed | None) -> list[tuple[Any, ...]]:
        """Move a row from one group's counts to another's; return the groups whose counts changed."""
        before = self._placed.get(key)
        if before and placed and (before.group, before.verdict) == (placed.group, placed.verdict):
            return []
        touched = []
        for one, by in ((before, -1), (placed, 1)):
            if one is None or not one.group:
                continue
            counts = self._groups.setdefault(one.group, Counter())
            counts[one.verdict] += by
            if not counts[one.verdict]:
                del counts[one.verdict]
            touched.append(one.group)
        return touched

    def _move(self, moved: Mapping[FleetKey, Placed | None]) -> bool:
        changed = False
        for key, placed in moved.items():
            at = self._take_out(key)
            put = self._put_in(key, placed) if placed is not None else -1
            changed |= at != put
        return changed

    def _take_out(self, key: FleetKey) -> int:
        self._placed.pop(key, None)
        entry = self._entries.pop(key, None)
        if entry is None:
            return -1
        at = bisect_left(self._order, entry)
        del self._order[at]
        return at

    def _put_in(self, key: FleetKey, placed: Placed) -> int:
        entry = self._entry(key, placed)
        at = bisect_left(self._order, entry)
        self._order.insert(at, entry)
        return at

    def _sort_in(self, moved: Mapping[FleetKey, Placed | None]) -> bool:
        for key, placed in moved.items():
            if placed is None:
                self._placed.pop(key, None)
                self._entries.pop(key, None)
            else:
                self._entry(key, placed)
        self._order = sorted(self._entries.values())
        return True

    def _entry(self, key: FleetKey, placed: Placed) -> _Entry:
        entry = (placed.group, placed.rank, RowLine(key))
        self._placed[key], self._entries[key] = placed, entry
        return entry

    def _regroup(self) -> bool:
        """Let groups come and go with their rows; return whether any did."""
        if len(self._groups) == len(self._headings) and all(self._groups.values()):
            return False
        self._groups = {group: counts for group, counts in self._groups.items() if counts}
        headings = sorted(self._groups)
        changed = headings != self._headings
        self._headings = headings
        return changed

    def _drawn_up(self) -> list[Line]:
        lines: list[Line] = []
        if not self._headings:
            lines.extend([entry[2] for entry in self._order])
            return lines
        for group, following in zip(self._headings, [*self._headings[1:], None], strict=True):
            first = bisect_left(self._order, (group,))
            end = len(self._order) if following is None else bisect_left(self._order, (following,))
            lines.append(self._group_line(group))
            lines.extend([entry[2] for entry in self._order[first:end]])
        return lines

    def _group_line(self, group: tuple[Any, ...]) -> GroupLine:
        counts = self._groups[group]
        return GroupLine(
            group[-1], tuple((verdict, counts[verdict]) for verdict in VERDICTS if counts[verdict])
        )
