"""Saving the values of a control plane to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_core.errors import NotFoundError
from k3k_tui.operations.asking import ask_file, user_path
from k3k_tui.operations.hosts import ask
from k3k_tui.widgets.toast import tell

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey
    from k3k_core.host import HostApi
    from k3k_core.names import ControlPlaneId


async def start(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:
    """Save the values a control plane has now; secrets are not among them.

    Args:
        app: the dashboard.
        targets: the control plane.
        words: the file; asked for when it is not named.
    """
    from k3k_core.cli.private_file import write_private

    key = targets[0]
    text = await ask(app, "Save values", key, _values)
    path = await ask_file(
        app,
        f"Save the values of {key}",
        user_path(words[0] if words else f"{key.name}.yaml"),
        asked=bool(words),
    )
    if path is not None:
        write_private(path, text)
        tell(app, f"Wrote {path}. Tokens and passwords are not in it.", title="Values saved")


async def _values(host: HostApi, identity: ControlPlaneId) -> str:
    from k3k_core.lifecycle.revisions import revisions

    for revision in await revisions(host, identity):
        if revision.current:
            return revision.values
    raise NotFoundError(f"The values of {identity} cannot be read.", hint="Restore its Secret from a backup.")
