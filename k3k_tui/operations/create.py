"""Creating a control plane: the wizard, on the host and in the namespace one is looking at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_core.releases import KNOWN
from k3k_tui.drafts import Draft
from k3k_tui.forms.create import CreateScreen
from k3k_tui.forms.model.checking import Surroundings
from k3k_tui.forms.model.fields import HOST, NAMESPACE
from k3k_tui.operations.editor import edit_text
from k3k_tui.services import Services, services

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey


async def start(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:
    """Open the wizard; what was filled in before is still there.

    Args:
        app: the dashboard.
        targets: what one is looking at: the new one is to stand beside it.
        words: the name, if it was typed already.
    """
    if any(isinstance(screen, CreateScreen) for screen in app.screen_stack):
        return
    known = services(app)
    empty = first_draft(known, targets)
    draft = known.drafts.create or empty
    if words:
        draft = replace(draft, name=words[0])
    keys = known.fleet.rows
    taken = frozenset((key.host, key.namespace, key.name) for key in keys)
    surroundings = Surroundings(hosts=tuple(known.hosts), taken=taken)
    suggestions = {
        HOST: tuple(known.hosts),
        NAMESPACE: tuple(sorted({key.namespace for key in keys})),
        "version": tuple(reversed(KNOWN)),
    }
    await app.push_screen(
        CreateScreen(draft, surroundings, empty=empty, edit=edit_text, suggestions=suggestions)
    )


def first_draft(known: Services, targets: tuple[FleetKey, ...]) -> Draft:
    """Return an empty draft for where one is looking: beside the control plane under the cursor.

    Args:
        known: knows the hosts.
        targets: what is under the cursor or marked.
    """
    if targets and targets[0].host in known.hosts:
        return Draft(host=targets[0].host, namespace=targets[0].namespace)
    return Draft(host=next(iter(known.hosts), ""), namespace="default")
