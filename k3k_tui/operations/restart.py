"""Restarting the servers of control planes, one after another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_core.lifecycle.progress import Progress
from k3k_tui.operations.asking import nothing_left
from k3k_tui.operations.bulk import LOSS, Intent, confirmation, count
from k3k_tui.operations.commands import command
from k3k_tui.operations.hosts import ask_all, begin
from k3k_tui.services import services
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line
from k3k_tui.widgets.dialogs import Confirm, ConfirmByName

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey, FleetRow
    from k3k_core.host import HostApi
    from k3k_core.names import ControlPlaneId


async def start(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:  # noqa: ARG001
    """Ask whether to restart control planes, and begin.

    Args:
        app: the dashboard.
        targets: the control planes.
        words: none are taken.
    """
    from k3k_core.lifecycle.losses import ends_with_its_server

    answers = await ask_all(app, "Restart", targets, ends_with_its_server)
    if await nothing_left(app, "Restart", answers):
        return
    rows = services(app).fleet.rows
    intents = [Intent(key, tuple(_lines(rows.get(key), losing=losing))) for key, losing in answers.known]
    lines = confirmation(intents, answers.refusals, services(app).look.glyphs)
    keys = tuple(key for key, _ in answers.known)
    losing = any(losing for _, losing in answers.known)
    if await app.push_screen_wait(_question(keys, lines, losing=losing)):
        for key in keys:
            begin(app, "Restart", key, _restart, command=command(services(app), key, "restart", "--yes"))


def _question(keys: tuple[FleetKey, ...], lines: list[Line], *, losing: bool) -> Confirm:
    only = keys[0] if len(keys) == 1 else None
    title = f"Restart {only}" if only is not None else f"Restart {count(len(keys))}"
    if losing:
        word = only.name if only is not None else f"restart {len(keys)}"
        return ConfirmByName(title, lines, word=word, label="Restart")
    return Confirm(title, lines, label="Restart")


def _lines(row: FleetRow | None, *, losing: bool) -> Iterable[Line]:
    servers = row.control_plane.servers_wanted if row is not None else 1
    if servers > 1:
        text = "each when the one before it is ready; the API goes on answering"
        yield (Cell(f"{count(servers, 'server')}, {text}"),)
    else:
        yield (Cell("its only server; the API does not answer meanwhile", "warn"),)
    if losing:
        yield LOSS


async def _restart(host: HostApi, identity: ControlPlaneId, progress: Progress) -> str:
    from k3k_core.lifecycle.restart import restart

    done = await restart(host, identity, progress)
    return f"Restarted {count(done.servers, 'server')} of {identity}."
