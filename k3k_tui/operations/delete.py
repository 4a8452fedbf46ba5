"""Deleting control planes: one question for all of them, which names what is lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.widget import Widget

from k3k_core.errors import ConflictError
from k3k_core.lifecycle.progress import Progress
from k3k_tui.operations.asking import nothing_left
from k3k_tui.operations.bulk import Intent, confirmation, count
from k3k_tui.operations.commands import command
from k3k_tui.operations.hosts import ask_all, begin
from k3k_tui.services import services
from k3k_tui.view.cells import Cell
from k3k_tui.view.lines import Line
from k3k_tui.widgets.dialogs import ConfirmByName, Tick

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.delete import DeletePlan
    from k3k_core.names import ControlPlaneId


async def start(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:  # noqa: ARG001
    """Ask whether to delete control planes, and begin.

    Args:
        app: the dashboard.
        targets: the control planes.
        words: none are taken.
    """
    answers = await ask_all(app, "Delete", targets, _plan)
    if await nothing_left(app, "Delete", answers):
        return
    keys = tuple(key for key, _ in answers.known)
    external = frozenset(key for key in keys if _is_external(app, key))
    intents = [Intent(key, tuple(_lines(plan, external=key in external))) for key, plan in answers.known]
    lines = confirmation(intents, answers.refusals, services(app).look.glyphs)
    keepable = all(plan.volumes or key in external for key, plan in answers.known)
    dialog = DeleteDialog(keys, lines, keepable=keepable)
    if await app.push_screen_wait(dialog):
        for key in keys:
            _begin(app, key, keep_data=dialog.keep_data)


class DeleteDialog(ConfirmByName):
    """Asks whether to delete control planes.

    Args:
        keys: which ones.
        lines: what is lost.
        keepable: whether the data of all of them can be kept.
    """

    def __init__(self, keys: Sequence[FleetKey], lines: Sequence[Line], *, keepable: bool) -> None:
        only = keys[0] if len(keys) == 1 else None
        title = f"Delete {only}" if only is not None else f"Delete {count(len(keys))}"
        word = only.name if only is not None else f"delete {len(keys)}"
        super().__init__(title, lines, word=word, label="Delete")
        self._keepable = keepable
        self.keep_data = False

    @property
    def word(self) -> str:
        """What has to be typed; nothing when all data are kept."""
        return "" if self.keep_data else super().word

    def fields(self) -> Iterable[Widget]:
        """Return the choice to keep the data, then the field for the name."""
        if self._keepable:
            yield Tick("Keep the volumes, keys and tokens", "keep")
        yield from super().fields()

    def on_checkbox_changed(self, event: Tick.Changed) -> None:
        """Take notice of whether the data are kept."""
        event.stop()
        self.keep_data = event.value
        self.word_changed()


async def _plan(host: HostApi, identity: ControlPlaneId) -> DeletePlan:
    from k3k_core.lifecycle.delete import plan_delete
    from k3k_core.lifecycle.protect import protect_command

    plan = await plan_delete(host, identity)
    if plan.protected:
        text = f"`{protect_command(identity, on=False)}` takes the protection off."
        raise ConflictError("it is protected", hint=text)
    return plan


def _is_external(app: App[Any], key: FleetKey) -> bool:
    row = services(app).fleet.rows.get(key)
    return row is not None and row.control_plane.datastore == "external"


def _lines(plan: DeletePlan, *, external: bool) -> Iterable[Line]:
    yield (Cell(f"{count(len(plan.objects), 'object')} of the host"),)
    if plan.volumes:
        yield (
            Cell(f"all its data, in {count(len(plan.volumes), 'volume')}: ", "bad"),
            Cell(_names(plan.volumes)),
        )
    elif external:
        yield (
            Cell("the keys and tokens without which its data are of no use", "bad"),
            Cell("; the external datastore itself is not touched"),
        )
    else:
        yield (Cell("all its data, which are in its servers alone", "bad"),)
    if plan.backups:
        yield (Cell(f"the volume with its backups stays: {_names(plan.backups)}", "muted"),)


def _names(subjects: Sequence[str]) -> str:
    return ", ".join(subject.partition("/")[2] for subject in subjects)


def _begin(app: App[Any], key: FleetKey, *, keep_data: bool) -> None:
    async def work(host: HostApi, identity: ControlPlaneId, progress: Progress) -> str:
        from k3k_core.lifecycle.delete import DeleteRequest, delete

        deleted = await delete(host, DeleteRequest(identity, keep_data=keep_data), progress)
        kept = f"; kept: {', '.join(deleted.kept)}" if deleted.kept else ""
        return f"Control plane {identity} deleted{kept}."

    options = ("--yes", "--keep-data") if keep_data else ("--yes",)
    same = command(services(app), key, "delete", *options)
    begin(app, "Delete, keeping the data" if keep_data else "Delete", key, work, command=same)
