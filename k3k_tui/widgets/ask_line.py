"""A line to type into, at the edge of what it is about: a filter, the name of a file."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

from k3k_tui.text import clean


class AskLine(Horizontal):
    """A prompt, a line to type into, and what is wrong with it; hidden while nothing is asked."""

    DEFAULT_CSS = """
    AskLine {
        height: 1;
        display: none;
        background: $panel;
    }
    AskLine.-open { display: block; }
    AskLine Label { width: auto; padding: 0 1 0 0; }
    AskLine .prompt { color: $accent; padding: 0 1; }
    AskLine .problem { color: $text-error; }
    AskLine Input { width: 1fr; background: $panel; }
    """

    class Changed(Message):
        """Something else was typed."""

        def __init__(self, what: str, text: str) -> None:
            super().__init__()
            self.what = what
            self.text = text

    class Entered(Message):
        """Enter was pressed."""

        def __init__(self, what: str, text: str) -> None:
            super().__init__()
            self.what = what
            self.text = text

    def __init__(self) -> None:
        super().__init__()
        self._what = ""

    @property
    def what(self) -> str:
        """What is being asked; empty for nothing."""
        return self._what

    def compose(self) -> ComposeResult:
        """Lay out the line."""
        yield Label("", classes="prompt", markup=False)
        yield Input(compact=True, select_on_focus=False)
        yield Label("", classes="problem", markup=False)

    def ask(self, what: str, prompt: str, text: str = "") -> None:
        """Ask for something.

        Args:
            what: name of it, for the messages.
            prompt: before the line.
            text: to begin with.
        """
        self._what = what
        self.query_one(".prompt", Label).update(prompt)
        self.say("")
        self.add_class("-open")
        field = self.query_one(Input)
        with self.prevent(Input.Changed):
            field.value = text
        field.cursor_position = len(text)
        # At once: what is typed next is for the line.
        self.screen.set_focus(field)

    def say(self, problem: str) -> None:
        """Say what is wrong with what was typed.

        Args:
            problem: a few words; empty for nothing.
        """
        self.query_one(".problem", Label).update(clean(problem))

    def close(self) -> None:
        """Ask nothing any more."""
        self._what = ""
        self.remove_class("-open")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on what is typed."""
        event.stop()
        if self._what:
            self.post_message(self.Changed(self._what, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Pass on that it is complete."""
        event.stop()
        if self._what:
            self.post_message(self.Entered(self._what, event.value))
