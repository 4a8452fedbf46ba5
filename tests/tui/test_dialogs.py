"""Dialogs: what a hasty key does, what has to be typed, and that text in them is only text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from k3k_tui.widgets.cell_lines import CellLines, say
from k3k_tui.widgets.dialogs import Ask, Choice, Choose, Confirm, ConfirmByName, Dialog, GivenUpError, waited
from tests.support.tui import dashboard, until

T = TypeVar("T")
HOSTILE = "[bold red]x[/] \x1b[2J\u202e"


@asynccontextmanager
async def asked(dialog: Dialog[T]) -> AsyncIterator[tuple[Pilot[Any], list[T | None]]]:
    """A dialog in front of the dashboard, and the answers it gives."""
    app, answers = dashboard(), list[T | None]()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(dialog, answers.append)
        await pilot.pause()
        yield pilot, answers


async def test_enter_at_once_cancels_a_question() -> None:
    async with asked(Confirm("Restart", [say("All servers.")])) as (pilot, answers):
        await pilot.press("enter")
        assert answers == [None]


async def test_a_question_is_agreed_to_on_purpose() -> None:
    async with asked(Confirm("Restart", [say("All servers.")])) as (pilot, answers):
        await pilot.press("right", "enter")
        assert answers == [True]


async def test_what_loses_data_takes_the_name_and_enter() -> None:
    dialog = ConfirmByName("Delete", [say("All of it.")], word="ci-1", label="Delete")
    async with asked(dialog) as (pilot, answers):
        agree = dialog.query_one("#agree", Button)
        await pilot.press("c", "i", "-")
        await pilot.press("enter")
        assert (agree.disabled, answers) == (True, [])
        await pilot.press("1")
        await pilot.pause()
        assert not agree.disabled
        await pilot.press("enter")
        assert answers == [True]


async def test_what_loses_data_is_cancelled_by_enter_at_once() -> None:
    dialog = ConfirmByName("Delete", [say("All of it.")], word="ci", label="Delete")
    async with asked(dialog) as (pilot, answers):
        await pilot.press("right", "enter", "escape")
        assert answers == [None]


async def test_a_choice_is_made_with_the_arrows_and_never_of_what_is_disabled() -> None:
    choices = [Choice(1, "one"), Choice(2, "two", "cannot be", disabled=True), Choice(3, "three")]
    async with asked(Choose("Pick", choices)) as (pilot, answers):
        await pilot.press("down", "enter")
        assert answers == [3]


async def test_what_is_wrong_with_an_answer_is_said_and_keeps_it_from_being_given() -> None:
    dialog = Ask("File", value="a", check=lambda text: "" if text == "ab" else f"{text!r} is not it")
    async with asked(dialog) as (pilot, answers):
        await pilot.press("x", "enter")
        assert dialog.query_one("#problem", CellLines).lines == (say("'ax' is not it", "bad"),)
        assert answers == []
        await pilot.press("backspace", "b", "enter")
        assert answers == ["ab"]


@pytest.mark.parametrize(
    "dialog",
    [
        Confirm(HOSTILE, [say(HOSTILE)], label=HOSTILE),
        Choose(HOSTILE, [Choice("", HOSTILE, HOSTILE)], lines=[say(HOSTILE)]),
    ],
    ids=["question", "choice"],
)
async def test_text_in_a_dialog_is_neither_markup_nor_control(dialog: Dialog[Any]) -> None:
    async with asked(dialog) as (pilot, _):
        shown = "\n".join(
            "".join(segment.text for segment in strip)
            for strip in pilot.app.screen._compositor.render_strips()
        )
        assert "[bold red]x[/] \\e[2J\\u202e" in shown
        assert "\x1b" not in shown


async def test_a_wait_can_be_given_up_and_then_its_work_is_cancelled() -> None:
    app, cancelled = dashboard(), asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with app.run_test(size=(80, 24)) as pilot:
        task = asyncio.create_task(waited(app, "Delete", "Asking prod.", hang()))
        await until(pilot, lambda: isinstance(app.screen, Dialog), "the dialog that says what is waited for")
        await pilot.press("escape")
        with pytest.raises(GivenUpError):
            await task
        assert cancelled.is_set()


async def test_a_wait_ends_with_its_work() -> None:
    app, release = dashboard(), asyncio.Event()

    async def work() -> str:
        await release.wait()
        return "done"

    async with app.run_test(size=(80, 24)) as pilot:
        task = asyncio.create_task(waited(app, "Delete", "Asking prod.", work()))
        await until(pilot, lambda: isinstance(app.screen, Dialog), "the dialog that says what is waited for")
        release.set()
        assert await task == "done"
        await until(pilot, lambda: not isinstance(app.screen, Dialog), "the end of the dialog")


async def test_a_wait_that_ends_below_another_dialog_closes_when_that_is_answered() -> None:
    app, release = dashboard(), asyncio.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        below = len(app.screen_stack)
        task = asyncio.create_task(waited(app, "Delete", "Asking prod.", release.wait()))
        await until(pilot, lambda: isinstance(app.screen, Dialog), "the dialog that says what is waited for")
        question = Confirm("Restart", [])
        await app.push_screen(question)
        release.set()
        await task
        assert app.screen is question
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == below, "both dialogs are closed")


async def test_the_field_for_a_name_shows_what_was_typed() -> None:
    dialog = ConfirmByName("Delete", [], word="ci", label="Delete")
    async with asked(dialog) as (pilot, _):
        await pilot.press("c")
        assert dialog.query_one("#word", Input).value == "c"
