"""Yes or no, and for what cannot be undone a word to be typed before the yes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import events
from textual.widget import Widget
from textual.widgets import Button, Input

from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line
from k3k_tui.widgets.cell_lines import CellLines, say
from k3k_tui.widgets.dialogs.base import Dialog, button


class Confirm(Dialog[bool]):
    """Asks whether to do something; Cancel has the focus.

    Args:
        title: what would be done.
        lines: what it means.
        label: of the button that agrees.
        danger: whether something is lost for good.
    """

    def __init__(self, title: str, lines: Sequence[Line], *, label: str = "OK", danger: bool = False) -> None:
        super().__init__(title)
        self.lines = tuple(lines)
        self._label = label
        self._danger = danger
        self.set_class(danger, "danger")

    def body(self) -> Iterable[Widget]:
        """Return what would be done."""
        yield CellLines(self.lines, id="lines")

    def buttons(self) -> Iterable[Button]:
        """Return Cancel, then what agrees."""
        yield button("Cancel", "cancel")
        yield button(self._label, "agree", danger=self._danger)

    def pressed(self, name: str) -> None:
        """Agree."""
        if name == "agree":
            self.agree()

    def agree(self) -> None:
        """Close with a yes."""
        self.dismiss(True)


class ConfirmByName(Confirm):
    """Asks whether to do something that loses data; the yes has to be typed.

    Typing goes to the field wherever the focus is, so Cancel can have it.

    Args:
        title: what would be done.
        lines: what it means.
        word: what has to be typed; empty when nothing is lost after all.
        label: of the button that agrees.
    """

    def __init__(self, title: str, lines: Sequence[Line], *, word: str, label: str) -> None:
        super().__init__(title, lines, label=label, danger=bool(word))
        self._word = word

    @property
    def word(self) -> str:
        """What has to be typed; empty when nothing has to."""
        return self._word

    def fields(self) -> Iterable[Widget]:
        """Return the field for the word."""
        yield CellLines([self._request()], id="request")
        yield Input(id="word", compact=True, select_on_focus=False)

    def _request(self) -> Line:
        if not self.word:
            return say("Nothing is lost for good.", "muted")
        return (Cell("Type ", "muted"), Cell(self.word, "title"), Cell(" to go on:", "muted"))

    def word_changed(self) -> None:
        """Take notice of another word, or of none being asked for any more."""
        request = self.query_one("#request", CellLines)
        request.show([self._request()])
        # Where nothing could have been lost, nothing has to be said about it.
        request.display = self._danger
        field = self.query_one("#word", Input)
        field.display = bool(self.word)
        self.query_one("#agree", Button).disabled = not self.agreed

    @property
    def agreed(self) -> bool:
        """Whether what has to be typed has been typed."""
        return not self.word or self.query_one("#word", Input).value.strip() == self.word

    def begin(self) -> None:
        """Begin with nothing typed."""
        super().begin()
        self.word_changed()

    def on_key(self, event: events.Key) -> None:
        """Send what is typed to the field."""
        field = self.query_one("#word", Input)
        if self.focused is not field and field.display and event.is_printable and event.character != " ":
            event.stop()
            event.prevent_default()
            field.focus()
            field.insert_text_at_cursor(event.character or "")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Let the button be pressed once the word is there."""
        event.stop()
        self.query_one("#agree", Button).disabled = not self.agreed

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Agree by Enter in the field, when the word is there."""
        event.stop()
        self.agree()

    def agree(self) -> None:
        """Close with a yes, but only when it was typed."""
        if self.agreed:
            self.dismiss(True)
