"""The values of the control plane: its revisions, what changed between them, and all of them as YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from k3k_core.ages import format_age
from k3k_tui.screens.control_plane.loading_pane import LoadingPane
from k3k_tui.screens.control_plane.sheet import trouble_lines
from k3k_tui.services import services
from k3k_tui.text import clean
from k3k_tui.view.cells import Cell
from k3k_tui.view.documents import diff_lines, yaml_lines
from k3k_tui.view.lines import Line as Words
from k3k_tui.view.lines import fit_line, wrap
from k3k_tui.widgets.line_table import Line, Lines, LineTable, TableColumn
from k3k_tui.widgets.live_keys import key_of
from k3k_tui.widgets.text_view import FixedText, Sheet, TextView

if TYPE_CHECKING:
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.revisions import Revision
    from k3k_tui.screens.control_plane.watch import ControlPlaneWatch

Compared = Literal["before", "newest", "values"]
_NEXT: Mapping[Compared, Compared] = {"before": "newest", "newest": "values", "values": "before"}
_COLUMNS = (
    TableColumn("revision", "REV", 4, "right"),
    TableColumn("age", "AGE", 6, "right"),
    TableColumn("version", "VERSION", 14),
    TableColumn("state", "CHANGES"),
)
# Columns from which the revisions stand beside what they hold.
_WIDE = 110


class ValuesPane(LoadingPane["tuple[Revision, ...]"]):
    """Revisions, and what one of them holds or changed.

    Args:
        known: everything that is known of the control plane.
    """

    DEFAULT_CSS = """
    ValuesPane #values-state { height: 1; overflow: hidden; background: $panel; }
    ValuesPane Container { height: 1fr; layout: vertical; }
    ValuesPane #revisions { height: 6; }
    ValuesPane #what { height: 1; overflow: hidden; }
    ValuesPane.-wide Container.parts { layout: horizontal; }
    ValuesPane.-wide #revisions { height: 1fr; width: 48; }
    """
    LOADS = "values"

    def __init__(self, known: ControlPlaneWatch) -> None:
        super().__init__(known)
        self._compared: Compared = "before"

    def compose(self) -> ComposeResult:
        """Lay out what is loaded, the revisions, and what one of them holds."""
        state = Sheet(self._state, id="values-state")
        state.can_focus = False
        yield state
        with Container(classes="parts"):
            yield LineTable(id="revisions")
            with Container():
                what = Sheet(self._what, id="what")
                what.can_focus = False
                yield what
                yield TextView(id="document")

    @property
    def target(self) -> Widget:
        """The revisions."""
        return self.query_one("#revisions")

    @property
    def verbs(self) -> Mapping[str, Callable[[], None]]:
        """What can be done with the revisions."""
        return {"reload": self._load, "compare": self._turn, "copy": self.copy}

    @property
    def copied(self) -> tuple[str, str]:
        """What is shown of the revision under the cursor."""
        return self.query_one("#document", TextView).plain, "what is shown of the revision"

    def on_resize(self) -> None:
        """Put the parts beside or below each other."""
        self.set_class(self.size.width >= _WIDE, "-wide")
        self._show()

    def on_line_table_highlighted(self, event: LineTable.Highlighted) -> None:
        """Show the revision under the cursor."""
        event.stop()
        self._show_document()
        self.query_one("#document", TextView).scroll_to(x=0, y=0, animate=False)

    def on_line_table_selected(self, event: LineTable.Selected) -> None:
        """Go to what the revision holds, to scroll it."""
        event.stop()
        self.query_one("#document").focus()

    async def ask(self, host: HostApi) -> tuple[Revision, ...]:
        """Ask the host for the revisions."""
        from k3k_core.lifecycle.revisions import revisions

        return await revisions(host, self.known.identity)

    def _turn(self) -> None:
        self._compared = _NEXT[self._compared]
        self._show_document()

    def _show(self) -> None:
        now = services(self).clock()
        lines = [Line(each.number, _cells(each, now)) for each in self._loaded.value or ()]
        table = self.query_one("#revisions", LineTable)
        # The least room that does, where the revisions stand above what they hold.
        table.styles.max_height = None if self.has_class("-wide") else min(6, len(lines) + 1)
        table.show(_COLUMNS, Lines(lines))
        self._show_document()
        self.query_one("#values-state", Sheet).rebuild()

    def _show_document(self) -> None:
        view = self.query_one("#document", TextView)
        view.show(FixedText(self._document(max(20, view.size.width - 1))))
        self.query_one("#what", Sheet).rebuild()

    @property
    def _revision(self) -> Revision | None:
        """The one under the cursor, or else the newest."""
        cursor = self.query_one("#revisions", LineTable).cursor
        known = self._loaded.value or ()
        return next((each for each in known if each.number == cursor), known[0] if known else None)

    def _document(self, columns: int) -> Sequence[Words]:
        revision, loaded = self._revision, self._loaded
        if revision is None:
            key = key_of(self.screen, "view.reload")
            return trouble_lines(loaded.error, loaded.hint, key, columns) if loaded.error else []
        if not revision.values:
            return wrap("The values of this revision cannot be read.", columns, "bad")
        if self._compared == "values":
            return yaml_lines(revision.values)
        other = self._other(revision)
        if other is None:
            return yaml_lines(revision.values)
        older, newer = sorted((revision, other), key=lambda each: each.number)
        names = (f"revision {older.number}", f"revision {newer.number}")
        lines = diff_lines(older.values, newer.values, names)
        return lines or [(Cell("The values are the same.", "muted"),)]

    def _other(self, revision: Revision) -> Revision | None:
        """Return what a revision is compared with; None when there is nothing."""
        known = self._loaded.value or ()
        if self._compared == "newest":
            return known[0] if known and known[0].number != revision.number else None
        return next((each for each in known if each.number < revision.number), None)

    def _what(self, columns: int, _rows: int) -> tuple[Words, ...]:
        """Say what is shown of the revision under the cursor."""
        revision = self._revision
        if revision is None:
            return ()
        other = self._other(revision) if self._compared != "values" else None
        if other is None:
            which = {"values": "", "newest": ", the newest", "before": ", the oldest that is kept"}
            said = f"Values of revision {revision.number}{which[self._compared]}"
        elif self._compared == "before":
            said = f"What revision {revision.number} changed"
        else:
            said = f"What has changed since revision {revision.number}"
        return (
            fit_line(
                (Cell(said, "title"), Cell(f"  {key_of(self.screen, 'values.compare')} turns it", "muted")),
                columns,
            ),
        )

    def _state(self, columns: int, _rows: int) -> tuple[Words, ...]:
        """Say what is shown, or why it is not."""
        loaded = self._loaded
        if loaded.error:
            line: Words = (
                Cell(f"not asked anew: {clean(loaded.error)}" if loaded.value else "failed", "bad"),
            )
        elif loaded.value is None:
            line = (Cell("Asking the host for the revisions ...", "muted"),)
        else:
            count = len(loaded.value)
            line = (Cell(f"{count} revision{'s' if count != 1 else ''}", "title"),)
        return (fit_line(line, columns),)


def _cells(revision: Revision, now: float) -> tuple[Cell, ...]:
    age = format_age(now - revision.at.timestamp()) if revision.at is not None else "-"
    paths = ", ".join(change.path for change in revision.changes)
    state = "in force" if revision.current else ""
    return (
        Cell(str(revision.number), "title" if revision.current else "text"),
        Cell(age, "muted"),
        Cell(clean(revision.version)),
        Cell(
            clean("; ".join(part for part in (state, paths) if part)), "good" if revision.current else "text"
        ),
    )
