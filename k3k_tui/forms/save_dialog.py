"""Saving what was filled in: where, with or without secrets, and never over another file unasked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual.widget import Widget
from textual.widgets import Button, Input

from k3k_core.cli.private_file import write_private
from k3k_core.errors import K3kError
from k3k_tui.drafts import Draft
from k3k_tui.forms.model.saving import file_text
from k3k_tui.forms.widgets.choice import Choice
from k3k_tui.widgets.cell_lines import CellLines, say
from k3k_tui.widgets.dialogs.base import Dialog, button


class SaveDialog(Dialog[Path]):
    """Asks for a file and writes it; the answer is where it was written.

    Args:
        draft: what is saved.
    """

    def __init__(self, draft: Draft) -> None:
        super().__init__("Save the values")
        self._draft = draft
        self._replace: Path | None = None

    def body(self) -> Iterable[Widget]:
        """Return what is to be known."""
        yield CellLines(
            [
                say(
                    "The file is readable by you alone. `k3k create -f FILE` makes the same control plane of it."
                )
            ]
        )

    def fields(self) -> Iterable[Widget]:
        """Return the path, whether secrets are written, and what is wrong."""
        yield Input(f"{self._draft.name or 'values'}.yaml", id="path", compact=True, select_on_focus=False)
        if self._draft.secrets:
            yield CellLines([say(f"Secrets in it ({', '.join(self._draft.secrets)}):", "muted")])
            yield Choice((("no", "leave them out"), ("yes", "write them too")), "no")
        yield CellLines(id="problem")

    def buttons(self) -> Iterable[Button]:
        """Return Cancel, then what saves."""
        yield button("Cancel", "cancel")
        yield button("Save", "save")

    def begin(self) -> None:
        """Begin with the path."""
        self.query_one("#path", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Forget what was said about another path."""
        event.stop()
        self._replace = None
        self._say("", "Save")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Save by Enter; a file that exists is replaced by the button alone."""
        event.stop()
        if self._replace is None:
            self._save()

    def pressed(self, name: str) -> None:
        """Save."""
        if name == "save":
            self._save()

    def _save(self) -> None:
        typed = self.query_one("#path", Input).value.strip()
        if not typed:
            self._say("Say where.", "Save")
            return
        try:
            path = Path(typed).expanduser()
            if not self._may_write(path):
                return
            secrets = any(choice.value == "yes" for choice in self.query(Choice))
            write_private(path, file_text(self._draft, secrets=secrets, path=typed))
        except K3kError as error:
            self._say(f"{error.message} {error.hint}", "Save")
        except (OSError, RuntimeError):
            self._say(f"Nothing can be written to {typed}.", "Save")
        else:
            self.dismiss(path)

    def _may_write(self, path: Path) -> bool:
        if not path.exists() or path == self._replace:
            return True
        if not path.is_file():
            self._say(f"{path} is not a file.", "Save")
            return False
        self._replace = path
        self._say(f"{path} exists. Replace takes its place; what it holds now is lost.", "Replace")
        self.query_one("#save", Button).focus()
        return False

    def _say(self, problem: str, label: str) -> None:
        self.query_one("#problem", CellLines).show([say(problem, "bad")] if problem else [])
        self.query_one("#save", Button).label = f" {label} "
