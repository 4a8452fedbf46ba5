"""Text in the user's own editor, in a file that nobody else can read and that is gone afterwards."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from textual.app import App

from k3k_core.cli.private_file import write_private
from k3k_core.errors import K3kError, UsageError
from k3k_core.values import read_values_file
from k3k_tui.operations.aside import require, run_aside

# What is taken when the environment names none, as most programs do.
_USUAL = ("sensible-editor", "nano", "vi")


def editor_command(
    environ: Mapping[str, str], which: Callable[[str], str | None] = shutil.which
) -> list[str]:
    """Return the editor to call, with the arguments that its user gave it.

    Args:
        environ: VISUAL comes before EDITOR, as in git and kubectl.
        which: finds programs.

    Raises:
        UsageError: there is none.
    """
    for name in ("VISUAL", "EDITOR"):
        if chosen := environ.get(name, "").strip():
            try:
                return shlex.split(chosen)
            except ValueError:
                raise UsageError(
                    f"{name} is not understood: a quotation mark is missing.", hint="Set it to e.g. `nano`."
                ) from None
    found = next((program for program in _USUAL if which(program)), None)
    if found is None:
        raise UsageError(
            "There is no editor.", hint="Set VISUAL or EDITOR to one, e.g. `export EDITOR=nano`."
        )
    return [found]


async def edit_text(app: App[Any], text: str, name: str) -> str:
    """Let somebody change a text in their editor; return what they saved.

    Args:
        app: the dashboard; it steps aside meanwhile.
        text: what they begin with.
        name: of the file they see; its ending tells the editor what it is.

    Raises:
        K3kError: there is no editor, it failed, or what was saved is no text.
    """
    command = editor_command(os.environ)
    require(command[0], hint="Set VISUAL or EDITOR to an editor that is installed.")
    try:
        with tempfile.TemporaryDirectory(prefix="k3k-") as directory:
            path = Path(directory) / _file_name(name)
            write_private(path, text)
            code = await run_aside(app, [*command, str(path)])
            if code:
                raise K3kError(
                    f"The editor {command[0]} ended with {code}; nothing was taken from it.",
                    hint="See whether VISUAL or EDITOR names the one you mean.",
                )
            return read_values_file(path)
    except OSError as error:
        raise K3kError(f"A file for the editor cannot be made: {error.strerror}.") from None


def _file_name(name: str) -> str:
    """Return a name that stays in its folder, whatever somebody calls a control plane."""
    return "".join(char if char.isalnum() or char in "-." else "-" for char in name)
