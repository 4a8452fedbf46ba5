"""Waiting for an answer from a host before a question can be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from textual.app import App
from textual.widget import Widget
from textual.widgets import Button

from k3k_tui.widgets.cell_lines import CellLines, say
from k3k_tui.widgets.dialogs.base import Dialog, button

T = TypeVar("T")
# Answers that come sooner than this, in seconds, need no dialog.
_SOON = 0.3


class GivenUpError(Exception):
    """Somebody would not wait any longer."""


class Waiting(Dialog[bool]):
    """Says what is waited for, and lets it be given up.

    Args:
        title: what is being prepared.
        text: what is waited for.
    """

    def __init__(self, title: str, text: str) -> None:
        super().__init__(title)
        self._text = text
        self._over = False

    def body(self) -> Iterable[Widget]:
        """Return what is waited for."""
        yield CellLines([say(self._text)])

    def buttons(self) -> Iterable[Button]:
        """Return what gives up."""
        yield button("Cancel", "cancel")

    def finish(self) -> None:
        """Close without having given up; below another dialog, as soon as that is closed."""
        self._over = True
        if self.is_active:
            self.dismiss(False)

    def on_screen_resume(self) -> None:
        """Close if there is nothing to wait for any more."""
        if self._over and self.is_active:
            self.dismiss(False)


async def waited(app: App[Any], title: str, text: str, work: Coroutine[Any, Any, T]) -> T:
    """Await some work; when it takes long a dialog says so, in which it can be given up.

    Args:
        app: the dashboard.
        title: what is being prepared.
        text: what is waited for, as a sentence.
        work: what is awaited.

    Raises:
        GivenUpError: somebody would not wait any longer; the work was cancelled.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([task], timeout=_SOON)
        if not task.done():
            await _show_meanwhile(app, Waiting(title, text), task)
    finally:
        task.cancel()
    return await task


async def _show_meanwhile(app: App[Any], dialog: Waiting, task: asyncio.Task[T]) -> None:
    given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def closed(answer: bool | None) -> None:
        if answer is None and not given_up.done():
            given_up.set_result(None)

    await app.push_screen(dialog, closed)
    both: list[asyncio.Future[Any]] = [task, given_up]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not given_up.done():
            dialog.finish()
    if given_up.done():
        raise GivenUpError
