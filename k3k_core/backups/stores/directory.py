"""Backups as files of a folder."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from k3k_core.backups.manifest import Summary, read_summary
from k3k_core.backups.naming import ARCHIVE_SUFFIX, PARTIAL_SUFFIX, SUMMARY_SUFFIX, BackupName, parse_name
from k3k_core.backups.stores import is_cut_off, newest_first
from k3k_core.errors import K3kError, NotFoundError

T = TypeVar("T")


def default_directory() -> Path:
    """Return the folder backups are kept in unless another one is named."""
    import platformdirs

    return Path(platformdirs.user_data_dir("k3k")) / "backups"


class DirectoryStore:
    """A folder; what is put there is readable by its owner alone.

    Args:
        folder: made when it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        return str(self._folder)

    async def summaries(self) -> list[Summary]:
        return await self._do(self._summaries)

    async def check(self) -> None:
        """See that the folder can be written to, making it if it does not exist.

        Raises:
            K3kError: it cannot.
        """
        await self._do(self._check)

    async def put(self, archive: Path, summary: Summary) -> None:
        await self._do(lambda: self._put(archive, summary))

    async def get(self, name: BackupName, target: Path) -> None:
        await self._do(lambda: self._get(name, target))

    async def remove(self, name: BackupName) -> bool:
        return await self._do(lambda: self._remove(name))

    async def remove_partial(self) -> int:
        return await self._do(self._remove_partial)

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise K3kError(
                f"The folder of backups {self._folder} cannot be used: {error.strerror or error}.",
                hint="Name another one with --to or --from.",
            ) from None

    def _summaries(self) -> list[Summary]:
        if not self._folder.is_dir():
            return []
        found = []
        for path in self._folder.glob(f"*{SUMMARY_SUFFIX}"):
            name = parse_name(path.name)
            if name is None or not (self._folder / name.archive).is_file():
                continue
            try:
                found.append(read_summary(path.read_bytes()))
            except K3kError:
                continue
        return newest_first(found)

    def _check(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def _put(self, archive: Path, summary: Summary) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The archive first: a backup is there from when its summary is.
        for name, source in ((summary.name.archive, archive), (summary.name.summary, summary.to_json())):
            partial = self._folder / f"{name}{PARTIAL_SUFFIX}"
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                if isinstance(source, bytes):
                    out.write(source)
                else:
                    with source.open("rb") as file:
                        shutil.copyfileobj(file, out, 1 << 20)
                out.flush()
                os.fsync(out.fileno())
            partial.replace(self._folder / name)

    def _get(self, name: BackupName, target: Path) -> None:
        source = self._folder / name.archive
        if not source.is_file():
            raise missing(name, self.place)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with source.open("rb") as file, os.fdopen(descriptor, "wb") as out:
            shutil.copyfileobj(file, out, 1 << 20)

    def _remove(self, name: BackupName) -> bool:
        found = False
        for file in (name.summary, name.archive):
            path = self._folder / file
            found = found or path.exists()
            path.unlink(missing_ok=True)
        return found

    def _remove_partial(self) -> int:
        if not self._folder.is_dir():
            return 0
        removed = 0
        for path in self._folder.iterdir():
            name = parse_name(path.name.removesuffix(PARTIAL_SUFFIX))
            whole = path.name.endswith(SUMMARY_SUFFIX)
            if name is None or whole or (self._folder / name.summary).exists():
                continue
            partial = path.name.endswith((PARTIAL_SUFFIX, ARCHIVE_SUFFIX))
            if partial and is_cut_off(name):
                path.unlink(missing_ok=True)
                removed += 1
        return removed


def missing(name: BackupName, place: str) -> NotFoundError:
    """Return the error of a backup that a store does not have.

    Args:
        name: of the backup.
        place: of the store.
    """
    return NotFoundError(
        f"There is no backup {name} in {place}.", hint="`k3k backup list` shows what there is."
    )
