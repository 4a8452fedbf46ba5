"""Changing the values of a control plane that exists."""

from __future__ import annotations

from dataclasses import replace

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Static

from k3k_core.fleet import FleetKey
from k3k_core.releases import allowed_versions
from k3k_core.values import LoadedValues
from k3k_tui.drafts import Draft
from k3k_tui.forms.form_screen import EditText, FormScreen, relabel
from k3k_tui.forms.model.checking import check
from k3k_tui.forms.model.editing import text_of
from k3k_tui.forms.model.fields import Section, advanced, essentials, field_of
from k3k_tui.forms.widgets.values_pane import ValuesPane
from k3k_tui.services import services
from k3k_tui.text import clean
from k3k_tui.widgets.dialogs.base import button
from k3k_tui.widgets.key_footer import KeyFooter
from k3k_tui.widgets.toast import tell


class EditScreen(FormScreen[LoadedValues | None]):
    """The values of one control plane; its answer is what they are to become.

    Args:
        key: the control plane.
        draft: where it begins.
        base: the values it has.
        edit: opens an editor.
    """

    DEFAULT_CSS = """
    EditScreen > #heading {
        height: 1;
        padding: 0 1;
        background: $panel;
    }
    """

    def __init__(self, key: FleetKey, draft: Draft, *, base: Draft, edit: EditText) -> None:
        super().__init__(edit)
        self._key = key
        self._draft = draft
        self._base = base
        self._shown = Text()

    def compose(self) -> ComposeResult:
        """Lay out the form."""
        yield Static(id="heading")
        version = field_of("version")
        suggestions = allowed_versions(text_of(self._base, version)) if version is not None else ()
        loaded = check(self._base).loaded
        yield ValuesPane(
            self._draft,
            plain=(essentials(),),
            folded=changeable(),
            existing=loaded.values if loaded is not None else None,
            suggestions={"version": suggestions},
        )
        with Horizontal(id="form-buttons"):
            yield button("Review", "next")
            yield button("YAML", "yaml")
            yield button("Save", "save")
            yield button("Close", "back")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Begin with the first field."""
        self.values.focus_first()
        self.changed()
        if self._draft != self._base:
            tell(self.app, "These are your changes from before. Start anew to see the values it has.")

    def keep(self, draft: Draft) -> None:
        """Keep the draft for when somebody comes back, unless it changes nothing."""
        edits = services(self).drafts.edits
        if draft == self._base:
            edits.pop(self._key, None)
        else:
            edits[self._key] = draft

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what means something here."""
        return action != "retry" and super().check_action(action, parameters)

    async def action_next(self) -> None:
        """Answer with the values, if they can be used."""
        self.values.settle()
        if self.values.view == "yaml" and not self.values.turn():
            self.action_yaml()
            return
        checked = self.values.checked
        if not checked.good or checked.loaded is None:
            await self.values.focus_problem()
        elif self.values.draft == self._base:
            tell(self.app, "Nothing is changed.")
        else:
            self.dismiss(checked.loaded)

    def action_back(self) -> None:
        """Close; the changes are kept."""
        self.values.settle()
        self.dismiss(None)

    def action_reset(self) -> None:
        """Go back to the values it has."""
        self.values.load(self._base)
        self.values.focus_first()

    def changed(self) -> None:
        """Draw the heading."""
        look = services(self).look
        line = Text(f"Values of {clean(str(self._key))}   ", look.palette.style("title"), no_wrap=True)
        wrong = self.values.checked.count
        if wrong:
            line.append(f"{look.glyphs.verdicts['Down']} {wrong} to correct", look.palette.style("bad"))
        elif self.values.draft != self._base:
            line.append("changed", look.palette.style("accent"))
        if line != self._shown:
            self._shown = line
            self.query_one("#heading", Static).update(line)
        relabel(self.query_one("#yaml", Button), "Fields" if self.values.view == "yaml" else "YAML")


def changeable() -> tuple[Section, ...]:
    """Return the folded sections without secrets: what a control plane was made with it keeps."""
    kept = (
        replace(section, fields=tuple(field for field in section.fields if field.kind != "secret"))
        for section in advanced()
    )
    return tuple(section for section in kept if section.fields)
