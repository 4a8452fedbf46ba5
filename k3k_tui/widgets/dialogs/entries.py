"""Asking for several lines of text at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from textual.widget import Widget
from textual.widgets import Button, Input

from k3k_tui.view.lines import Line
from k3k_tui.widgets.cell_lines import CellLines, say
from k3k_tui.widgets.dialogs.ask import anything
from k3k_tui.widgets.dialogs.base import Dialog, button


@dataclass(frozen=True, slots=True)
class Entry:
    """One line that is asked for.

    Attributes:
        name: what its answer is called.
        label: what it is called for people.
        value: what stands there at first.
        placeholder: what stands there while nothing does.
        check: returns what is wrong with a text, empty when nothing is.
    """

    name: str
    label: str
    value: str = ""
    placeholder: str = ""
    check: Callable[[str], str] = anything


class AskEntries(Dialog[Mapping[str, str]]):
    """Asks for several lines of text; what is wrong with one is said below it while it is typed.

    Args:
        title: what is asked for.
        entries: the lines.
        lines: what is to be known first.
        label: of the button that agrees.
    """

    DEFAULT_CSS = """
    AskEntries .label {
        margin-top: 1;
    }
    AskEntries Input {
        margin-top: 0;
    }
    """

    def __init__(
        self, title: str, entries: Sequence[Entry], *, lines: Sequence[Line] = (), label: str = "OK"
    ) -> None:
        super().__init__(title)
        self._entries = tuple(entries)
        self._lines = tuple(lines)
        self._label = label

    def body(self) -> Iterable[Widget]:
        """Return what is to be known first."""
        if self._lines:
            yield CellLines(self._lines)

    def fields(self) -> Iterable[Widget]:
        """Return the fields, each with its name above it and what is wrong with it below."""
        for entry in self._entries:
            yield CellLines([say(entry.label, "muted")], classes="label")
            yield Input(
                entry.value,
                id=entry.name,
                compact=True,
                placeholder=entry.placeholder,
                select_on_focus=False,
            )
            yield CellLines(id=f"{entry.name}-problem")

    def buttons(self) -> Iterable[Button]:
        """Return Cancel, then what agrees."""
        yield button("Cancel", "cancel")
        yield button(self._label, "agree", disabled=bool(self._problems()))

    def begin(self) -> None:
        """Begin in the first field."""
        self.query(Input).first().focus()

    @property
    def answers(self) -> Mapping[str, str]:
        """What is typed, without blanks around it, by name."""
        if not self.is_mounted:
            return {entry.name: entry.value for entry in self._entries}
        return {entry.name: self.query_one(f"#{entry.name}", Input).value.strip() for entry in self._entries}

    def _problems(self) -> Mapping[str, str]:
        answers = self.answers
        found = {entry.name: entry.check(answers[entry.name]) for entry in self._entries}
        return {name: problem for name, problem in found.items() if problem}

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is wrong with the field that was changed."""
        event.stop()
        problems = self._problems()
        name = event.input.id or ""
        shown = [say(problems[name], "bad")] if name in problems else []
        self.query_one(f"#{name}-problem", CellLines).show(shown)
        self.query_one("#agree", Button).disabled = bool(problems)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the next field, and agree in the last one."""
        event.stop()
        if event.input.id == self._entries[-1].name:
            self._agree()
        else:
            self.focus_next()

    def pressed(self, name: str) -> None:
        """Agree."""
        if name == "agree":
            self._agree()

    def _agree(self) -> None:
        if not self._problems():
            self.dismiss(self.answers)
