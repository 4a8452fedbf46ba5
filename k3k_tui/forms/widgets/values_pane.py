"""A draft in two views, its fields and its YAML, with what is wrong with it and what each field means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import DescendantFocus
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher, TextArea

from k3k_tui.drafts import Draft
from k3k_tui.forms.model.checking import Checked, Surroundings, check
from k3k_tui.forms.model.describing import help_text
from k3k_tui.forms.model.editing import hide_secrets, with_field, with_yaml
from k3k_tui.forms.model.fields import Section
from k3k_tui.forms.widgets.field_area import FieldArea
from k3k_tui.forms.widgets.field_row import FieldRow
from k3k_tui.forms.widgets.fold import FoldHeader
from k3k_tui.forms.widgets.values_form import ValuesForm
from k3k_tui.services import services
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line
from k3k_tui.widgets.cell_lines import CellLines, say

if TYPE_CHECKING:
    from k3k_core.values import Values

View = Literal["form", "yaml"]
# More problems than these are said one after the other, as they are corrected.
_MOST_PROBLEMS = 4


class ValuesPane(Widget):
    """A draft that is being filled in.

    Args:
        draft: where it begins.
        plain: sections that always stand there.
        folded: sections that are opened on demand.
        surroundings: what the draft is checked against; None for values alone.
        existing: values of the control plane that is to change; None for a new one.
        suggestions: texts that complete what is typed, by key of the field.
    """

    DEFAULT_CSS = """
    ValuesPane {
        height: 1fr;
    }
    ValuesPane > ContentSwitcher, ValuesPane #yaml {
        height: 1fr;
    }
    ValuesPane TextArea#text {
        height: 1fr;
    }
    ValuesPane > #help {
        height: 3;
        padding: 0 1;
        background: $panel;
    }
    ValuesPane > #problems {
        padding: 0 1;
        max-height: 5;
    }
    """

    class Changed(Message):
        """The draft is another."""

        def __init__(self, draft: Draft, checked: Checked) -> None:
            super().__init__()
            self.draft = draft
            self.checked = checked

    def __init__(
        self,
        draft: Draft,
        *,
        plain: Sequence[Section],
        folded: Sequence[Section],
        surroundings: Surroundings | None = None,
        existing: Values | None = None,
        suggestions: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        super().__init__(id="values")
        self._draft = draft
        self._surroundings = surroundings
        self._existing = existing
        self._checked = check(draft, surroundings, existing=existing)
        # The field that is being typed into, and the draft before that: a value that is deleted to be typed anew
        # keeps its place and its comment.
        self._typing: tuple[str, Draft] = ("", draft)
        self._form = ValuesForm(plain, folded, draft, self._checked, suggestions)

    def compose(self) -> ComposeResult:
        """Lay out both views, of which one is in sight."""
        with ContentSwitcher(initial="form"):
            with Vertical(id="form"):
                yield self._form
            with Vertical(id="yaml"):
                yield FieldArea(id="text", show_line_numbers=True, compact=True, tab_behavior="indent")
        yield CellLines(id="problems")
        yield CellLines(id="help")

    def on_mount(self) -> None:
        """Show what is wrong from the beginning."""
        self._say_problems()

    @property
    def draft(self) -> Draft:
        """The draft as it is now."""
        return self._draft

    @property
    def checked(self) -> Checked:
        """What is wrong with it."""
        return self._checked

    @property
    def view(self) -> View:
        """The view that is in sight."""
        return "yaml" if self.query_one(ContentSwitcher).current == "yaml" else "form"

    def load(self, draft: Draft) -> None:
        """Take another draft.

        Args:
            draft: what to show from now on.
        """
        self.settle()
        self._take(draft)
        self._form.show(self._draft, self._checked)
        self._show_yaml()

    def turn(self) -> bool:
        """Change to the other view.

        Returns:
            False when the YAML cannot be understood: the fields could not show it.
        """
        self.settle()
        if self.view == "form":
            self.query_one(ContentSwitcher).current = "yaml"
            self._show_yaml()
            self.query_one("#text", TextArea).focus()
            self._help(self._yaml_help())
            return True
        if not self._checked.readable:
            return False
        # What is secret is not shown once it is known to be.
        self._take(hide_secrets(self._draft))
        self._form.show(self._draft, self._checked)
        self.query_one(ContentSwitcher).current = "form"
        self._say_problems()
        self.focus_first()
        return True

    def focus_first(self) -> None:
        """Go to the first field."""
        rows = self._form.query(FieldRow)
        if rows:
            rows.first().control.focus()

    async def focus_problem(self) -> None:
        """Go to the first thing that is wrong."""
        if self.view == "yaml":
            self.query_one("#text", TextArea).focus()
            return
        for section in self._form.sections:
            section.insist()
        for section in self._form.sections:
            for field in section.section.fields:
                if field.key in self._checked.problems and await self._form.open(field.key):
                    return

    def settle(self) -> None:
        """Take what was typed and has not been heard of yet: keys can come faster than messages."""
        if self.view == "yaml":
            self._take_yaml()
            return
        for row in self._form.query(FieldRow):
            self._take_row(row)

    def on_field_row_changed(self, event: FieldRow.Changed) -> None:
        """Take what was typed into a field."""
        event.stop()
        self._take_row(event.row)

    def _take_row(self, row: FieldRow) -> None:
        if row.text == row.taken:
            return
        field, text = row.field, row.take()
        key, before = self._typing
        if key != field.key:
            before = self._draft
        self._take(with_field(before, field, text))
        self._typing = (field.key, before)
        self._form.show(self._draft, self._checked, typed=field.key)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Take what was typed into the YAML."""
        event.stop()
        self._take_yaml()

    def _take_yaml(self) -> None:
        text = self.query_one("#text", TextArea).text
        if text != self._draft.text:
            self._take(with_yaml(self._draft, text))

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Say what the field under the cursor means."""
        for node in event.widget.ancestors_with_self:
            if isinstance(node, FieldRow):
                field = node.field
                key = "" if field.about_target else field.key
                self._help((Cell(f"{key or field.title}  ", "accent"), Cell(help_text(field))))
                return
            if isinstance(node, FoldHeader):
                self._help((Cell(f"{node.section.key}  ", "accent"), Cell(node.section.summary)))
                return

    def _take(self, draft: Draft) -> None:
        self._draft = draft
        self._typing = ("", draft)
        self._checked = check(draft, self._surroundings, existing=self._existing)
        self._say_problems()
        self.post_message(self.Changed(self._draft, self._checked))

    def _say_problems(self) -> None:
        """Say what stands beside no field in sight."""
        sign = services(self).look.glyphs.verdicts["Down"]
        in_sight = self._checked.others
        if self.is_mounted and self.view == "yaml":
            in_sight = (*self._checked.others, *(f"{k}: {v}" for k, v in self._checked.problems.items()))
        lines = [say(f"{sign} {text}", "bad") for text in in_sight[:_MOST_PROBLEMS]]
        if len(in_sight) > _MOST_PROBLEMS:
            lines.append(say(f"and {len(in_sight) - _MOST_PROBLEMS} more", "muted"))
        problems = self.query_one("#problems", CellLines)
        problems.display = bool(lines)
        if tuple(lines) != problems.lines:
            problems.show(lines)

    def _show_yaml(self) -> None:
        area = self.query_one("#text", TextArea)
        if area.text != self._draft.text:
            area.text = self._draft.text
        self._say_problems()

    def _yaml_help(self) -> Line:
        preset = f" and from the preset {self._draft.preset}" if self._draft.preset else ""
        hidden = ", ".join(self._draft.secrets)
        kept = f" Kept, but not shown here: {hidden}." if hidden else ""
        text = (
            f"What differs from the defaults{preset}; what is left out has its default. Comments stay.{kept}"
        )
        return (Cell("YAML  ", "accent"), Cell(text))

    def _help(self, line: Line) -> None:
        self.query_one("#help", CellLines).show([line])
