"""The controllers: their work queues, the worst first, and what else waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from k3k_tui.screens.control_plane.sheet import SheetView, amount, name, plot_rows, plotted
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line, section, table, wrap

if TYPE_CHECKING:
    from k3k_core.telemetry.signals.model import ControllerSignals, QueueSignals

_MOST = 200
_NUMBERS = frozenset({1, 2, 3, 4, 5, 6})


def controllers_lines(
    view: SheetView, columns: int, rows: int, matches: Callable[[str], bool] = lambda _: True
) -> list[Line]:
    """Return the sheet of the controllers.

    Args:
        view: what there is to show.
        columns: cells of a line.
        rows: lines there are; more can be scrolled.
        matches: tells whether a queue of that name is shown.
    """
    height = min(plot_rows(rows, rows // 2, 1), 12)
    lines = plotted(view, "Deepest queue", "items", [("items", "queue_depth", "area")], columns, height)
    if view.signals is None:
        return lines
    controllers = view.signals.controllers
    return [
        *lines,
        *_waiting(controllers, columns),
        *section("Work queues, the worst first", _queues(controllers, columns, matches)),
    ]


def _waiting(controllers: ControllerSignals, columns: int) -> list[Line]:
    lines: list[Line] = []
    if controllers.unavailable_api_services:
        names = ", ".join(controllers.unavailable_api_services[:10])
        lines += wrap(f"Aggregated APIs that do not answer: {names}", columns, "bad")
    if controllers.pending_pods:
        lines += wrap(f"Pods the scheduler has not placed: {controllers.pending_pods:.0f}", columns, "warn")
    return lines


def _queues(controllers: ControllerSignals, columns: int, matches: Callable[[str], bool]) -> list[Line]:
    rows = [_queue(queue) for queue in controllers.queues[:_MOST] if matches(queue.name)]
    if controllers.queues and not rows:
        return [(Cell("No queue matches the filter.", "muted"),)]
    titles = ("QUEUE", "WAITING", "ADDED", "PUT BACK", "WAIT P99", "WORK P99", "LONGEST", "STATE")
    return table(titles, rows, columns, right=_NUMBERS, flexible=0)


def _queue(queue: QueueSignals) -> tuple[Cell, ...]:
    state = (
        Cell("stuck", "bad")
        if queue.stuck
        else Cell("moves", "good")
        if queue.added
        else Cell("idle", "muted")
    )
    return (
        name(queue.name, "title" if queue.depth or queue.stuck else "text"),
        amount(queue.depth, "items", "bad" if queue.stuck else "text"),
        amount(queue.added, "count"),
        amount(queue.retries, "count", "warn" if queue.retries else "text"),
        amount(queue.wait.p99 if queue.wait else None, "seconds"),
        amount(queue.work.p99 if queue.work else None, "seconds"),
        amount(queue.longest_running, "seconds"),
        state,
    )
