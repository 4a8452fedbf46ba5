"""Picking one thing from a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Button, OptionList
from textual.widgets.option_list import Option

from k3k_tui.services import services
from k3k_tui.text import clean
from k3k_tui.view.lines import Line
from k3k_tui.widgets.cell_lines import CellLines
from k3k_tui.widgets.dialogs.base import Dialog, button

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """One thing that can be picked.

    Attributes:
        value: what picking it gives.
        title: what it is called.
        note: what else is to be known of it.
        disabled: whether it is shown but cannot be picked; the note says why.
    """

    value: T
    title: str
    note: str = ""
    disabled: bool = False


class Choose(Dialog[T]):
    """Asks for one thing of a list.

    Args:
        title: what is picked.
        choices: at least one.
        lines: what is to be known first.
        chosen: place of the one the cursor is on.
    """

    BODY_SHARE = 0.5
    DEFAULT_CSS = """
    Choose OptionList {
        height: auto;
        background: $surface;
    }
    """

    def __init__(
        self, title: str, choices: Sequence[Choice[T]], *, lines: Sequence[Line] = (), chosen: int = 0
    ) -> None:
        super().__init__(title)
        self._choices = tuple(choices)
        self._lines = tuple(lines)
        self._chosen = chosen

    def body(self) -> Iterable[Widget]:
        """Return what is to be known first."""
        if self._lines:
            yield CellLines(self._lines)

    def fields(self) -> Iterable[Widget]:
        """Return the list."""
        width = max(len(clean(choice.title)) for choice in self._choices)
        look = services(self).look
        options = [
            Option(
                Text.assemble(
                    f"{clean(choice.title):<{width}}",
                    (f"  {clean(choice.note)}" if choice.note else "", look.palette.style("muted")),
                ),
                disabled=choice.disabled,
            )
            for choice in self._choices
        ]
        yield OptionList(*options, id="choices", classes="scrolls", compact=True, markup=False)

    def buttons(self) -> Iterable[Button]:
        """Return Cancel alone: Enter on an entry picks it."""
        yield button("Cancel", "cancel")

    def begin(self) -> None:
        """Begin in the list: nothing is done by picking alone."""
        entries = self.query_one("#choices", OptionList)
        entries.highlighted = self._chosen
        entries.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close with what was picked."""
        event.stop()
        self.dismiss(self._choices[event.option_index].value)
