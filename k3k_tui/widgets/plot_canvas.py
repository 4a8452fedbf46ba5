"""Dots on a grid of cells: eight to a cell with Braille signs, one to a cell with ASCII alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

Form = Literal["line", "area"]

# Bit of each dot of a Braille sign, by column and row from the top (Unicode block U+2800).
_BITS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BRAILLE: Final = 0x2800


class Canvas(Protocol):
    """A grid that series are drawn on, each over the ones before.

    Attributes:
        columns: dots side by side.
        rows: dots one above the other.
    """

    @property
    def columns(self) -> int: ...

    @property
    def rows(self) -> int: ...

    def dot(self, column: int, row: int, layer: int) -> None:
        """Set a dot.

        Args:
            column: from the left.
            row: from the bottom.
            layer: number of the series.
        """
        ...

    def cell(self, column: int, row: int) -> tuple[str, int] | None:
        """Return the sign of a cell and the series it belongs to; None where there is no dot.

        Args:
            column: of the cell, from the left.
            row: of the cell, from the top.
        """
        ...


@dataclass(slots=True)
class BrailleCanvas:
    """Two by four dots in each cell.

    Attributes:
        width: cells side by side.
        height: cells one above the other.
    """

    width: int
    height: int
    _masks: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)

    @property
    def columns(self) -> int:
        """Dots side by side."""
        return 2 * self.width

    @property
    def rows(self) -> int:
        """Dots one above the other."""
        return 4 * self.height

    def dot(self, column: int, row: int, layer: int) -> None:
        """Set a dot; see `Canvas`."""
        from_top = self.rows - 1 - row
        place = (column // 2, from_top // 4)
        mask = self._masks.get(place, (0, 0))[0]
        self._masks[place] = (mask | _BITS[column % 2][from_top % 4], layer)

    def cell(self, column: int, row: int) -> tuple[str, int] | None:
        """Return the sign of a cell and its series; see `Canvas`."""
        found = self._masks.get((column, row))
        return None if found is None else (chr(_BRAILLE + found[0]), found[1])


@dataclass(slots=True)
class AsciiCanvas:
    """One dot in each cell, a sign of its own for each series.

    Attributes:
        width: cells side by side.
        height: cells one above the other.
        signs: of the series, in their order.
    """

    width: int
    height: int
    signs: Sequence[str]
    _layers: dict[tuple[int, int], int] = field(default_factory=dict)

    @property
    def columns(self) -> int:
        """Dots side by side."""
        return self.width

    @property
    def rows(self) -> int:
        """Dots one above the other."""
        return self.height

    def dot(self, column: int, row: int, layer: int) -> None:
        """Set a dot; see `Canvas`."""
        self._layers[column, self.rows - 1 - row] = layer

    def cell(self, column: int, row: int) -> tuple[str, int] | None:
        """Return the sign of a cell and its series; see `Canvas`."""
        layer = self._layers.get((column, row))
        return None if layer is None else (self.signs[layer % len(self.signs)], layer)


def draw(canvas: Canvas, shares: Sequence[float], form: Form, layer: int) -> None:
    """Draw a series over the whole width of a canvas.

    Args:
        canvas: where to.
        shares: heights from 0 to 1, evenly spaced, the oldest first; NaN leaves a gap.
        form: a line, or everything below it.
        layer: number of the series.
    """
    before: int | None = None
    for column in range(canvas.columns):
        share = _between(shares, (column + 0.5) / canvas.columns)
        if math.isnan(share):
            before = None
            continue
        row = round(share * (canvas.rows - 1))
        low, high = (0, row) if form == "area" else _joined(before, row)
        for dot in range(low, high + 1):
            canvas.dot(column, dot, layer)
        before = row


def _joined(before: int | None, row: int) -> tuple[int, int]:
    """Return the dots that join a point to the one before without a hole."""
    if before is None or abs(before - row) <= 1:
        return row, row
    return (before + 1, row) if before < row else (row, before - 1)


def _between(shares: Sequence[float], where: float) -> float:
    """Return the height at a place, 0 to 1, drawn straight between the points beside it."""
    if not shares:
        return math.nan
    place = where * len(shares) - 0.5
    left = math.floor(place)
    nearest = shares[min(max(round(place), 0), len(shares) - 1)]
    if math.isnan(nearest) or left < 0 or left + 1 >= len(shares):
        return nearest
    low, high = shares[left], shares[left + 1]
    if math.isnan(low) or math.isnan(high):
        return nearest
    return low + (high - low) * (place - left)
