"""The events of the host about the control plane's objects, the newest first."""

from __future__ import annotations

from collections.abc import Callable

from k3k_core.ages import format_age
from k3k_tui.screens.control_plane.sheet import WIDE, SheetView, loading_lines, name
from k3k_tui.text import fit
from k3k_tui.view.cells import Cell, Role
from k3k_tui.view.lines import Line, fit_line, wrap

# Columns that the age and the reason take.
_AGE, _REASON = 7, 20


def events_lines(
    view: SheetView, columns: int, _rows: int, matches: Callable[[str], bool] = lambda _: True
) -> list[Line]:
    """Return the sheet of the events: each with its whole message.

    Args:
        view: what there is to show.
        columns: cells of a line.
        _rows: lines there are; more can be scrolled.
        matches: tells whether an event with such a text is shown.
    """
    lines = loading_lines(view.description, "events", columns)
    description = view.description.value
    if description is None:
        return lines
    if "events" in description.hidden:
        return [*lines, *wrap("This identity may not list events on the host.", columns, "warn")]
    shown = [
        event
        for event in reversed(description.events)
        if matches(f"{event.type} {event.reason} {event.subject} {event.message}")
    ]
    if not shown:
        said = (
            "No event matches the filter."
            if description.events
            else "The host keeps no event of it; it forgets them after an hour."
        )
        return [*lines, (Cell(said, "muted"),)]
    heading = f"{'AGE':>{_AGE}}  {'REASON':<{_REASON}}  {'OBJECT AND MESSAGE'}"
    lines.append(fit_line((Cell(heading, "muted"),), columns))
    for event in shown:
        role: Role = "warn" if event.type == "Warning" else "text"
        age = format_age(view.now - event.last_seen.timestamp()) if event.last_seen else "-"
        seen = f" ({event.count} times)" if event.count > 1 else ""
        indent = " " * (_AGE + 2 + (_REASON + 2 if columns >= WIDE else 0))
        subject = (name(event.subject, "accent"), Cell(seen, "muted"))
        lines.append(
            (Cell(f"{age:>{_AGE}}  ", "muted"), Cell(fit(event.reason, _REASON), role), Cell("  "), *subject)
        )
        lines += wrap(event.message[:4000], columns, role, indent=indent)
    return lines
