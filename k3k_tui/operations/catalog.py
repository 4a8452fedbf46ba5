"""Every operation by name, and how one is begun."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.worker import Worker

from k3k_core.errors import UsageError
from k3k_tui.operations.operation import Operation, Start, Takes
from k3k_tui.services import services
from k3k_tui.widgets.dialogs import GivenUpError
from k3k_tui.widgets.toast import tell_failure

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey


def _in(module: str, function: str) -> Start:
    """Return what imports a module of this package when it is needed, and calls a function of it."""

    async def start(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:
        begin: Start = getattr(import_module(f"k3k_tui.operations.{module}"), function)
        await begin(app, targets, words)

    return start


# Seconds after which an operation that has shown nothing is taken to have nothing to ask.
_FIRST_DIALOG = 1.0


def _operation(
    name: str,
    title: str,
    takes: Takes = "one",
    *,
    changes: bool = True,
    module: str = "",
    function: str = "start",
) -> Operation:
    return Operation(name, title, _in(module or name, function), takes, changes)


OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        _operation("create", "Create", "nothing"),
        _operation("edit", "Edit values"),
        _operation("edit-text", "Edit values", module="edit_text"),
        _operation("upgrade", "Upgrade", "several"),
        _operation("rollback", "Roll back"),
        _operation("restart", "Restart", "several"),
        _operation("pause", "Pause", "several", module="life", function="start_pause"),
        _operation("resume", "Resume", "several", module="life", function="start_resume"),
        _operation("protect", "Protect", "several", module="life", function="start_protect"),
        _operation("ttl", "Time to live", "several", module="life", function="start_ttl"),
        _operation("backup", "Back up", "several", module="life", function="start_backup"),
        _operation("delete", "Delete", "several"),
        _operation("kubeconfig", "Kubeconfig", changes=False),
        _operation("kubectl", "kubectl", module="terminals", function="start_kubectl"),
        _operation("k9s", "k9s", module="terminals", function="start_k9s"),
        _operation("shell", "Shell", module="terminals", function="start_shell"),
        _operation("copy", "Copy", changes=False),
        _operation("scrape", "Read now", "several", changes=False),
        _operation("save-values", "Save values", changes=False, module="save_values"),
    )
}


def operate(
    app: App[Any], name: str, targets: tuple[FleetKey, ...] = (), words: tuple[str, ...] = ()
) -> Worker[None]:
    """Begin an operation; its dialogs come up as it needs them, and what cannot be done is said.

    Asked for again before its first dialog is up, it begins anew.

    Args:
        app: the dashboard.
        name: of the operation.
        targets: what it is to work on.
        words: what followed on the command line, such as a version.

    Returns:
        What asks the questions; it never fails.
    """

    async def work() -> None:
        await _begin(app, OPERATIONS[name], targets, words)

    return app.run_worker(work, group=f"operation {name}", exclusive=True, exit_on_error=False)


def until_asked(app: App[Any], worker: Worker[None]) -> Callable[[], bool]:
    """Return what tells whether an operation has yet to show its first dialog, if it shows one.

    Args:
        app: the dashboard.
        worker: what asks its questions.
    """
    from k3k_tui.widgets.dialogs.waiting import Waiting

    below, began = app.screen, time.monotonic()

    def is_on_its_way() -> bool:
        if worker.is_finished:
            return False
        return isinstance(app.screen, Waiting) or (
            app.screen is below and time.monotonic() - began < _FIRST_DIALOG
        )

    return is_on_its_way


async def _begin(
    app: App[Any], operation: Operation, targets: tuple[FleetKey, ...], words: tuple[str, ...]
) -> None:
    try:
        _check(app, operation, targets)
        await operation.start(app, targets, words)
    except GivenUpError:
        return
    except Exception as error:  # noqa: BLE001 (whatever an operation runs into is said and ends it alone)
        tell_failure(app, error, title=operation.title)


def _check(app: App[Any], operation: Operation, targets: tuple[FleetKey, ...]) -> None:
    if operation.changes and services(app).read_only:
        raise UsageError(
            f"{operation.title} changes something, and this dashboard is read-only.",
            hint="Start k3k without --read-only to change things.",
        )
    if operation.takes != "nothing" and not targets:
        raise UsageError(
            f"{operation.title}: there is no control plane to work on.",
            hint="Move the cursor to one, or mark some.",
        )
    if operation.takes == "one" and len(targets) > 1:
        raise UsageError(
            f"{operation.title} works on one control plane at a time, and {len(targets)} are marked.",
            hint="Clear the marks, and move the cursor to the one you mean.",
        )
