"""Finding the backup that is to be restored, fetching it, and opening it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from k3k_core.backups.archive import Opened, damaged, file_sha256, read_archive
from k3k_core.backups.keys import Identities, key_path, read_identities
from k3k_core.backups.manifest import Manifest, Summary
from k3k_core.backups.naming import ARCHIVE_SUFFIX, BackupName, parse_name
from k3k_core.backups.scratch import scratch_folder
from k3k_core.backups.stores import Store
from k3k_core.errors import NotFoundError, UsageError
from k3k_core.host import HostApi
from k3k_core.lifecycle.backup import REVISIONS_PART, SECRETS_PART, VALUES_PART
from k3k_core.lifecycle.backup_catalog import values_of
from k3k_core.lifecycle.backup_target import open_store, target_of
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.values import LoadedValues


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """Which backup, from where, and who opens it.

    Attributes:
        of: the control plane it was taken of.
        backup: its name, or just its time (20261123T080000Z); None for the newest.
        place: a folder, `s3://BUCKET/PREFIX`, `volume`, or the archive's own file; None for what the values say.
        key_file: holds the key; None for the user's own.
    """

    of: ControlPlaneId
    backup: str | None = None
    place: str | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A backup that was fetched, opened and checked.

    Attributes:
        opened: its contents.
        place: where it came from, for a person.
        sha256: of the archive, in hex.
    """

    opened: Opened
    place: str
    sha256: str

    @property
    def manifest(self) -> Manifest:
        """What it says of itself."""
        return self.opened.manifest

    @property
    def payload(self) -> Path:
        """The datastore's file."""
        return self.opened.payload

    def values(self, overrides: Sequence[str] = ()) -> LoadedValues:
        """Return the values in it.

        Args:
            overrides: `path=value` texts laid over them.

        Raises:
            ValuesError: this k3k does not take them, or the overrides.
        """
        from k3k_core.values import load_values

        text = self.opened.parts[VALUES_PART].decode()
        return load_values(text, source=f"the values in backup {self.manifest.name}", overrides=overrides)

    def secret(self, name: str) -> Mapping[str, str] | None:
        """Return the contents of a Secret in it: "pki", "tokens", "etcd-pki" or "kubeconfig".

        Args:
            name: which.
        """
        data = self.opened.parts.get(SECRETS_PART.format(name))
        return None if data is None else {str(key): str(text) for key, text in json.loads(data).items()}

    def revisions(self) -> dict[int, str]:
        """Return the values of the revisions that were kept, as YAML, by number."""
        kept = json.loads(self.opened.parts.get(REVISIONS_PART, b"{}"))
        return {int(number): str(text) for number, text in kept.items()}


@dataclass(frozen=True, slots=True)
class Fetched:
    """An archive that is on this machine.

    Attributes:
        path: of its file.
        place: where it came from, for a person.
    """

    path: Path
    place: str


@asynccontextmanager
async def fetched_backup(
    host: HostApi, request: SourceRequest, progress: Progress = silent
) -> AsyncIterator[Fetched]:
    """Fetch a backup for the time of a block; the file is gone afterwards, unless it was on this machine before.

    Args:
        host: an open host.
        request: which backup.
        progress: told about it.

    Raises:
        NotFoundError: there is none, or none of that name.
        K3kError: the place cannot be looked into, or the archive is damaged.
    """
    # Before anything is fetched: without a key it is of no use.
    read_identities(request.key_file or key_path())
    with scratch_folder() as folder:
        path, place = await _fetched(host, request, folder, progress)
        yield Fetched(path, place)


@asynccontextmanager
async def opened_backup(fetched: Fetched, key_file: Path | None = None) -> AsyncIterator[Source]:
    """Open an archive for the time of a block; what was in it is gone afterwards.

    Args:
        fetched: the archive.
        key_file: holds the key; None for the user's own.

    Raises:
        UsageError: there is no usable key.
        K3kError: the key does not fit, or the archive is damaged.
    """
    identities = read_identities(key_file or key_path())
    with scratch_folder() as folder:
        digest = await asyncio.to_thread(file_sha256, fetched.path)
        opened = await asyncio.to_thread(_open, fetched.path, identities, folder)
        yield Source(opened, fetched.place, digest)


def _open(archive: Path, identities: Identities, folder: Path) -> Opened:
    inside = folder / "opened"
    inside.mkdir(mode=0o700)
    return read_archive(archive, identities, inside)


async def _fetched(
    host: HostApi, request: SourceRequest, folder: Path, progress: Progress
) -> tuple[Path, str]:
    """Return the archive's file and the place it is from."""
    if request.place is not None and request.place.endswith(ARCHIVE_SUFFIX):
        path = await asyncio.to_thread(Path(request.place).expanduser)
        if not await asyncio.to_thread(path.is_file):
            raise NotFoundError(f"There is no backup {path}.", hint="`k3k backup list` shows what there is.")
        return path, str(path)
    values = await values_of(host, request.of)
    target = target_of(request.of, values, request.place)
    async with open_store(host, request.of, values, target) as store:
        chosen = await _chosen(store, request)
        progress(Step("fetch", "started", f"fetching {chosen.name} from {store.place}"))
        path = folder / chosen.name.archive
        await store.get(chosen.name, path)
        place = store.place
    if await asyncio.to_thread(file_sha256, path) != chosen.sha256:
        raise damaged(path, "it is not what it was when it was stored")
    progress(Step("fetch", "done", f"fetched {chosen.name} from {place}"))
    return path, place


async def _chosen(store: Store, request: SourceRequest) -> Summary:
    found = [each for each in await store.summaries() if each.name.id == request.of]
    if not found:
        raise NotFoundError(
            f"There are no backups of {request.of} in {store.place}.",
            hint="Name the place with --from: a folder, s3://BUCKET/PREFIX or `volume`.",
        )
    if request.backup is None:
        return found[0]
    wanted = _wanted(request)
    for each in found:
        if each.name == wanted:
            return each
    raise NotFoundError(
        f"There is no backup {wanted} in {store.place}.",
        hint=f"There are {', '.join(str(each.name) for each in found[:5])}.",
    )


def _wanted(request: SourceRequest) -> BackupName:
    text = request.backup or ""
    name = parse_name(text) or parse_name(f"{request.of.namespace}.{request.of.name}.{text}")
    if name is None:
        raise UsageError(
            f"{text!r} is no name of a backup.",
            hint="It is NAMESPACE.NAME.TIME, or the time alone: 20261123T080000Z.",
        )
    return name
