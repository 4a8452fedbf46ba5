"""Control planes as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from k3k_core.cli.durations import format_age
from k3k_core.cli.output import Cell, table
from k3k_core.cli.terminal import Style, Terminal

if TYPE_CHECKING:
    from k3k_core.discovery import ControlPlane

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
) -> str:
    """Return the table of `k3k list`.

    Args:
        terminal: where it will be shown.
        rows: the control planes.
        now: ages and times to live are counted from it.
        hosts: begin with a column for the host.
        wide: end with the system, what made it, and the reason of its status.
    """
    headings = ["NAME", "NAMESPACE", "STATUS", "VERSION", "SERVERS", "DATASTORE", "ADDRESS", "AGE", "TTL"]
    headings = (["HOST"] if hosts else []) + headings + (["SYSTEM", "MADE BY", "REASON"] if wide else [])
    return table(terminal, headings, [_row(row, now, hosts=hosts, wide=wide) for row in rows])


def _row(row: ControlPlane, now: datetime, *, hosts: bool, wide: bool) -> list[Cell | str]:
    cells: list[Cell | str] = [
        row.name,
        row.namespace,
        Cell(row.verdict, verdict_style(row.verdict)),
        row.version,
        f"{row.servers_ready}/{row.servers_wanted}",
        row.datastore,
        row.endpoint.removeprefix("https://"),
        format_age((now - row.created_at).total_seconds()) if row.created_at else "",
        _time_left(row.expires_at, now),
    ]
    return [
        *([row.host] if hosts else []),
        *cells,
        *([row.system, row.made_by, row.reason] if wide else []),
    ]


def _time_left(expires_at: datetime | None, now: datetime) -> Cell | str:
    if expires_at is None:
        return ""
    left = (expires_at - now).total_seconds()
    return format_age(left) if left > 0 else Cell("expired", "bad")
