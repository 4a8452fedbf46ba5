"""Copying something of a control plane's row to the clipboard of the terminal one sits at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_core.errors import NotFoundError, UsageError
from k3k_tui.operations.commands import command, label
from k3k_tui.services import Services, services
from k3k_tui.view.columns import COLUMNS
from k3k_tui.view.row_cells import EMPTY, cells
from k3k_tui.widgets.dialogs import Choice, Choose
from k3k_tui.widgets.toast import tell

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey, FleetRow


async def start(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:
    """Copy one thing; which one is asked when it is not named.

    Args:
        app: the dashboard.
        targets: the control plane.
        words: name of what to copy, as the dialog lists them.

    Raises:
        NotFoundError: the control plane is gone.
        UsageError: there is nothing of that name.
    """
    key = targets[0]
    row = services(app).fleet.rows.get(key)
    if row is None:
        raise NotFoundError(f"{key} is not there any more.")
    known = things(row, services(app))
    name = words[0] if words else await _choose(app, key, known)
    if name is None:
        return
    if name not in known:
        raise UsageError(f"There is nothing called {name!r} to copy.", hint=f"Known: {', '.join(known)}.")
    copy_text(app, known[name])


def copy_text(app: App[Any], text: str, *, what: str = "") -> None:
    """Put a text on the clipboard by OSC 52 and say so.

    Args:
        app: the dashboard.
        text: what is copied.
        what: what to call it; empty shows the text itself.
    """
    app.copy_to_clipboard(text)
    tell(app, what or text, title="Copied")


def things(row: FleetRow, known: Services) -> Mapping[str, str]:
    """Return what can be copied of a row by name, without what it does not have.

    Args:
        row: the control plane.
        known: services of the dashboard.
    """
    plane = row.control_plane
    found = {
        "name": plane.name,
        "path": f"{plane.namespace}/{plane.name}",
        "label": label(row.id),
        "endpoint": plane.endpoint,
        "command": command(known, row.id, "describe"),
        "reason": row.reason,
    }
    columns = tuple(COLUMNS.values())
    shown = cells(row, columns, known.clock(), known.look.glyphs)
    for column, cell in zip(columns, shown, strict=True):
        found.setdefault(column.name, cell.text.strip())
    return {name: text for name, text in found.items() if text not in {"", EMPTY.text}}


async def _choose(app: App[Any], key: FleetKey, known: Mapping[str, str]) -> str | None:
    choices = [Choice(name, name, text) for name, text in known.items()]
    return await app.push_screen_wait(Choose(f"Copy from {key}", choices))
