"""What lies on simulated volumes, kept in a folder: one file each, so that backups outlive the sandbox."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote

from k3k_core.errors import K3kError

_NAME = "volumes"
_PART = ".part"


class VolumeFolder:
    """Keeps files of volumes; a file is there whole or not at all.

    Args:
        directory: as given to `--data`.
    """

    def __init__(self, directory: Path) -> None:
        self._folder = directory / _NAME

    def load(self) -> dict[str, dict[str, bytes]]:
        """Return the files by volume and by path on it.

        Raises:
            K3kError: one cannot be read.
        """
        found: dict[str, dict[str, bytes]] = {}
        try:
            for path in sorted(self._folder.glob("*/*")):
                if path.suffix != _PART:
                    found.setdefault(unquote(path.parent.name), {})[unquote(path.name)] = path.read_bytes()
        except OSError as error:
            raise K3kError(f"Cannot read the sandbox's data in {self._folder}: {error.strerror}.") from None
        return found

    def put(self, volume: str, path: str, content: bytes | None) -> None:
        """Keep a file, or forget it.

        Args:
            volume: its name.
            path: on the volume.
            content: None for a file that was removed.

        Raises:
            OSError: it cannot be written; the program that wrote it sees the error.
        """
        folder = self._folder / quote(volume, safe="")
        kept = folder / quote(path, safe="")
        if content is None:
            kept.unlink(missing_ok=True)
            with suppress(OSError):
                folder.rmdir()
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = kept.with_name(f"{kept.name}{_PART}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        part.replace(kept)
