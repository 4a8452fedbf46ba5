"""A program that gets the terminal for itself while the dashboard steps aside and goes on reading its hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import App, SuspendNotSupported

from k3k_core.errors import UsageError


async def run_in_foreground(
    app: App[Any], command: Sequence[str], environ: Mapping[str, str] | None = None
) -> int:
    """Run a program on the dashboard's terminal and wait for its end.

    Nothing is drawn meanwhile: Textual's writer stands still while it is suspended, and a full queue would stop
    everything (textual/drivers/_writer_thread.py).

    Args:
        app: the dashboard.
        command: the program and its arguments.
        environ: its environment; None for that of the dashboard.

    Returns:
        Its exit code.

    Raises:
        UsageError: the program is missing, or the dashboard has no terminal that it could step aside from.
    """
    try:
        with app.suspend(), app.batch_update():
            process = await asyncio.create_subprocess_exec(
                *command, env=dict(environ) if environ is not None else None
            )
            code = await process.wait()
    except SuspendNotSupported:
        raise UsageError(
            "A program cannot be opened from here: the dashboard has no terminal of its own, as in a browser.",
            hint="Open the dashboard in a terminal to do this.",
        ) from None
    except FileNotFoundError:
        raise UsageError(
            f"There is no program {command[0]}.", hint="Install it, or put it on the PATH."
        ) from None
    except PermissionError:
        raise UsageError(f"{command[0]} cannot be run.", hint="See whether it may be executed.") from None
    app.refresh(layout=True)
    return code
