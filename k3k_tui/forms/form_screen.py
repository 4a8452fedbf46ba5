"""What the screens with a form have in common: its two views, the editor, saving, starting anew."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeAlias, TypeVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Button, TextArea

from k3k_core.errors import K3kError
from k3k_tui.actions.registry import bindings
from k3k_tui.drafts import Draft
from k3k_tui.forms.model.editing import with_yaml
from k3k_tui.forms.save_dialog import SaveDialog
from k3k_tui.forms.widgets.choice import Choice
from k3k_tui.forms.widgets.field_input import FieldInput
from k3k_tui.forms.widgets.fold import FoldHeader
from k3k_tui.forms.widgets.values_pane import ValuesPane
from k3k_tui.widgets.toast import tell, tell_error

T = TypeVar("T")
# Lets somebody change a text in an editor: the dashboard, the text, the name of the file they see.
EditText: TypeAlias = Callable[[App[Any], str, str], Awaitable[str]]
# From this width on there is room for what is wrong beside the field.
_WIDE = 110


class FormScreen(Screen[T]):
    """A screen with a form in it.

    Subclasses compose a `ValuesPane` and say what comes next.

    Args:
        edit: opens an editor.
    """

    # Before what scrolls the form by the same keys.
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("form"),
        Binding("tab", "leave_field(1)", "Next field", show=False, priority=True),
        Binding("shift+tab", "leave_field(-1)", "Previous field", show=False, priority=True),
        Binding("down", "leave_line(1)", "Field below", show=False, priority=True),
        Binding("up", "leave_line(-1)", "Field above", show=False, priority=True),
        Binding("enter", "accept", "Next field", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    FormScreen #form-buttons {
        height: 1;
    }
    FormScreen #form-buttons Button {
        margin: 0 1;
        min-width: 8;
    }
    FormScreen.wide FieldRow {
        grid-size: 3;
        grid-columns: 23 1fr 1fr;
        grid-gutter: 0 1;
    }
    FormScreen.wide FieldRow > CellLines {
        column-span: 1;
        padding-left: 0;
    }
    """

    def __init__(self, edit: EditText) -> None:
        super().__init__()
        self._edit_text = edit

    def on_resize(self, event: Resize) -> None:
        """Put what is wrong beside the fields where there is room."""
        self.set_class(event.size.width >= _WIDE, "wide")

    @property
    def values(self) -> ValuesPane:
        """The form."""
        return self.query_one(ValuesPane)

    @abstractmethod
    async def action_next(self) -> None:
        """Go on."""

    @abstractmethod
    def keep(self, draft: Draft) -> None:
        """Keep the draft for when somebody comes back.

        Args:
            draft: as it is now.
        """

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Leave keys to those who need them themselves: Tab to the YAML, arrows to fields of several lines."""
        if action == "leave_field":
            return not isinstance(self.focused, TextArea) or self.focused.tab_behavior == "focus"
        if action == "leave_line":
            return isinstance(self.focused, FieldInput | Choice | FoldHeader)
        if action == "accept":
            return isinstance(self.focused, FieldInput | Choice)
        return True

    def action_leave_field(self, by: int) -> None:
        """Go to a neighbour.

        Args:
            by: 1 for the next, -1 for the one before.
        """
        if by > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def action_leave_line(self, by: int) -> None:
        """Go to a neighbour.

        Args:
            by: 1 for the next, -1 for the one before.
        """
        self.action_leave_field(by)

    def action_accept(self) -> None:
        """Go on after what was typed or picked."""
        self.action_leave_field(1)

    def on_values_pane_changed(self, event: ValuesPane.Changed) -> None:
        """Keep what was filled in."""
        event.stop()
        self.keep(event.draft)
        self.changed()

    def changed(self) -> None:
        """Draw what tells of the draft as a whole."""

    def action_yaml(self) -> None:
        """Change between the fields and their YAML."""
        if not self.values.turn():
            tell(
                self.app,
                "The fields cannot show this YAML. Correct it first: what is wrong stands below it.",
                severity="warning",
            )
        self.changed()

    @work(group="editor", exclusive=True, exit_on_error=False)
    async def action_editor(self) -> None:
        """Open the YAML in an editor."""
        draft = self.values.draft
        try:
            text = await self._edit_text(self.app, draft.text, f"{draft.name or 'values'}.yaml")
        except K3kError as error:
            tell_error(self.app, error, title="Editor")
            return
        if text != draft.text:
            self.values.load(with_yaml(draft, text))
        # What cannot be shown in fields is shown as the YAML it is: nothing is lost.
        if not self.values.checked.readable and self.values.view == "form":
            self.values.turn()
        self.changed()

    @work(group="save", exclusive=True, exit_on_error=False)
    async def action_save(self) -> None:
        """Save the values to a file."""
        path = await self.app.push_screen_wait(SaveDialog(self.values.draft))
        if path is not None:
            tell(self.app, f"Saved as {path}.")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Do what a button stands for; its id is the name of an action."""
        event.stop()
        self.call_later(self.run_action, f"screen.{event.button.id}")


def relabel(button: Button, label: str) -> None:
    """Let a button say something else, and be as wide as that.

    Args:
        button: the button.
        label: what it says; never markup.
    """
    shown = Content(f" {label} ")
    if button.label != shown:
        button.label = shown
        button.refresh(layout=True)
