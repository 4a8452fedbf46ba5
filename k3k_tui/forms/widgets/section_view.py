"""The fields of one section; of a folded one they are made when it is opened first."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from k3k_tui.drafts import Draft
from k3k_tui.forms.model.checking import Checked
from k3k_tui.forms.model.describing import hint
from k3k_tui.forms.model.editing import text_of
from k3k_tui.forms.model.fields import Section
from k3k_tui.forms.widgets.field_row import FieldRow
from k3k_tui.forms.widgets.fold import FoldHeader


class SectionView(Widget):
    """A section.

    Args:
        section: its fields.
        folded: whether it opens on demand and has a line of its own; otherwise its fields simply stand there.
        draft: what they show.
        checked: what is wrong with that.
        suggestions: texts that complete what is typed, by key of the field.
    """

    DEFAULT_CSS = """
    SectionView, SectionView > Vertical {
        height: auto;
    }
    SectionView > Vertical.closed {
        display: none;
    }
    SectionView > .folded {
        padding-left: 2;
        margin-bottom: 1;
    }
    """

    def __init__(
        self,
        section: Section,
        *,
        folded: bool,
        draft: Draft,
        checked: Checked,
        suggestions: Mapping[str, tuple[str, ...]],
    ) -> None:
        super().__init__()
        self.section = section
        self._folded = folded
        self._draft = draft
        self._checked = checked
        self._suggestions = suggestions
        self._open = not folded
        self._insists = False
        self._header = FoldHeader(section)
        self._rows: tuple[FieldRow, ...] = () if folded else self._made()

    def compose(self) -> ComposeResult:
        """Lay out the line over the section, and its fields unless they are folded away."""
        if self._folded:
            yield self._header
            yield Vertical(classes="folded closed")
        else:
            with Vertical():
                yield from self._rows

    def on_mount(self) -> None:
        """Show what is wrong from the beginning."""
        self.judge(self._checked)

    @property
    def rows(self) -> tuple[FieldRow, ...]:
        """The fields that have been made."""
        return self._rows

    def row(self, key: str) -> FieldRow | None:
        """Return the row of a field; None while it is not made, or stands elsewhere.

        Args:
            key: of the field.
        """
        return next((row for row in self.rows if row.field.key == key), None)

    async def turn(self, open_: bool) -> None:
        """Open or close the section.

        Args:
            open_: whether it is to be open.
        """
        if not self._folded:
            return
        self._open = open_
        body = self.query_one(Vertical)
        if open_ and not body.children:
            self._rows = self._made()
            await body.mount(*self._rows)
        body.set_class(not open_, "closed")
        self.judge(self._checked)

    async def on_fold_header_turned(self, event: FoldHeader.Turned) -> None:
        """Open or close."""
        event.stop()
        await self.turn(event.open)

    def fill(self, draft: Draft, checked: Checked, *, typed: str = "") -> None:
        """Show another draft.

        Args:
            draft: what to show.
            checked: what is wrong with it.
            typed: key of the field that is being typed into, which is left as it is.
        """
        self._draft = draft
        for row in self.rows:
            text = text_of(draft, row.field)
            row.mark(own=bool(text) and not row.field.about_target)
            if row.field.key != typed:
                row.fill(text, hint(row.field, draft.preset, checked.effective))
        self.judge(checked)

    def insist(self) -> None:
        """Say from now on too what is only not filled in yet."""
        self._insists = True
        self.judge(self._checked)

    def judge(self, checked: Checked) -> None:
        """Show what is wrong.

        Args:
            checked: what a check found.
        """
        self._checked = checked
        silent = frozenset() if self._insists else checked.missing
        for row in self.rows:
            key = row.field.key
            row.judge("" if key in silent else checked.problems.get(key, ""), checked.warnings.get(key, ""))
        if self._folded:
            keys = [field.key for field in self.section.fields]
            self._header.show(
                open_=self._open,
                set_=sum(bool(text_of(self._draft, field)) for field in self.section.fields),
                problems=sum(key in checked.problems for key in keys),
            )

    def _made(self) -> tuple[FieldRow, ...]:
        return tuple(
            FieldRow(
                field,
                text_of(self._draft, field),
                hint(field, self._draft.preset, self._checked.effective),
                self._suggestions.get(field.key, ()),
            )
            for field in self.section.fields
        )
