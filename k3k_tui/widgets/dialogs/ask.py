"""Asking for a line of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.widget import Widget
from textual.widgets import Button, Input

from k3k_tui.view.lines import Line
from k3k_tui.widgets.cell_lines import CellLines, say
from k3k_tui.widgets.dialogs.base import Dialog, button


def anything(_text: str) -> str:
    """Find nothing wrong with a text."""
    return ""


class Ask(Dialog[str]):
    """Asks for a line of text; what is wrong with it is said while it is typed.

    Args:
        title: what is asked for.
        lines: what is to be known first.
        value: what stands there at first.
        label: of the button that agrees.
        placeholder: what stands there while nothing does.
        check: returns what is wrong with a text, empty when nothing is.
    """

    def __init__(
        self,
        title: str,
        *,
        lines: Sequence[Line] = (),
        value: str = "",
        label: str = "OK",
        placeholder: str = "",
        check: Callable[[str], str] = anything,
    ) -> None:
        super().__init__(title)
        self._lines = tuple(lines)
        self._value = value
        self._label = label
        self._placeholder = placeholder
        self._check = check

    def body(self) -> Iterable[Widget]:
        """Return what is to be known first."""
        if self._lines:
            yield CellLines(self._lines)

    def fields(self) -> Iterable[Widget]:
        """Return the field and what is wrong with what is in it."""
        yield Input(
            self._value,
            id="text",
            compact=True,
            placeholder=self._placeholder,
            select_on_focus=False,
        )
        yield CellLines(id="problem")

    def buttons(self) -> Iterable[Button]:
        """Return Cancel, then what agrees."""
        yield button("Cancel", "cancel")
        yield button(self._label, "agree")

    def begin(self) -> None:
        """Begin in the field."""
        self.query_one("#text", Input).focus()

    @property
    def answer(self) -> str:
        """What is typed, without blanks around it."""
        return self.query_one("#text", Input).value.strip()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is wrong."""
        event.stop()
        problem = self._check(self.answer)
        self.query_one("#problem", CellLines).show([say(problem, "bad")] if problem else [])
        self.query_one("#agree", Button).disabled = bool(problem)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Agree by Enter."""
        event.stop()
        self._agree()

    def pressed(self, name: str) -> None:
        """Agree."""
        if name == "agree":
            self._agree()

    def _agree(self) -> None:
        if not self._check(self.answer):
            self.dismiss(self.answer)
