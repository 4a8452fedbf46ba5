"""The archive: one file, age-encrypted, in it a compressed tar whose first file describes the others.

Nothing of it is ever on a disk in the clear but the datastore's own file, in a folder of one's own that goes at the
end; nothing of it is in memory as a whole.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from k3k_core.backups.keys import Identities, parse_recipients
from k3k_core.backups.manifest import MANIFEST_FILE, Manifest, read_manifest
from k3k_core.errors import K3kError

if TYPE_CHECKING:
    from pyrage import x25519

_CHUNK = 1 << 20
# Small files are read whole; a database is not among them.
_LARGEST_PART = 16 << 20
# gzip's own choice between speed and size is far too slow for databases.
_LEVEL = 3
_AGE_MAGIC = b"age-encryption.org/v1"


@dataclass(frozen=True, slots=True)
class Written:
    """An archive that was written.

    Attributes:
        manifest: with the digests of its files.
        size: bytes.
        sha256: in hex.
    """

    manifest: Manifest
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Opened:
    """An archive that was opened and checked.

    Attributes:
        manifest: what it says of itself.
        parts: its small files by path.
        payload: the datastore's file, in the folder it was opened into.
    """

    manifest: Manifest
    parts: Mapping[str, bytes]
    payload: Path


def write_archive(
    target: Path, manifest: Manifest, parts: Mapping[str, bytes], payload: Path, recipients: Sequence[str]
) -> Written:
    """Write an archive. It blocks: call it in a thread.

    Args:
        target: file to make, readable by its owner alone.
        manifest: what it says of itself; the digests are filled in.
        parts: small files by path.
        payload: the datastore's file, put at `manifest.payload.file`.
        recipients: public keys of who can open it.

    Raises:
        UsageError: a recipient is no public key.
        K3kError: the disk is full, or the file cannot be written.
    """
    keys = parse_recipients(recipients)
    digests = {path: (len(data), hashlib.sha256(data).hexdigest()) for path, data in parts.items()}
    digests[manifest.payload.file] = (payload.stat().st_size, file_sha256(payload))
    complete = replace(manifest, files=digests)

    def fill(stream: IO[bytes]) -> None:
        with (
            gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=_LEVEL) as packed,
            tarfile.open(fileobj=packed, mode="w|") as tar,
        ):
            _add(tar, MANIFEST_FILE, complete.to_json())
            for path, data in sorted(parts.items()):
                _add(tar, path, data)
            with payload.open("rb") as file:
                tar.addfile(_entry(manifest.payload.file, digests[manifest.payload.file][0]), file)

    try:
        _encrypt(target, keys, fill)
        return Written(complete, target.stat().st_size, file_sha256(target))
    except OSError as error:
        raise K3kError(
            f"The backup cannot be written to {target}: {error.strerror or error}.",
            hint="TMPDIR names another folder for what is under way.",
        ) from None


def read_archive(path: Path, identities: Identities, folder: Path) -> Opened:
    """Open an archive and check every file in it. It blocks: call it in a thread.

    Args:
        path: of the archive.
        identities: who opens it.
        folder: a private folder to put the datastore's file in.

    Raises:
        K3kError: none of the keys fits, or the archive is damaged.
    """
    refuse_other_files(path)
    with _decrypted(path, identities) as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|gz") as tar:
                opened = _read(tar, folder)
            # To the very end: the last piece of the encryption tells that nothing was cut off.
            while stream.read(_CHUNK):
                pass
            return opened
        except (tarfile.TarError, EOFError, OSError) as error:
            raise damaged(path, str(error)) from None


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hex; it blocks.

    Args:
        path: of the file.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_other_files(path: Path) -> None:
    """See that a file is an age archive at all.

    Args:
        path: of the file.

    Raises:
        K3kError: it is not, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_AGE_MAGIC))
    except OSError as error:
        raise K3kError(f"The backup {path} cannot be read: {error.strerror}.") from None
    if start != _AGE_MAGIC:
        raise K3kError(f"{path} is no backup of k3k.", hint="Its name ends with .k3kbackup.")


def damaged(path: Path, why: str = "") -> K3kError:
    """Return the error of an archive that cannot be used.

    Args:
        path: of the archive.
        why: what was found.
    """
    detail = f" ({why})" if why else ""
    return K3kError(
        f"The backup {path.name} is damaged{detail}; nothing was changed.",
        hint="Fetch it again, or take another one: `k3k backup list` shows them.",
    )


def _encrypt(target: Path, keys: list[x25519.Recipient], fill: Callable[[IO[bytes]], None]) -> None:
    """Write a file through a pipe: one thread fills it, this one encrypts what comes out."""
    import pyrage

    read_end, write_end = os.pipe()
    failures: list[BaseException] = []

    def produce() -> None:
        try:
            with os.fdopen(write_end, "wb") as stream:
                fill(stream)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            failures.append(error)

    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out, os.fdopen(read_end, "rb") as source:
        producer = threading.Thread(target=produce, daemon=True)
        producer.start()
        try:
            pyrage.encrypt_io(source, out, keys)
            out.flush()
            os.fsync(out.fileno())
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        finally:
            source.close()
            producer.join()
    if failures:
        target.unlink(missing_ok=True)
        raise failures[0]


@contextmanager
def _decrypted(path: Path, identities: Identities) -> Iterator[IO[bytes]]:
    """Offer what is in an archive as a stream.

    Raises:
        K3kError: none of the keys fits, or the archive is damaged; known at the end of the block at the latest.
    """
    import pyrage

    read_end, write_end = os.pipe()
    failures: list[Exception] = []

    def produce() -> None:
        try:
            with os.fdopen(write_end, "wb") as out, path.open("rb") as source:
                pyrage.decrypt_io(source, out, list(identities.keys))
        except (pyrage.DecryptError, OSError) as error:
            failures.append(error)

    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    trouble: K3kError | None = None
    try:
        with os.fdopen(read_end, "rb") as stream:
            try:
                yield stream
            except K3kError as error:
                trouble = error
    finally:
        producer.join()
    wrong_key = next((each for each in failures if "No matching keys" in str(each)), None)
    if wrong_key is not None:
        raise K3kError(
            f"The key does not open the backup {path.name}; nothing was changed.",
            hint="`k3k backup list -o json` shows the recipients of each backup; name the key that belongs to one of "
            "them with --key-file.",
        )
    if trouble is not None:
        raise trouble
    if any(not isinstance(each, BrokenPipeError) for each in failures):
        raise damaged(path, str(failures[0]))


def _read(tar: tarfile.TarFile, folder: Path) -> Opened:
    entries = iter(tar)
    first = next(entries, None)
    if first is None or first.name != MANIFEST_FILE:
        raise tarfile.TarError("no description in it")
    manifest = read_manifest(_small(tar, first))
    parts: dict[str, bytes] = {}
    payload: Path | None = None
    for entry in entries:
        wanted = manifest.files.get(entry.name)
        if wanted is None or not entry.isreg() or entry.size != wanted[0]:
            raise tarfile.TarError(f"{entry.name} was not expected")
        if entry.name == manifest.payload.file:
            payload = folder / PurePosixPath(entry.name).name
            digest = _extract(tar, entry, payload)
        else:
            parts[entry.name] = _small(tar, entry)
            digest = hashlib.sha256(parts[entry.name]).hexdigest()
        if digest != wanted[1]:
            raise tarfile.TarError(f"{entry.name} is not what it was")
    missing = set(manifest.files) - set(parts) - {manifest.payload.file}
    if payload is None or missing:
        raise tarfile.TarError(f"{', '.join(sorted(missing)) or manifest.payload.file} is missing")
    return Opened(manifest, parts, payload)


def _small(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(entry) if entry.isreg() and entry.size <= _LARGEST_PART else None
    if file is None:
        raise tarfile.TarError(f"{entry.name} is no file of a usual size")
    return file.read()


def _extract(tar: tarfile.TarFile, entry: tarfile.TarInfo, target: Path) -> str:
    """Copy one file out of the archive and return its SHA-256."""
    source = tar.extractfile(entry)
    if source is None:
        raise tarfile.TarError(f"{entry.name} is no file")
    digest = hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()


def _entry(path: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = size, 0o600
    return entry


def _add(tar: tarfile.TarFile, path: str, data: bytes) -> None:
    tar.addfile(_entry(path, len(data)), io.BytesIO(data))
