"""Changing the values of a control plane in a form; what that does is shown by the upgrade it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_core.errors import K3kError
from k3k_tui.drafts import Draft
from k3k_tui.forms.model.editing import stored_draft
from k3k_tui.operations.editor import edit_text
from k3k_tui.operations.hosts import ask
from k3k_tui.operations.upgrade import start_upgrade
from k3k_tui.services import services
from k3k_tui.widgets.toast import tell_error

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey
    from k3k_core.host import HostApi
    from k3k_core.names import ControlPlaneId
    from k3k_core.values import LoadedValues


async def start(app: App[Any], targets: tuple[FleetKey, ...], _words: tuple[str, ...]) -> None:
    """Open the form until its values are on their way, or it is closed; then its draft is kept.

    Args:
        app: the dashboard.
        targets: the control plane.
        _words: nothing may follow the name.
    """
    from k3k_tui.forms.edit import EditScreen

    key = targets[0]
    base = await values_of(app, key)
    while True:
        draft = services(app).drafts.edits.get(key, base)
        values = await app.push_screen_wait(EditScreen(key, draft, base=base, edit=edit_text))
        if values is None or await change(app, key, values):
            return


async def values_of(app: App[Any], key: FleetKey) -> Draft:
    """Return the values a control plane has, as the beginning of a change.

    Args:
        app: the dashboard.
        key: the control plane.

    Raises:
        K3kError: there is no such control plane, k3k did not make it, or its host does not answer.
        GivenUpError: somebody would not wait any longer.
    """

    async def read(host: HostApi, identity: ControlPlaneId) -> str:
        from k3k_core.lifecycle.existing import find_root
        from k3k_core.manifests import stored_values

        return stored_values(await find_root(host, identity))

    return stored_draft(key.host, key.namespace, key.name, await ask(app, "Edit values", key, read))


async def change(app: App[Any], key: FleetKey, values: LoadedValues) -> bool:
    """Show what values would change, and begin that when it is agreed to.

    Args:
        app: the dashboard.
        key: the control plane.
        values: what it is to have.

    Returns:
        Whether it was begun; the draft is gone then.
    """
    try:
        begun = await start_upgrade(app, key, values=values)
    except K3kError as error:
        tell_error(app, error, title="Edit values")
        return False
    if begun:
        services(app).drafts.edits.pop(key, None)
    return begun
