"""Leaving while jobs run."""

from __future__ import annotations

from typing import Any

from textual.app import App

from k3k_tui.operations.bulk import count
from k3k_tui.services import services
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line
from k3k_tui.widgets.dialogs import Confirm


async def may_leave(app: App[Any]) -> bool:
    """Tell whether the dashboard may end; while jobs run somebody is asked. For a worker.

    Args:
        app: the dashboard.
    """
    active = services(app).jobs.active
    if not active:
        return True
    lines: list[Line] = [
        (Cell("They end with the dashboard. What they have done so far stays; the same again goes on."),),
        (),
    ]
    lines += [(Cell(f"{job.title}  ", "title"), Cell(job.target, "muted")) for job in reversed(active)]
    title = f"Quit while {count(len(active), 'job')} {'is' if len(active) == 1 else 'are'} running"
    agreed = await app.push_screen_wait(Confirm(title, lines, label="Quit all the same"))
    return bool(agreed)
