"""Questions that several operations ask in the same way."""

from __future__ import annotations

from typing import Any

from textual.app import App

from k3k_tui.operations.bulk import count, refused
from k3k_tui.operations.hosts import Answers
from k3k_tui.services import services
from k3k_tui.widgets.dialogs import Notice
from k3k_tui.widgets.toast import tell_error


async def nothing_left(app: App[Any], title: str, answers: Answers[Any]) -> bool:
    """Tell whether nothing is left to be done, and if so say why.

    Args:
        app: the dashboard.
        title: what was to be done.
        answers: of the hosts.
    """
    if answers.known:
        return False
    if len(answers.refusals) == 1:
        tell_error(app, answers.refusals[0].error, title=title)
    else:
        heading = f"{title}: not possible for any of {count(len(answers.refusals))}"
        await app.push_screen_wait(Notice(heading, refused(answers.refusals, services(app).look.glyphs)))
    return True
