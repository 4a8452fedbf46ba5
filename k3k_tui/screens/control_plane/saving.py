"""Files that only their owner can read, and that replace no other without being told to."""

from __future__ import annotations

import os
from pathlib import Path

from k3k_core.cli.private_file import write_private
from k3k_core.errors import K3kError


class ExistsError(K3kError):
    """There is a file of that name."""


def save(path: Path, text: str, *, replace: bool = False) -> None:
    """Write a file.

    Args:
        path: where; a leading "~" is the home folder.
        text: its content.
        replace: whether a file that is there may be replaced.

    Raises:
        ExistsError: there is one, and it may not.
        K3kError: it cannot be written.
    """
    target = path.expanduser()
    if replace:
        write_private(target, text)
        return
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except FileExistsError:
        raise ExistsError(f"{path} exists.") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no name of a file"
        raise K3kError(f"{path} cannot be written: {why}.") from None
