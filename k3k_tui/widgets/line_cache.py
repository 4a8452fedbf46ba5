"""The lines of a table that have been made, kept for as long as their cells stay the same."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from textual.strip import Strip

from k3k_tui.view.cells import Cell
from k3k_tui.widgets.lines import LineSource

# Lines that are kept when they have left the screen.
_KEPT = 512


@dataclass(slots=True, eq=False)
class MadeLine:
    """The cells of a line and what was drawn of them.

    Attributes:
        key: what it stands for; None for the heading of a group.
        version: of its source when it was made.
        cells: as its source made them.
        strips: what was drawn, by (under the cursor, marked).
    """

    key: Hashable | None
    version: Hashable
    cells: Sequence[Cell]
    strips: dict[tuple[bool, bool], Strip] = field(default_factory=dict)


class LineCache:
    """Makes lines when they are asked for.

    Args:
        source: of the lines.
    """

    def __init__(self, source: LineSource) -> None:
        self._source = source
        self._made: dict[Hashable, MadeLine] = {}

    def line(self, index: int) -> MadeLine:
        """Return a line, made anew when its version is another one.

        Args:
            index: which one.
        """
        key = self._source.key(index)
        name = (None, index) if key is None else key
        version = self._source.version(index)
        made = self._made.get(name)
        if made is None or made.version != version:
            made = self._keep(name, MadeLine(key, version, self._source.cells(index)))
        return made

    def renew(self, index: int) -> None:
        """Make a line anew, whatever its version; what was drawn stays when its cells are the same.

        Args:
            index: which one.
        """
        made = self.line(index)
        cells = self._source.cells(index)
        if tuple(cells) != tuple(made.cells):
            name = (None, index) if made.key is None else made.key
            self._keep(name, MadeLine(made.key, made.version, cells))

    def forget_strips(self) -> None:
        """Let every line be drawn anew."""
        for made in self._made.values():
            made.strips.clear()

    def _keep(self, name: Hashable, made: MadeLine) -> MadeLine:
        if len(self._made) >= _KEPT:
            self._made.clear()
        self._made[name] = made
        return made
