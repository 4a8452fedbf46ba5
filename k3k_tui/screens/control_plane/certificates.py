"""The certificates: a bar of days left for each, the first to end on top."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from k3k_tui.screens.control_plane.sheet import WIDE, SheetView, loading_lines, name
from k3k_tui.text import fit, width
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.figures import days
from k3k_tui.view.lines import Line, table

if TYPE_CHECKING:
    from k3k_core.lifecycle.description import Description

# Days before its end from which a certificate stands out, as in `k3k metrics`.
_SOON, _VERY_SOON = 30.0, 7.0
# k3s renews its own certificates for a year at a time; authorities last ten.
_YEAR: Final = 365.0
_MOST: Final = 200
_SOURCES: Final = {"handshake": "shown to clients", "page": "file of k3s", "secret": "Secret on the host"}


@dataclass(frozen=True, slots=True)
class _Certificate:
    name: str
    where: str
    source: str
    expires_at: float


def certificates_lines(
    view: SheetView, columns: int, _rows: int, matches: Callable[[str], bool] = lambda _: True
) -> list[Line]:
    """Return the sheet of the certificates.

    Args:
        view: what there is to show.
        columns: cells of a line.
        _rows: lines there are; more can be scrolled.
        matches: tells whether a certificate of that name is shown.
    """
    known = _known(view)
    shown = [item for item in known if matches(f"{item.name} {item.where} {item.source}")]
    lines = (
        loading_lines(view.description, "certificates", columns)
        if view.description.error or not known
        else []
    )
    if known and not shown:
        return [*lines, (Cell("No certificate matches the filter.", "muted"),)]
    if columns < WIDE:
        made = [(*_row(view, item, 14), name(item.where or item.source, "muted")) for item in shown[:_MOST]]
        five = ("CERTIFICATE", "LEFT", "UP TO A YEAR", "ENDS", "WHERE")
        return [*lines, *table(five, _short(made, columns), columns, right=frozenset({1}), flexible=0)]
    bar = max(14, min(40, columns - 100))
    made = [(*_row(view, item, bar), name(item.where), Cell(item.source, "muted")) for item in shown[:_MOST]]
    titles = ("CERTIFICATE", "LEFT", "UP TO A YEAR", "ENDS", "WHERE", "SOURCE")
    return [*lines, *table(titles, made, columns, right=frozenset({1}), flexible=0)]


def _short(rows: Sequence[tuple[Cell, ...]], columns: int) -> list[tuple[Cell, ...]]:
    """Leave names of servers no more room than what the certificates' names can do without."""
    others = max((sum(width(cell.text) + 2 for cell in row[:-1]) for row in rows), default=0)
    room = max(10, columns - others)
    return [
        (*row[:-1], Cell(fit(row[-1].text, min(room, width(row[-1].text))), row[-1].role)) for row in rows
    ]


def _known(view: SheetView) -> list[_Certificate]:
    """Gather what was measured and what the host keeps; one that both tell of is told once."""
    signals, description = view.signals, view.description.value
    found = [
        _Certificate(item.name, item.server, _SOURCES.get(item.source, ""), item.expires_at)
        for item in (signals.certificates if signals is not None else ())
    ]
    found += _kept(
        description, {round(item.expires_at) for item in found if item.source == _SOURCES["secret"]}
    )
    return sorted(found, key=lambda item: (item.expires_at, item.name, item.where))


def _kept(description: Description | None, told: set[int]) -> list[_Certificate]:
    if description is None:
        return []
    return [
        _Certificate(item.name, "", _SOURCES["secret"], item.expires_at.timestamp())
        for item in description.certificates
        if round(item.expires_at.timestamp()) not in told
    ]


def _row(view: SheetView, item: _Certificate, cells: int) -> tuple[Cell, ...]:
    left = (item.expires_at - view.now) / 86_400.0
    if not math.isfinite(left):
        left = -1.0
    role: Role = "bad" if left < _VERY_SOON else "warn" if left < _SOON else "good"
    full = min(cells, max(0, math.ceil(cells * left / _YEAR)))
    sign, empty = view.signs.gauge
    ends = datetime.fromtimestamp(item.expires_at, UTC) if 0 <= item.expires_at < 1e11 else None
    return (
        name(item.name, "title"),
        Cell(days(left), role),
        Cell(sign * full + empty * (cells - full), role),
        Cell(f"{ends:%Y-%m-%d}" if ends is not None else "-", "text"),
    )
