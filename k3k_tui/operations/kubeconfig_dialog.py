"""The dialog around one kubeconfig."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Button
from textual.worker import Worker

from k3k_core.errors import ConflictError, UsageError
from k3k_tui.operations.asking import no_file, user_path
from k3k_tui.operations.copy import copy_text
from k3k_tui.operations.masking import masked
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line
from k3k_tui.widgets.cell_lines import CellLines, say
from k3k_tui.widgets.dialogs import Ask, AskEntries, Confirm, Dialog, Entry, GivenUpError, button
from k3k_tui.widgets.toast import tell, tell_failure

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey

_MASTERS = "system:masters"
_LIFETIME = "8h"


@dataclass(frozen=True, slots=True)
class Issue:
    """A kubeconfig to be made for somebody.

    Attributes:
        user: name the control plane will see.
        groups: groups the control plane will see.
        lifetime: seconds it is good for.
    """

    user: str
    groups: tuple[str, ...]
    lifetime: float


class KubeconfigDialog(Dialog[bool]):
    """Shows a kubeconfig without its secrets, and does things with it.

    Args:
        key: the control plane.
        document: its admin kubeconfig.
        issue: makes one for somebody else.
    """

    BODY_SHARE = 0.75
    DEFAULT_CSS = """
    KubeconfigDialog > #frame {
        width: 95%;
        max-width: 120;
    }
    KubeconfigDialog #buttons Button {
        margin-left: 1;
        min-width: 6;
    }
    """

    def __init__(self, key: FleetKey, document: str, issue: Callable[[Issue], Awaitable[str]]) -> None:
        super().__init__(f"Kubeconfig of {key}")
        self._key = key
        self._document = document
        self._issue = issue
        self._user = ""
        self.revealed = False

    def body(self) -> Iterable[Widget]:
        """Return who it is for, then the kubeconfig."""
        yield CellLines(id="facts")
        yield CellLines(id="document")

    def buttons(self) -> Iterable[Button]:
        """Return what can be done."""
        yield button("Close", "cancel")
        yield button("Reveal", "reveal")
        yield button("Copy", "copy")
        yield button("Save", "save")
        yield button("Merge", "merge")
        yield button("For a user", "user")

    def begin(self) -> None:
        """Begin masked."""
        super().begin()
        self._draw()

    def pressed(self, name: str) -> None:
        """Do what a button stands for."""
        if name == "reveal":
            self.revealed = not self.revealed
            self._draw()
        elif name == "copy":
            copy_text(self.app, self._document, what=f"The kubeconfig of {self._key}, for {self._whom}.")
        else:
            self._flow({"save": self._save, "merge": self._merge, "user": self._for_a_user}[name])

    def _flow(self, flow: Callable[[], Coroutine[Any, Any, None]]) -> Worker[None]:
        async def guarded() -> None:
            try:
                await flow()
            except GivenUpError:
                return
            except Exception as error:  # noqa: BLE001 (said, and the dialog stays)
                tell_failure(self.app, error, title="Kubeconfig")

        return self.run_worker(guarded, group="kubeconfig", exclusive=True, exit_on_error=False)

    @property
    def _whom(self) -> str:
        return self._user or "admin"

    def _draw(self) -> None:
        text = self._document if self.revealed else masked(self._document)
        self.query_one("#facts", CellLines).show(self._facts())
        self.query_one("#document", CellLines).show([say(line) for line in text.rstrip("\n").split("\n")])
        self.query_one("#reveal", Button).label = " Hide " if self.revealed else " Reveal "
        self.query_one("#body", VerticalScroll).scroll_home(animate=False)

    def _facts(self) -> Iterable[Line]:
        from k3k_core.pki import kubeconfig_expiry

        ends = kubeconfig_expiry(self._document)
        until = (
            f"until {ends:%Y-%m-%d %H:%M} UTC" if ends is not None else "for as long as the cluster knows it"
        )
        whom = f"{self._user}; Kubernetes cannot revoke it" if self._user else "admin, who may do everything"
        yield (Cell(f"For {whom}; ", "warn"), Cell(until, "muted"))
        yield ()

    async def _save(self) -> None:
        from k3k_core.cli.private_file import check_target, write_private

        name = f"{self._key.name}.kubeconfig.yaml"
        dialog = Ask("Save the kubeconfig", value=name, label="Save", lines=[_PRIVATE], check=no_file)
        typed = await self.app.push_screen_wait(dialog)
        if typed is None:
            return
        path = user_path(typed)
        try:
            check_target(path, self._key.name, force=False)
        except UsageError as error:
            # What is no file at all cannot be replaced either.
            check_target(path, self._key.name, force=True)
            lines = [say(error.message.partition(";")[0]), say("What is in it now is lost.", "bad")]
            question = Confirm("Replace the file", lines, label="Replace", danger=True)
            if not await self.app.push_screen_wait(question):
                return
        write_private(path, self._document)
        tell(self.app, f"Wrote {path}; only you can read it.", title="Kubeconfig saved")

    async def _merge(self) -> None:
        from k3k_core.cli.kubeconfig_file import default_file, merge_into

        file, name, first = str(default_file()), self._key.name, _KEPT
        while (answers := await self._ask_where(file, name, first)) is not None:
            file, name = answers["file"], answers["context"]
            try:
                merged = merge_into(user_path(file), self._document, context=name)
            except ConflictError as error:
                first, name = say(error.message, "bad"), f"{self._key.name}@{self._key.host}"
                continue
            verb = "Replaced" if merged.replaced else "Added"
            backup = f" As it was, the file is kept in {merged.backup}." if merged.backup is not None else ""
            text = f"{verb} context {merged.context} in {merged.path}.{backup}"
            tell(self.app, text, title="Kubeconfig merged")
            return

    async def _ask_where(self, file: str, name: str, first: Line) -> Mapping[str, str] | None:
        entries = (
            Entry("file", "Kubeconfig file", file, check=_needed),
            Entry("context", "Name of the context in it", name, check=_needed),
        )
        dialog = AskEntries("Merge the kubeconfig", entries, lines=[first], label="Merge")
        return await self.app.push_screen_wait(dialog)

    async def _for_a_user(self) -> None:
        from k3k_core.cli.durations import parse_duration

        entries = (
            Entry("user", "User", placeholder="jane", check=_needed),
            Entry("groups", "Groups, separated by commas", placeholder="devs", check=_groups_problem),
            Entry("lifetime", "For how long", _LIFETIME, check=_duration_problem),
        )
        lines = [say("Nothing is stored. Kubernetes cannot revoke it, so let it be short.", "muted")]
        dialog = AskEntries(f"A kubeconfig for {self._key}", entries, lines=lines, label="Make it")
        answers = await self.app.push_screen_wait(dialog)
        if answers is None:
            return
        groups = tuple(part.strip() for part in answers["groups"].split(",") if part.strip())
        issue = Issue(answers["user"], groups, parse_duration(answers["lifetime"]))
        self._document = await self._issue(issue)
        self._user, self.revealed = issue.user, False
        self._draw()


_PRIVATE = say("Only you will be able to read it.", "muted")
_KEPT = say("What is in the file stays; as it was, it is kept in a copy.", "muted")


def _needed(text: str) -> str:
    return "" if text else "this is needed"


def _groups_problem(text: str) -> str:
    """Refuse a group whose members no role can hold back; with the command it is only warned of."""
    groups = {part.strip() for part in text.split(",")}
    return (
        f"members of {_MASTERS} may do everything, for ever; name a group of your own"
        if _MASTERS in groups
        else ""
    )


def _duration_problem(text: str) -> str:
    from k3k_core.cli.durations import parse_duration

    try:
        parse_duration(text)
    except ValueError as error:
        return str(error)
    return ""
