"""Changing the values of a control plane in one's own editor; nothing that was written there is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_tui.drafts import Draft
from k3k_tui.forms.model.checking import Checked, check
from k3k_tui.forms.model.editing import hide_secrets, with_yaml
from k3k_tui.operations.edit import change, values_of
from k3k_tui.operations.editor import edit_text
from k3k_tui.services import services
from k3k_tui.view.lines import Line
from k3k_tui.widgets.cell_lines import say
from k3k_tui.widgets.dialogs import Confirm
from k3k_tui.widgets.toast import tell

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey


async def start(app: App[Any], targets: tuple[FleetKey, ...], _words: tuple[str, ...]) -> None:
    """Open the editor until its values are on their way, or it is given up; then its draft is kept.

    Args:
        app: the dashboard.
        targets: the control plane.
        _words: nothing may follow the name.
    """
    key = targets[0]
    edits = services(app).drafts.edits
    base = await values_of(app, key)
    has = check(base).loaded
    while True:
        draft = await _edited(app, key, edits.get(key, base))
        if draft == base:
            edits.pop(key, None)
            tell(app, "Nothing is changed.", title=f"Values of {key}")
            return
        edits[key] = draft
        checked = check(draft, existing=has.values if has is not None else None)
        if checked.loaded is None or not checked.good:
            if not await _again(app, "These values cannot be used", problem_lines(checked)):
                return
        elif await change(app, key, checked.loaded) or not await _again(
            app, "The values were not changed", [say("What you wrote is kept.")]
        ):
            return


async def _edited(app: App[Any], key: FleetKey, draft: Draft) -> Draft:
    text = await edit_text(app, draft.text, f"{key.name}.yaml")
    return hide_secrets(with_yaml(draft, text))


async def _again(app: App[Any], title: str, lines: list[Line]) -> bool:
    agreed = await app.push_screen_wait(Confirm(title, lines, label="Edit again"))
    return agreed is True


def problem_lines(checked: Checked) -> list[Line]:
    """Return everything that is wrong with values, where they stand first.

    Args:
        checked: what a check found.
    """
    sentences = (*(f"{key}: {text}" for key, text in checked.problems.items()), *checked.others)
    return [*(say(text, "bad") for text in sentences), (), say("What you wrote is kept.", "muted")]
