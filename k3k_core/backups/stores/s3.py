"""Backups in a bucket of S3-compatible storage."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from k3k_core.backups.manifest import Summary, read_summary
from k3k_core.backups.naming import ARCHIVE_SUFFIX, SUMMARY_SUFFIX, BackupName, parse_name
from k3k_core.backups.stores import is_cut_off, newest_first
from k3k_core.backups.stores.directory import missing
from k3k_core.errors import K3kError, UnreachableError, UsageError

if TYPE_CHECKING:
    from obstore.store import S3Store as Bucket

T = TypeVar("T")
_AT_ONCE = 16
_CHUNK = 8 << 20
# How a refusal looks where the library gives it no class of its own.
_FORBIDDEN = re.compile(
    r"40[13] (?:Forbidden|Unauthorized)|<Code>(?:AccessDenied|InvalidAccessKeyId|Signature)"
)
_CODE = re.compile(r"<Code>(\w+)</Code>")


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket and how to get into it.

    Attributes:
        bucket: its name.
        prefix: beginning of every object's name, without the slash at its end.
        endpoint: URL of the storage; empty for AWS.
        region: e.g. "us-east-1".
        access_key_id: empty for what the environment says, as the tools of AWS do.
        secret_access_key: secret.
        session_token: secret; empty for none.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    access_key_id: str = field(default="", repr=False)
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """For a person: `s3://BUCKET/PREFIX`."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def parse_s3_url(url: str) -> tuple[str, str]:
    """Return the bucket and the prefix of `s3://BUCKET/PREFIX`.

    Args:
        url: as typed.

    Raises:
        UsageError: it is none.
    """
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not bucket:
        raise UsageError(f"{url!r} is no place in S3.", hint="Write it as s3://BUCKET/PREFIX.")
    return bucket, prefix.strip("/")


class S3Store:
    """A bucket.

    Args:
        place: where it is and how to get in.
    """

    def __init__(self, place: S3Place) -> None:
        self._place = place
        self._bucket: Bucket | None = None

    @property
    def place(self) -> str:
        return self._place.url

    async def summaries(self) -> list[Summary]:
        names = [path for path in await self._objects() if path.endswith(SUMMARY_SUFFIX) and parse_name(path)]
        room = asyncio.Semaphore(_AT_ONCE)

        async def summary(path: str) -> Summary | None:
            async with room:
                try:
                    return read_summary(await self._read(path))
                except (K3kError, FileNotFoundError):
                    # Damaged, or removed meanwhile.
                    return None

        found = await asyncio.gather(*(summary(path) for path in names))
        return newest_first([each for each in found if each is not None])

    async def put(self, archive: Path, summary: Summary) -> None:
        import obstore

        bucket = self._open()
        # The archive first: a backup is there from when its summary is.
        await self._do(obstore.put_async(bucket, summary.name.archive, archive, chunk_size=_CHUNK))
        await self._do(obstore.put_async(bucket, summary.name.summary, summary.to_json()))

    async def get(self, name: BackupName, target: Path) -> None:
        import obstore

        try:
            result = await self._do(obstore.get_async(self._open(), name.archive))
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                pieces = aiter(result.stream(min_chunk_size=_CHUNK))
                while (piece := await self._do(anext(pieces, None))) is not None:
                    await asyncio.to_thread(out.write, piece)
        except FileNotFoundError:
            raise missing(name, self.place) from None

    async def remove(self, name: BackupName) -> bool:
        import obstore

        found = False
        for path in (name.summary, name.archive):
            try:
                await self._do(obstore.head_async(self._open(), path))
                await self._do(obstore.delete_async(self._open(), path))
                found = True
            except FileNotFoundError:
                continue
        return found

    async def remove_partial(self) -> int:
        import obstore

        objects = await self._objects()
        whole = {path.removesuffix(SUMMARY_SUFFIX) for path in objects if path.endswith(SUMMARY_SUFFIX)}
        removed = 0
        for path in objects:
            alone = path.endswith(ARCHIVE_SUFFIX) and path.removesuffix(ARCHIVE_SUFFIX) not in whole
            name = parse_name(path) if alone else None
            if name is not None and is_cut_off(name):
                await self._do(obstore.delete_async(self._open(), path))
                removed += 1
        return removed

    async def _objects(self) -> list[str]:
        """Return the names of the objects directly below the prefix."""
        import obstore

        found = await self._do(obstore.list_with_delimiter_async(self._open()))
        return [str(each["path"]) for each in found["objects"]]

    async def _read(self, path: str) -> bytes:
        import obstore

        result = await self._do(obstore.get_async(self._open(), path))
        return bytes(await self._do(result.bytes_async()))

    def _open(self) -> Bucket:
        if self._bucket is None:
            self._bucket = _bucket(self._place)
        return self._bucket

    async def _do(self, work: Awaitable[T]) -> T:
        """Wait for one thing the storage does.

        Raises:
            FileNotFoundError: there is no such object.
            K3kError: it refuses, or does not answer.
        """
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        try:
            return await work
        except FileNotFoundError:
            raise
        except (PermissionDeniedError, UnauthenticatedError):
            raise self._refused() from None
        except (BaseError, OSError) as error:
            text = str(error)
            if _FORBIDDEN.search(text):
                raise self._refused() from None
            raise UnreachableError(
                f"{self.place} cannot be used: {_cause(text)}.",
                hint="Check backup.s3.endpoint, bucket and region.",
            ) from None

    def _refused(self) -> K3kError:
        return K3kError(
            f"{self.place} refuses these credentials.",
            hint="Check access_key_id and secret_access_key in the Secret that backup.s3.secret_name names, or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )


def _cause(text: str) -> str:
    """Return the one thing that matters of a long error of the library, which quotes the whole exchange."""
    code = _CODE.search(text)
    if code is not None:
        return code[1]
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[0].strip()[:200] if lines else "no reason is given"


def _bucket(place: S3Place) -> Bucket:
    try:
        from obstore.store import S3Store as Bucket
    except ImportError:
        raise UsageError(
            "Backups in S3 need the package obstore, which is not installed.",
            hint="Install it with `pip install 'k3k[s3]'`.",
        ) from None
    given: dict[str, Any] = {"region": place.region}
    if place.endpoint:
        given["endpoint"] = place.endpoint
        # Storage of one's own seldom has a name for each bucket.
        given["virtual_hosted_style_request"] = False
    if place.access_key_id:
        given["access_key_id"] = place.access_key_id
        given["secret_access_key"] = place.secret_access_key
    if place.session_token:
        given["session_token"] = place.session_token
    options: Any = {"allow_http": True} if place.endpoint.startswith("http://") else {}
    return Bucket(
        place.bucket,
        prefix=place.prefix or None,
        client_options=options,
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=60)},
        **given,
    )
