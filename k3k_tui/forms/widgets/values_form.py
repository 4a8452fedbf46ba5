"""The fields of a draft, the essential ones first and the others folded by section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from k3k_tui.drafts import Draft
from k3k_tui.forms.model.checking import Checked
from k3k_tui.forms.model.fields import Section
from k3k_tui.forms.widgets.section_view import SectionView


class ValuesForm(VerticalScroll, can_focus=False):
    """Every field.

    Attributes:
        sections: from top to bottom.

    Args:
        plain: sections that always stand there.
        folded: sections that are opened on demand.
        draft: what is shown.
        checked: what is wrong with it.
        suggestions: texts that complete what is typed, by key of the field.
    """

    DEFAULT_CSS = """
    ValuesForm {
        scrollbar-size: 1 1;
        padding: 0 1;
    }
    """

    def __init__(
        self,
        plain: Sequence[Section],
        folded: Sequence[Section],
        draft: Draft,
        checked: Checked,
        suggestions: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        super().__init__()
        self.sections = tuple(
            SectionView(
                section, folded=is_folded, draft=draft, checked=checked, suggestions=suggestions or {}
            )
            for sections, is_folded in ((plain, False), (folded, True))
            for section in sections
        )

    def compose(self) -> ComposeResult:
        """Lay out the sections."""
        yield from self.sections

    def show(self, draft: Draft, checked: Checked, *, typed: str = "") -> None:
        """Show another draft.

        Args:
            draft: what to show.
            checked: what is wrong with it.
            typed: key of the field that is being typed into, which is left as it is.
        """
        for section in self.sections:
            section.fill(draft, checked, typed=typed)

    async def open(self, key: str) -> bool:
        """Go to a field; its section is opened.

        Args:
            key: of the field.

        Returns:
            Whether there is such a field.
        """
        for section in self.sections:
            if any(field.key == key for field in section.section.fields):
                await section.turn(True)
                row = section.row(key)
                if row is not None:
                    row.control.focus()
                return row is not None
        return False
