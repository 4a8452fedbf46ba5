"""Backups on a volume of the host: a store behind a pod that mounts it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

from k3k_core.backups.manifest import Summary, read_summary
from k3k_core.backups.naming import ARCHIVE_SUFFIX, SUMMARY_SUFFIX, BackupName, parse_name
from k3k_core.backups.stores import is_cut_off, newest_first
from k3k_core.backups.stores.directory import missing
from k3k_core.errors import K3kError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.transfer import fetch_bytes, fetch_file, list_files, remove_files, send_file
from k3k_core.manifests.volume_pods import VOLUME_CONTAINER, VOLUME_DIR

_PIECE = 256 * 1024


class VolumeStore:
    """A volume that a pod of the host mounts.

    Args:
        host: an open host.
        namespace: of the pod.
        pod: its name.
        claim: name of the volume claim, for messages.
    """

    def __init__(self, host: HostApi, namespace: str, pod: str, claim: str) -> None:
        self._host = host
        self._namespace = namespace
        self._pod = pod
        self._claim = claim

    @property
    def place(self) -> str:
        return f"volume {self._namespace}/{self._claim}"

    async def summaries(self) -> list[Summary]:
        names = await self._names()
        found = []
        for name in names:
            backup = parse_name(name) if name.endswith(SUMMARY_SUFFIX) else None
            if backup is None or backup.archive not in names:
                continue
            try:
                found.append(read_summary(await self._read(name)))
            except K3kError:
                # Damaged, or removed meanwhile.
                continue
        return newest_first(found)

    async def put(self, archive: Path, summary: Summary) -> None:
        # The archive first: a backup is there from when its summary is.
        await send_file(
            self._host,
            self._namespace,
            self._pod,
            VOLUME_CONTAINER,
            self._path(summary.name.archive),
            pieces_of(archive),
            summary.size,
            sha256=summary.sha256,
        )
        path = self._path(summary.name.summary)
        await send_file(self._host, self._namespace, self._pod, VOLUME_CONTAINER, path, summary.to_json())

    async def get(self, name: BackupName, target: Path) -> None:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:

            async def take(piece: bytes) -> None:
                out.write(piece)

            try:
                path = self._path(name.archive)
                await fetch_file(self._host, self._namespace, self._pod, VOLUME_CONTAINER, path, take)
            except NotFoundError:
                raise missing(name, self.place) from None

    async def remove(self, name: BackupName) -> bool:
        names = await self._names()
        paths = [self._path(file) for file in (name.summary, name.archive) if file in names]
        await remove_files(self._host, self._namespace, self._pod, VOLUME_CONTAINER, *paths)
        return bool(paths)

    async def remove_partial(self) -> int:
        names = await self._names()
        alone = [
            self._path(name)
            for name in names
            if name.endswith(ARCHIVE_SUFFIX)
            and (backup := parse_name(name)) is not None
            and backup.summary not in names
            and is_cut_off(backup)
        ]
        await remove_files(self._host, self._namespace, self._pod, VOLUME_CONTAINER, *alone)
        return len(alone)

    async def _names(self) -> list[str]:
        return await list_files(self._host, self._namespace, self._pod, VOLUME_CONTAINER, VOLUME_DIR)

    async def _read(self, name: str) -> bytes:
        return await fetch_bytes(
            self._host, self._namespace, self._pod, VOLUME_CONTAINER, self._path(name), limit=1 << 20
        )

    def _path(self, name: str) -> str:
        return f"{VOLUME_DIR}/{name}"


async def pieces_of(path: Path) -> AsyncIterator[bytes]:
    """Yield the contents of a file.

    Args:
        path: of the file.
    """
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
