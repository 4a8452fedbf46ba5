"""What a table shows: columns, and lines of cells that are asked for only when they are on the screen."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

from k3k_tui.view.cells import Cell
from k3k_tui.view.columns import GAP

Align = Literal["left", "right"]

# Cells left of the first column: the mark and a blank.
GUTTER = 2
# The least that a column without a width of its own gets.
_LEAST = 8


class AnyColumn(Protocol):
    """What a table needs to know of a column."""

    @property
    def name(self) -> str:
        """Stable name."""
        ...

    @property
    def title(self) -> str:
        """Its heading."""
        ...

    @property
    def width(self) -> int:
        """Cells it takes."""
        ...

    @property
    def align(self) -> Align:
        """Where its texts stand."""
        ...


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table.

    Attributes:
        name: stable name.
        title: its heading.
        width: cells it takes; 0 shares what the others leave.
        align: where its texts stand.
    """

    name: str
    title: str
    width: int = 0
    align: Align = "left"


# Chooses the columns for a number of cells.
Layout: TypeAlias = Callable[[int], Sequence[AnyColumn]]


class LineSource(Protocol):
    """The lines of a table; only those on the screen are asked for."""

    def __len__(self) -> int:
        """Return how many lines there are."""
        ...

    def key(self, index: int) -> Hashable | None:
        """Return what a line stands for; None for a heading, which the cursor leaves out."""
        ...

    def index(self, key: Hashable) -> int | None:
        """Return the line of a key; None when it is not shown."""
        ...

    def cells(self, index: int) -> Sequence[Cell]:
        """Return the cells of a line, one for each column; those of a heading follow each other."""
        ...

    def version(self, index: int) -> Hashable:
        """Return what changes whenever the cells of a line may have changed."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a short table.

    Attributes:
        key: what it stands for; None for a heading.
        cells: one for each column.
    """

    key: Hashable | None
    cells: tuple[Cell, ...]


class Lines:
    """The lines of a short table, all of them made beforehand.

    Args:
        lines: from top to bottom.
    """

    def __init__(self, lines: Sequence[Line] = ()) -> None:
        self._lines = tuple(lines)
        self._places = {line.key: index for index, line in enumerate(self._lines) if line.key is not None}

    def __len__(self) -> int:
        return len(self._lines)

    def key(self, index: int) -> Hashable | None:
        """Return what a line stands for."""
        return self._lines[index].key

    def index(self, key: Hashable) -> int | None:
        """Return the line of a key."""
        return self._places.get(key)

    def cells(self, index: int) -> Sequence[Cell]:
        """Return the cells of a line."""
        return self._lines[index].cells

    def version(self, index: int) -> Hashable:
        """Return the line itself: it never changes."""
        return self._lines[index]


def laid_out(columns: Sequence[TableColumn]) -> Layout:
    """Return a layout in which the columns without a width share what the others leave.

    Args:
        columns: from left to right.
    """

    def layout(width: int) -> Sequence[TableColumn]:
        flexible = [column for column in columns if not column.width]
        if not flexible:
            return columns
        rest = width - GAP * (len(columns) - 1) - sum(column.width for column in columns)
        share, over = divmod(max(rest, _LEAST * len(flexible)), len(flexible))
        wider = {column.name for column in flexible[:over]}
        return [
            column if column.width else replace(column, width=share + (column.name in wider))
            for column in columns
        ]

    return layout
