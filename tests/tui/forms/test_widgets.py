"""The widgets of forms by themselves."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.events import Paste

from k3k_tui.app import K3kApp
from k3k_tui.forms.widgets.choice import Choice
from k3k_tui.forms.widgets.field_area import FieldArea, harmless
from k3k_tui.forms.widgets.field_input import FieldInput
from tests.support.tui import dashboard, until


class Stage(K3kApp):
    """A dashboard that shows some widgets and nothing else."""

    def on_mount(self) -> None:
        """Open no place."""

    def compose(self) -> ComposeResult:
        """Lay out one of each."""
        yield Choice([("a", "[red]alpha"), ("b", "beta"), ("c", "\x1bgamma")], "a")
        yield FieldInput()
        yield FieldArea()


async def test_a_choice_is_made_with_arrows_letters_and_clicks() -> None:
    app = Stage(dashboard().services)
    async with app.run_test(size=(60, 12)) as pilot:
        choice = app.query_one(Choice)
        assert choice.render().plain == "◆[red]alpha   beta   \\egamma"
        choice.focus()
        picked = []
        for key in ("right", "left", "left", "b", "x", "space"):
            await pilot.press(key)
            picked.append(choice.value)
        assert picked == ["b", "a", "c", "b", "b", "c"]
        await pilot.click(choice, offset=(15, 0))
        assert choice.value == "b"
        await pilot.resize_terminal(14, 12)
        assert choice.render().plain == "< beta >"
        await pilot.click(choice, offset=(3, 0))
        assert choice.value == "c"


async def test_what_a_terminal_would_obey_cannot_be_pasted() -> None:
    app = Stage(dashboard().services)
    async with app.run_test(size=(60, 12)) as pilot:
        line, area = app.query_one(FieldInput), app.query_one(FieldArea)
        for field in (line, area):
            field.focus()
            await pilot.pause()
            app.post_message(Paste("\x1b[2Je\u202e\rsecond"))
            await pilot.pause()
        await until(pilot, lambda: bool(area.text), "the pasted text")
        assert (line.value, area.text) == ("[2Je", "[2Je\nsecond")


def test_pasted_lines_stay_lines() -> None:
    assert harmless("a\r\n\tb\x07\nc\rd") == "a\n    b\nc\nd"
