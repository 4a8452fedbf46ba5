"""Choosing the columns of the fleet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Button, SelectionList
from textual.widgets.selection_list import Selection

from k3k_tui.services import services
from k3k_tui.view.columns import COLUMNS
from k3k_tui.widgets.dialogs.base import Dialog, button


class ColumnChooser(Dialog[tuple[str, ...]]):
    """Asks which columns are shown; gives their names, none of them to let the width choose.

    Args:
        shown: names of those that are shown now, in their order.
    """

    DEFAULT_CSS = """
    ColumnChooser SelectionList {
        height: auto;
        max-height: 60vh;
        border: none;
        padding: 0;
        background: $surface;
    }
    """

    def __init__(self, shown: Sequence[str]) -> None:
        super().__init__("Columns")
        self._shown = tuple(shown)

    def fields(self) -> Iterable[Widget]:
        """Return the list: those that are shown first, in their order."""
        muted = services(self).look.palette.style("muted")
        rest = [name for name in COLUMNS if name not in self._shown]
        width = max(map(len, COLUMNS))
        yield SelectionList(
            *(
                Selection(
                    Text.assemble(f"{name:<{width}}  ", (COLUMNS[name].summary, muted)),
                    name,
                    name in self._shown,
                )
                for name in (*self._shown, *rest)
                if name in COLUMNS
            ),
            compact=True,
        )

    def buttons(self) -> Iterable[Button]:
        """Return what can be done with the choice."""
        yield button("Show these", "apply")
        yield button("By width", "automatic")
        yield button("Cancel", "cancel")

    def begin(self) -> None:
        """Begin in the list."""
        self.query_one(SelectionList).focus()

    def pressed(self, name: str) -> None:
        """Close with the choice."""
        chosen = set(self.query_one(SelectionList).selected) if name == "apply" else set()
        self.dismiss(tuple(column for column in dict.fromkeys((*self._shown, *COLUMNS)) if column in chosen))
