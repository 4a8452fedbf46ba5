"""Control planes as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from k3k_core.ages import format_age
from k3k_core.cli.output import Cell, table, table_width
from k3k_core.cli.terminal import Style, Terminal

if TYPE_CHECKING:
    from k3k_core.cli.signal_columns import Measured
    from k3k_core.discovery import ControlPlane

_LEAST_FIRST = ("DATASTORE", "VERSION", "AGE", "SERVERS", "TTL")
# The same beside columns of signals: what they are there for stays longest.
_LEAST_FIRST_MEASURED = (
    "DATASTORE",
    "ADDRESS",
    "AGE",
    "VERSION",
    "DATASTORE P99",
    "WRITE P99",
    "TTL",
    "SERVERS",
    "READ P99",
    "QUEUE",
    "CERT",
)
_NEAR_END = 3600.0
_STYLES: dict[str, Style] = {
    "Healthy": "good",
    "Degraded": "warn",
    "Progressing": "warn",
    "Down": "bad",
    "Expired": "bad",
    "Paused": "dim",
    "Unknown": "dim",
}


def verdict_style(verdict: str) -> Style | None:
    """Return what a verdict is shown in.

    Args:
        verdict: e.g. "Healthy".
    """
    return _STYLES.get(verdict)


def control_plane_table(
    terminal: Terminal,
    rows: Sequence[ControlPlane],
    *,
    now: datetime,
    hosts: bool = False,
    wide: bool = False,
    measured: Measured | None = None,
    width: int | None = None,
) -> str:
    """Return the table of `k3k list`.

    Args:
        terminal: where it will be shown.
        rows: the control planes.
        now: ages and times to live are counted from it.
        hosts: begin with a column for the host.
        wide: end with the system, what made it, and the reason of its status.
        measured: what was measured of them, for columns of its own; None for no such columns.
        width: columns of a screen that is redrawn: what matters least is left out where it is too narrow.
    """
    headings = ["NAME", "NAMESPACE", "STATUS", "VERSION", "SERVERS", "DATASTORE", "ADDRESS", "AGE", "TTL"]
    headings = (["HOST"] if hosts else []) + headings + _signal_headings(measured)
    headings += ["SYSTEM", "MADE BY", "REASON"] if wide else []
    grid = [_row(row, now, hosts=hosts, wide=wide, measured=measured) for row in rows]
    for heading in _LEAST_FIRST if measured is None else _LEAST_FIRST_MEASURED:
        if width is None or table_width(headings, grid) <= width:
            break
        at = headings.index(heading)
        headings = headings[:at] + headings[at + 1 :]
        grid = [cells[:at] + cells[at + 1 :] for cells in grid]
    return table(terminal, headings, grid)


def _signal_headings(measured: Measured | None) -> list[str]:
    if measured is None:
        return []
    from k3k_core.cli.signal_columns import HEADINGS

    return list(HEADINGS)


def _row(
    row: ControlPlane, now: datetime, *, hosts: bool, wide: bool, measured: Measured | None
) -> list[Cell | str]:
    found = (measured or {}).get((row.host, row.namespace, row.name))
    verdict = found.judgement.verdict if found is not None else row.verdict
    cells: list[Cell | str] = [
        row.name,
        row.namespace,
        _verdict(verdict, found.stale_since if found is not None else None, now),
        row.version,
        f"{row.servers_ready}/{row.servers_wanted}",
        row.datastore,
        row.endpoint.removeprefix("https://"),
        format_age((now - row.created_at).total_seconds()) if row.created_at else "",
        _time_left(row.expires_at, now),
    ]
    if measured is not None:
        from k3k_core.cli.signal_columns import cells as signal_cells

        cells += signal_cells(found)
    if wide:
        cells += [row.system, row.made_by, found.reason if found is not None else row.reason]
    return [*([row.host] if hosts else []), *cells]


def _verdict(verdict: str, stale_since: float | None, now: datetime) -> Cell:
    if stale_since is None:
        return Cell(verdict, verdict_style(verdict))
    return Cell(f"{verdict}, {format_age(now.timestamp() - stale_since)} old", "dim")


def _time_left(expires_at: datetime | None, now: datetime) -> Cell | str:
    if expires_at is None:
        return ""
    left = (expires_at - now).total_seconds()
    if left <= 0:
        return Cell("expired", "bad")
    return Cell(format_age(left), "warn" if left < _NEAR_END else None)
