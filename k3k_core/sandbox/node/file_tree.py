"""The file system of one container: what is mounted, and its own scratch space below that."""

from __future__ import annotations

import errno
import os
from pathlib import PurePosixPath

from k3k_core.sandbox.node.process import Launch
from k3k_core.sandbox.node.volumes import Volumes


class FileTree:
    """Files of a container, by absolute path.

    Folders are there as far as there are files in them.

    Args:
        launch: the container.
        volumes: what lies on volumes.
    """

    def __init__(self, launch: Launch, volumes: Volumes) -> None:
        self._launch = launch
        self._volumes = volumes

    def read(self, path: str) -> bytes | None:
        """Return the content of a file; None when there is none."""
        mounted = self._launch.files.read(path)
        if mounted is not None:
            return mounted.encode()
        return self._volumes.read(*self._place(path))

    def text(self, path: str) -> str | None:
        """Return the content of a file as text; None when there is none."""
        content = self.read(path)
        return None if content is None else content.decode(errors="replace")

    def write(self, path: str, content: bytes) -> None:
        """Write a file, in place of the one that is there.

        Raises:
            OSError: the file system is read-only.
        """
        self._check(path)
        self._volumes.write(*self._place(path), content)

    def remove(self, path: str) -> bool:
        """Remove a file; says whether it was there.

        Raises:
            OSError: the file system is read-only.
        """
        self._check(path)
        return self._volumes.remove(*self._place(path))

    def remove_folder(self, folder: str) -> None:
        """Remove a folder with all that is in it.

        Raises:
            OSError: the file system is read-only.
        """
        self._check(folder)
        for name in self.under(folder):
            self.remove(str(PurePosixPath(folder) / name))

    def rename(self, old: str, new: str) -> None:
        """Move a file.

        Raises:
            OSError: it is not there, or the file system is read-only.
        """
        content = self.read(old)
        if content is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), old)
        self.write(new, content)
        self.remove(old)

    def under(self, folder: str) -> list[str]:
        """Return the paths of all files below a folder, relative to it, in order."""
        volume, prefix = self._place(folder)
        start = f"{prefix}/" if prefix else ""
        found = {name[len(start) :] for name in self._volumes.names(volume) if name.startswith(start)}
        return sorted(found | set(self._launch.files.under(folder)))

    def names(self, folder: str) -> list[str]:
        """Return the names of the files and folders in a folder, in order."""
        return sorted({name.partition("/")[0] for name in self.under(folder)})

    async def changed(self) -> None:
        """Wait until a file of any volume is written or removed."""
        await self._volumes.changed()

    def _check(self, path: str) -> None:
        if not self._launch.files.writable(path):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    def _place(self, path: str) -> tuple[str, str]:
        """Return the volume a path lies on, and the path on it."""
        volume = self._launch.volume_of(path)
        if volume is None:
            meta = self._launch.pod["metadata"]
            root = f"pod/{meta['uid']}/root/{self._launch.container['name']}"
            return root, str(PurePosixPath(path)).lstrip("/")
        return volume, self._launch.files.path_on_volume(path)
