"""kubectl, k9s or a shell on a control plane, through `k3k connect`: it needs no address reachable from here."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

from textual.app import App

from k3k_tui.operations.aside import Pause, always, on_failure, require, run_aside
from k3k_tui.operations.commands import arguments, label
from k3k_tui.services import services
from k3k_tui.widgets.cell_lines import say
from k3k_tui.widgets.dialogs import Ask

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey

_FIRST = "get namespaces"
# A shell ends with the exit code of its last command; only one that ends this soon, in seconds, never began.
_AT_ONCE = 3.0


async def start_kubectl(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:
    """Run kubectl on a control plane.

    Args:
        app: the dashboard.
        targets: the control plane.
        words: arguments of kubectl; asked for when there are none.
    """
    require("kubectl", hint="https://kubernetes.io/docs/tasks/tools/ says how to get it.")
    typed = words or await _arguments(app, targets[0])
    if typed:
        await _connect(app, targets[0], ("kubectl", *typed), always)


async def start_k9s(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:
    """Open k9s on a control plane.

    Args:
        app: the dashboard.
        targets: the control plane.
        words: arguments of k9s.
    """
    require("k9s", hint="https://k9scli.io says how to get it.")
    await _connect(app, targets[0], ("k9s", *words), on_failure)


async def start_shell(app: App[Any], targets: tuple[FleetKey, ...], words: tuple[str, ...]) -> None:
    """Open a shell whose KUBECONFIG leads to a control plane.

    Args:
        app: the dashboard.
        targets: the control plane.
        words: another program than the user's shell.
    """
    program = words or (os.environ.get("SHELL") or "/bin/sh",)
    require(program[0])
    await _connect(app, targets[0], program, _shell_failed)


def _shell_failed(code: int, seconds: float) -> bool:
    return code != 0 and seconds < _AT_ONCE


async def _arguments(app: App[Any], key: FleetKey) -> tuple[str, ...]:
    dialog = Ask(
        f"kubectl on {key}",
        lines=[say("What comes after kubectl:", "muted")],
        value=_FIRST,
        label="Run",
        check=_unreadable,
    )
    typed = await app.push_screen_wait(dialog)
    words = shlex.split(typed or "")
    return tuple(words[1:] if words[:1] == ["kubectl"] else words)


def _unreadable(text: str) -> str:
    """Return why a command line cannot be taken apart, empty when it can."""
    try:
        shlex.split(text)
    except ValueError:
        return "a quotation mark is missing"
    return ""


async def _connect(app: App[Any], key: FleetKey, program: tuple[str, ...], pause: Pause) -> None:
    k3k = (sys.executable, "-m", "k3k_core.cli.main")
    connect = arguments(services(app), key, "connect", "--", *program)
    await run_aside(app, (*k3k, *connect), heading=f"{label(key)}: {shlex.join(program)}", pause=pause)
