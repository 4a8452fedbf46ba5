"""Questions that several operations ask in the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.app import App

from k3k_core.errors import UsageError
from k3k_tui.operations.bulk import count, refused
from k3k_tui.operations.hosts import Answers
from k3k_tui.services import services
from k3k_tui.widgets.cell_lines import say
from k3k_tui.widgets.dialogs import Ask, Confirm, Notice
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


async def ask_file(app: App[Any], title: str, path: Path, *, asked: bool = False) -> Path | None:
    """Ask where to write a file, and before one that is there is replaced; None when it is not to be written.

    Args:
        app: the dashboard.
        title: what is written.
        path: what is offered.
        asked: whether the path was given already.
    """
    if not asked:
        typed = await app.push_screen_wait(Ask(title, value=str(path), label="Save", check=no_file))
        if typed is None:
            return None
        path = user_path(typed)
    problem = no_file(str(path))
    if problem:
        raise UsageError(f"{path}: {problem}.")
    if path.exists():
        lines = [say(str(path), "title"), say("What is in it now is lost.", "bad")]
        if not await app.push_screen_wait(Confirm("Replace the file", lines, label="Replace", danger=True)):
            return None
    return path


def no_file(text: str) -> str:
    """Return why nothing can be written to a path, empty when it can.

    Args:
        text: the path.
    """
    if not text:
        return "a file is needed"
    path = user_path(text)
    if path.is_dir():
        return "that is a folder"
    return "" if path.parent.is_dir() else f"the folder {path.parent} does not exist"


def user_path(text: str) -> Path:
    """Return the path somebody typed; `~` is their home.

    Args:
        text: the path.
    """
    return Path(text).expanduser()
