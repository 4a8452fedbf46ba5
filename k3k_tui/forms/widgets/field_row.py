"""One field of a form: its label, what is filled in, and beside it what is wrong with that."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, Label, TextArea

from k3k_tui.forms.model.describing import options
from k3k_tui.forms.model.fields import Field
from k3k_tui.forms.widgets.choice import Choice
from k3k_tui.forms.widgets.field_area import FieldArea
from k3k_tui.forms.widgets.field_input import FieldInput
from k3k_tui.services import services
from k3k_tui.text import clean
from k3k_tui.widgets.cell_lines import CellLines, say


class FieldRow(Widget):
    """One field; what stands in it is the truth, and others take it from here.

    Attributes:
        control: what takes the keys.

    Args:
        field: what it asks for.
        text: what stands in it.
        hint: what it is when nothing stands in it.
        suggestions: texts that complete what is typed.
    """

    DEFAULT_CSS = """
    FieldRow {
        layout: grid;
        grid-size: 2;
        grid-columns: 23 1fr;
        grid-rows: auto;
        height: auto;
    }
    FieldRow > Label {
        width: 100%;
        color: $text-muted;
    }
    FieldRow.focused > Label {
        color: $text;
        text-style: bold;
    }
    FieldRow > TextArea {
        height: auto;
        min-height: 1;
        max-height: 6;
        padding: 0;
    }
    FieldRow > Input {
        width: 1fr;
    }
    FieldRow > CellLines {
        column-span: 2;
        padding-left: 23;
        display: none;
    }
    FieldRow > CellLines.said {
        display: block;
    }
    """

    class Changed(Message):
        """Something was typed or picked; by the time this is heard there may be more."""

        def __init__(self, row: FieldRow) -> None:
            super().__init__()
            self.row = row

    def __init__(self, field: Field, text: str, hint: str, suggestions: Sequence[str] = ()) -> None:
        super().__init__()
        self.field = field
        self._taken = text
        self._hint = clean(hint)
        self._suggestions = tuple(suggestions)
        self._title = Label()
        self._message = CellLines()
        self.control = self._control()
        self._marked: bool | None = None

    def compose(self) -> ComposeResult:
        """Lay out label, control and message."""
        yield self._title
        yield self.control
        yield self._message

    def _control(self) -> Widget:
        field = self.field
        if field.kind in {"boolean", "choice"}:
            return Choice(options(field), self.taken or self._hint)
        if field.kind in {"lines", "entries", "yaml"}:
            return FieldArea(self.taken, compact=True, tab_behavior="focus", placeholder=Content(self._hint))
        return FieldInput(
            self.taken,
            placeholder=self._hint,
            password=field.kind == "secret",
            select_on_focus=False,
            suggester=SuggestFromList(self._suggestions) if self._suggestions else None,
            compact=True,
        )

    def on_mount(self) -> None:
        """Say what it asks for."""
        self.mark(own=bool(self._taken) and not self.field.about_target)

    @property
    def taken(self) -> str:
        """Its text as it was taken last."""
        return self._taken

    def take(self) -> str:
        """Return its text, which counts as taken from now on."""
        self._taken = self.text
        return self._taken

    def mark(self, *, own: bool) -> None:
        """Mark what has a value of its own, for those who cannot tell it by its colour.

        Args:
            own: whether it has.
        """
        if own == self._marked:
            return
        self._marked = own
        look = services(self).look
        mark = look.glyphs.marked if own else look.glyphs.unmarked
        self._title.update(Text.assemble((mark, look.palette.style("accent")), f" {self.field.title}"))

    @property
    def text(self) -> str:
        """What stands in it now."""
        control = self.control
        if isinstance(control, Choice):
            return control.value if control.picked else self.taken
        if isinstance(control, TextArea):
            return control.text
        return control.value if isinstance(control, Input) else ""

    def fill(self, text: str, hint: str) -> None:
        """Show other text, without telling anybody; what was typed and not taken yet stays.

        Args:
            text: what stands in the field.
            hint: what it is when nothing stands in it.
        """
        if self.text != self._taken:
            return
        control = self.control
        self._taken = text
        with self.prevent(Input.Changed, TextArea.Changed):
            if isinstance(control, Choice):
                control.show(text or hint)
            elif isinstance(control, Input):
                control.placeholder = clean(hint)
                if control.value != text:
                    control.value = text
            elif isinstance(control, TextArea):
                control.placeholder = Content(clean(hint))
                if control.text != text:
                    control.text = text

    def judge(self, problem: str, warning: str) -> None:
        """Show what is wrong with the field.

        Args:
            problem: one sentence; empty for none.
            warning: the same for what can be used.
        """
        signs = services(self).look.glyphs.verdicts
        lines = (say(f"{signs['Down']} {problem}", "bad"),) if problem else ()
        if warning and not problem:
            lines = (say(f"{signs['Degraded']} {warning}", "warn"),)
        if lines != self._message.lines:
            self._message.show(lines)
            self._message.set_class(bool(lines), "said")

    def on_descendant_focus(self) -> None:
        """Show that the keys go here."""
        self.add_class("focused")

    def on_descendant_blur(self) -> None:
        """Show that the keys go elsewhere."""
        self.remove_class("focused")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell that something was typed."""
        event.stop()
        self.post_message(self.Changed(self))

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Tell that something was typed."""
        event.stop()
        self.post_message(self.Changed(self))

    def on_choice_changed(self, event: Choice.Changed) -> None:
        """Tell that something was picked."""
        event.stop()
        self.post_message(self.Changed(self))
