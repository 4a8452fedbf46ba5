"""The objects on the host that belong to the control plane, and the YAML of one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.widget import Widget

from k3k_core.ages import format_age
from k3k_core.cli.output import to_yaml
from k3k_tui.screens.control_plane.loading_pane import LoadingPane
from k3k_tui.screens.control_plane.sheet import trouble_lines
from k3k_tui.services import services
from k3k_tui.text import clean
from k3k_tui.view.cells import Cell
from k3k_tui.view.documents import yaml_lines
from k3k_tui.view.lines import Line as Words
from k3k_tui.view.lines import fit_line
from k3k_tui.view.text_filter import TextFilter, parse_text
from k3k_tui.widgets.ask_line import AskLine
from k3k_tui.widgets.line_table import Line, Lines, LineTable, TableColumn
from k3k_tui.widgets.live_keys import key_of
from k3k_tui.widgets.text_view import FixedText, Sheet, TextView

if TYPE_CHECKING:
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.objects import BelongingObject, Belongings
    from k3k_tui.screens.control_plane.watch import ControlPlaneWatch

_COLUMNS = (
    TableColumn("kind", "KIND", 21),
    TableColumn("name", "NAME"),
    TableColumn("age", "AGE", 6, "right"),
    TableColumn("status", "STATUS", 18),
)


class ObjectsPane(LoadingPane["Belongings"]):
    """The objects.

    Args:
        known: everything that is known of the control plane.
    """

    DEFAULT_CSS = """
    ObjectsPane #objects-state { height: 1; overflow: hidden; background: $panel; }
    """
    LOADS = "objects"

    def __init__(self, known: ControlPlaneWatch) -> None:
        super().__init__(known)
        self._filter: TextFilter = parse_text("")
        self._typed = ""
        self._read: BelongingObject | None = None

    def compose(self) -> ComposeResult:
        """Lay out what is loaded, the objects, the YAML of one, and the line for the filter."""
        state = Sheet(self._state, id="objects-state")
        state.can_focus = False
        yield state
        yield LineTable(id="objects")
        document = TextView(id="document")
        document.display = False
        yield document
        yield AskLine()

    @property
    def target(self) -> Widget:
        """The objects, or the YAML that is open."""
        return self.query_one("#document" if self._is_text else "#objects")

    @property
    def verbs(self) -> Mapping[str, Callable[[], None]]:
        """What can be done with the objects."""
        verbs: dict[str, Callable[[], None]] = {
            "reload": self._load,
            "filter": self._ask_filter,
            "copy": self.copy,
        }
        if self.is_mounted and (self._read is not None or self.query_one(AskLine).what):
            verbs["back"] = self._back
        return verbs

    @property
    def copied(self) -> tuple[str, str]:
        """The YAML that is open, or the name of the object under the cursor."""
        if self._is_text:
            return self.query_one("#document", TextView).plain, "the text that is shown"
        cursor = self.query_one("#objects", LineTable).cursor
        return ("/".join(cursor) if isinstance(cursor, tuple) else ""), ""

    def on_resize(self) -> None:
        """Break the text for the new width."""
        self._show()

    def on_line_table_selected(self, event: LineTable.Selected) -> None:
        """Open the YAML of an object."""
        event.stop()
        belongings = self._loaded.value
        found = [each for each in belongings.objects if _key(each) == event.key] if belongings else []
        if found:
            self._open(found[0])

    def on_ask_line_changed(self, event: AskLine.Changed) -> None:
        """Filter while it is typed."""
        event.stop()
        found = parse_text(event.text)
        self.query_one(AskLine).say(found.problem.message if found.problem else "")
        if not found.problem:
            self._filter, self._typed = found, event.text
            self._show()

    def on_ask_line_entered(self, event: AskLine.Entered) -> None:
        """Go back to what is filtered."""
        event.stop()
        if not event.text.strip():
            self.query_one(AskLine).close()
        self.target.focus()

    @property
    def _is_text(self) -> bool:
        """Whether there is text instead of the objects: the YAML of one, or why there are none."""
        return self._read is not None or (bool(self._loaded.error) and self._loaded.value is None)

    async def ask(self, host: HostApi) -> Belongings:
        """Ask the host for the objects."""
        from k3k_core.lifecycle.objects import list_objects

        return await list_objects(host, self.known.identity)

    async def _ask(self) -> None:
        was_text = self._is_text
        self._loaded = await self.known.link.load(self._loaded, self.ask)
        if self._is_text == was_text:
            self._show()
        else:
            self._turn()

    def _show(self) -> None:
        belongings = self._loaded.value
        objects = belongings.objects if belongings is not None else ()
        if self._read is not None:
            self._read = next((each for each in objects if _key(each) == _key(self._read)), self._read)
            lines = yaml_lines(to_yaml(_in_order(self._read.manifest)))
            shown = [line for line in lines if self._filter.matches("".join(cell.text for cell in line))]
            self.query_one("#document", TextView).show(FixedText(shown))
        elif self._is_text:
            view = self.query_one("#document", TextView)
            key = key_of(self.screen, "view.reload")
            view.show(
                FixedText(
                    trouble_lines(self._loaded.error, self._loaded.hint, key, max(20, self.size.width - 1))
                )
            )
        else:
            table = self.query_one("#objects", LineTable)
            table.show(
                _COLUMNS, Lines([self._line(each) for each in objects if self._filter.matches(_words(each))])
            )
        self.query_one("#objects-state", Sheet).rebuild()

    def _line(self, each: BelongingObject) -> Line:
        now = services(self).clock()
        age = format_age(now - each.created_at.timestamp()) if each.created_at is not None else "-"
        return Line(
            _key(each),
            (
                Cell(clean(each.kind)),
                Cell(clean(each.name), "title"),
                Cell(age, "muted"),
                Cell(clean(each.status)),
            ),
        )

    def _open(self, each: BelongingObject) -> None:
        self._read = each
        self._end_filter()
        self._turn()
        self.query_one("#document", TextView).scroll_to(x=0, y=0, animate=False)

    def _back(self) -> None:
        if self.query_one(AskLine).what:
            self._end_filter()
            self._turn()
            return
        read, self._read = self._read, None
        self._turn()
        if read is not None:
            self.query_one("#objects", LineTable).go_to(_key(read))

    def _end_filter(self) -> None:
        self.query_one(AskLine).close()
        self._filter, self._typed = parse_text(""), ""

    def _turn(self) -> None:
        """Show the objects or a text, whichever is open."""
        self.query_one("#objects").display = not self._is_text
        self.query_one("#document").display = self._is_text
        self._show()
        if self.display:
            self.target.focus()
        self.screen.refresh_bindings()

    def _ask_filter(self) -> None:
        self.query_one(AskLine).ask("filter", "/", self._typed)

    def _state(self, columns: int, _rows: int) -> tuple[Words, ...]:
        """Say what is shown, or why it is not."""
        loaded = self._loaded
        if loaded.error:
            line: Words = (
                Cell(f"not asked anew: {clean(loaded.error)}" if loaded.value else "failed", "bad"),
            )
        elif loaded.value is None:
            line = (Cell("Asking the host for the objects ...", "muted"),)
        elif self._read is not None:
            line = (
                Cell(clean(f"{self._read.kind}/{self._read.name}"), "title"),
                Cell("  as YAML; escape goes back", "muted"),
            )
        else:
            hidden = ", ".join(loaded.value.hidden)
            said = f"  not shown, because this identity may not list them: {hidden}" if hidden else ""
            line = (Cell(f"{len(loaded.value.objects)} objects", "title"), Cell(clean(said), "warn"))
        return (fit_line(line, columns),)


def _in_order(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest that begins as people write them; lists of the host end with the kind."""
    first = {name: manifest[name] for name in ("apiVersion", "kind", "metadata") if name in manifest}
    return {**first, **manifest}


def _key(each: BelongingObject) -> tuple[str, str]:
    return each.kind, each.name


def _words(each: BelongingObject) -> str:
    return f"{each.kind}/{each.name} {each.status}"
