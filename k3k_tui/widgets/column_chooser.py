"""Choosing the columns of the fleet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.widget import Widget
from textual.widgets import Button

from k3k_tui.view.cells import Cell
from k3k_tui.view.columns import COLUMNS
from k3k_tui.widgets.dialogs.base import Dialog, button
from k3k_tui.widgets.line_table import Line, Lines, LineTable, TableColumn

_TABLE = (TableColumn("column", "COLUMN", 18), TableColumn("summary", "SHOWS"))


class ColumnChooser(Dialog[tuple[str, ...]]):
    """Asks which columns are shown; gives their names, none of them to let the width choose.

    Args:
        shown: names of those that are shown now, in their order.
    """

    DEFAULT_CSS = """
    ColumnChooser LineTable {
        height: auto;
        max-height: 60vh;
        background: $surface;
    }
    """

    def __init__(self, shown: Sequence[str]) -> None:
        super().__init__("Columns: those that are marked are shown")
        self._shown = tuple(name for name in shown if name in COLUMNS)

    def fields(self) -> Iterable[Widget]:
        """Return the list: those that are shown first, in their order."""
        yield LineTable(markable=True)

    def buttons(self) -> Iterable[Button]:
        """Return what can be done with the choice."""
        yield button("Show these", "apply")
        yield button("By width", "automatic")
        yield button("Cancel", "cancel")

    def begin(self) -> None:
        """Begin in the list."""
        table = self.query_one(LineTable)
        table.show(
            _TABLE,
            Lines(
                [
                    Line(name, (Cell(name, "title"), Cell(COLUMNS[name].summary, "muted")))
                    for name in dict.fromkeys((*self._shown, *COLUMNS))
                ]
            ),
        )
        table.styles.height = len(COLUMNS) + 1
        table.mark(self._shown)
        table.focus()

    @on(LineTable.Selected)
    def _applied(self, event: LineTable.Selected) -> None:
        event.stop()
        self.pressed("apply")

    def pressed(self, name: str) -> None:
        """Close with the choice."""
        chosen = self.query_one(LineTable).marked if name == "apply" else frozenset()
        self.dismiss(tuple(column for column in dict.fromkeys((*self._shown, *COLUMNS)) if column in chosen))
