"""What lies on the volumes of simulated pods: files as bytes, by volume and by path on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

# Given the volume whose file changed, its path on it and what it holds now; None when it is gone.
OnChange = Callable[[str, str, bytes | None], None]


class Overlay(Protocol):
    """Files that are there without being kept as such: the data of a simulated program in its real form."""

    def read(self, volume: str, path: str) -> bytes | None:
        """Return a file; None when this one is not of its kind, or not there."""

    def names(self, volume: str) -> list[str]:
        """Return the paths of its files on a volume."""

    def remove(self, volume: str, path: str) -> bool:
        """Remove a file; says whether it was there."""


class Volumes:
    """The files of all volumes of a sandbox.

    A volume is known by what `Launch.volume_of` returns: "claim/UID" or "pod/UID/NAME".

    Args:
        overlay: further files.
        on_change: told of each file that is written or removed.
        files: what is there from the start, by volume and path.
    """

    def __init__(
        self,
        overlay: Overlay | None = None,
        on_change: OnChange | None = None,
        files: dict[str, dict[str, bytes]] | None = None,
    ) -> None:
        self._files = files or {}
        self._overlay = overlay
        self._on_change = on_change
        self._waiting: list[asyncio.Future[None]] = []

    def read(self, volume: str, path: str) -> bytes | None:
        """Return a file; None when it is not there."""
        found = self._files.get(volume, {}).get(path)
        if found is None and self._overlay is not None:
            return self._overlay.read(volume, path)
        return found

    def names(self, volume: str) -> list[str]:
        """Return the paths of all files on a volume, in order."""
        names = set(self._files.get(volume, ()))
        if self._overlay is not None:
            names.update(self._overlay.names(volume))
        return sorted(names)

    def write(self, volume: str, path: str, content: bytes) -> None:
        """Put a file on a volume, in place of the one that is there."""
        self._files.setdefault(volume, {})[path] = content
        self._changed(volume, path)

    def remove(self, volume: str, path: str) -> bool:
        """Remove a file; says whether it was there."""
        there = self._files.get(volume, {}).pop(path, None) is not None
        if self._overlay is not None:
            there = self._overlay.remove(volume, path) or there
        if there:
            self._changed(volume, path)
        return there

    def take(self, volume: str, path: str) -> bytes | None:
        """Return a file that was put there and remove it; what an overlay shows stays."""
        found = self._files.get(volume, {}).pop(path, None)
        if found is not None:
            self._changed(volume, path)
        return found

    def drop(self, prefix: str) -> None:
        """Forget the volumes whose name begins with a prefix, or is it but for its last "/"."""
        for volume in [name for name in self._files if f"{name}/".startswith(prefix)]:
            for path in list(self._files.pop(volume)):
                self._changed(volume, path)

    def stored(self, volume: str, path: str) -> bytes | None:
        """Return a file that was put there; None for what an overlay shows, and for what is not there."""
        return self._files.get(volume, {}).get(path)

    async def changed(self) -> None:
        """Wait until a file of any volume is written or removed."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    def _changed(self, volume: str, path: str) -> None:
        if self._on_change is not None:
            self._on_change(volume, path, self._files.get(volume, {}).get(path))
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)
