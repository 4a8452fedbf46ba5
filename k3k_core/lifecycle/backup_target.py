"""Where the backups of a control plane are: as asked for, else as its values say, else in a folder of the user's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from k3k_core import manifests
from k3k_core.backups.stores import Store
from k3k_core.backups.stores.directory import DirectoryStore, default_directory
from k3k_core.errors import ConflictError, NotFoundError, UsageError
from k3k_core.host import HostApi
from k3k_core.names import ControlPlaneId
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, SECRET

if TYPE_CHECKING:
    from k3k_core.backups.stores.s3 import S3Place
    from k3k_core.values import Values

_VOLUME = "volume"
_ACCESS_KEY = "access_key_id"
_SECRET_KEY = "secret_access_key"  # noqa: S105 - a key's name
_SESSION_TOKEN = "session_token"  # noqa: S105 - a key's name


@dataclass(frozen=True, slots=True)
class Target:
    """A place for backups that nobody has looked into yet.

    Attributes:
        kind: what it is.
        where: the folder, `s3://BUCKET/PREFIX`, or the name of a volume claim.
    """

    kind: Literal["directory", "s3", "volume"]
    where: str

    def __str__(self) -> str:
        return f"volume {self.where}" if self.kind == "volume" else self.where


def target_of(identity: ControlPlaneId, values: Values | None, asked: str | None) -> Target:
    """Return where backups go to, or come from.

    Args:
        identity: the control plane.
        values: its values; None when they are not known.
        asked: what the command line says: a folder, `s3://BUCKET/PREFIX`, `volume` or `volume:CLAIM`.

    Raises:
        UsageError: what is asked for is no place.
    """
    backup = values.backup if values is not None else None
    if asked is None:
        if backup is not None and backup.s3.bucket:
            return Target("s3", f"s3://{backup.s3.bucket}/{backup.s3.prefix.strip('/')}".rstrip("/"))
        if backup is not None and backup.volume.enabled:
            return Target("volume", backup.volume.claim_name or identity.backups)
        return Target("directory", str(default_directory()))
    if asked == _VOLUME or asked.startswith(f"{_VOLUME}:"):
        named = asked.partition(":")[2]
        known = backup.volume.claim_name if backup is not None else ""
        return Target("volume", named or known or identity.backups)
    if "://" in asked:
        from k3k_core.backups.stores.s3 import parse_s3_url

        bucket, prefix = parse_s3_url(asked)
        return Target("s3", f"s3://{bucket}/{prefix}".rstrip("/"))
    if not asked:
        raise UsageError("The place of the backups is empty.", hint="Name a folder, or s3://BUCKET/PREFIX.")
    return Target("directory", str(Path(asked).expanduser()))


@asynccontextmanager
async def open_store(
    host: HostApi, identity: ControlPlaneId, values: Values | None, target: Target, *, write: bool = False
) -> AsyncIterator[Store]:
    """Open a place for backups for the time of a block.

    Args:
        host: an open host.
        identity: the control plane.
        values: its values: credentials of the bucket, image of the pod that mounts a volume.
        target: the place.
        write: whether a volume that does not exist is made.

    Raises:
        NotFoundError: the folder, the Secret with the bucket's credentials, or the volume, does not exist.
        K3kError: the host refuses or does not answer.
    """
    if target.kind == "directory":
        folder = Path(target.where)
        # The default one is made with the first backup; another one that does not exist was mistyped.
        if not (write or folder == default_directory() or await asyncio.to_thread(folder.is_dir)):
            raise NotFoundError(f"The folder {folder} does not exist.", hint="Name the one with --from.")
        yield DirectoryStore(folder)
    elif target.kind == "s3":
        from k3k_core.backups.stores.s3 import S3Store

        yield S3Store(await _s3_place(host, identity, values, target))
    else:
        async with _volume(host, identity, values, target.where, write=write) as store:
            yield store


async def check_target(host: HostApi, identity: ControlPlaneId, values: Values, target: Target) -> None:
    """See that a place can take a backup, before a server is held or stopped for its copy.

    Args:
        host: an open host.
        identity: the control plane.
        values: its values.
        target: the place.

    Raises:
        NotFoundError: the volume claim, or the Secret with the bucket's credentials, does not exist.
        K3kError: the folder cannot be written to.
    """
    if target.kind == "directory":
        await DirectoryStore(Path(target.where)).check()
    elif target.kind == "s3":
        await _s3_place(host, identity, values, target)
    elif target.where != identity.backups:
        try:
            await host.get(PERSISTENT_VOLUME_CLAIM, identity.namespace, target.where)
        except NotFoundError:
            raise _no_claim(identity, target.where) from None


async def _s3_place(
    host: HostApi, identity: ControlPlaneId, values: Values | None, target: Target
) -> S3Place:
    from k3k_core.backups.stores.s3 import S3Place, parse_s3_url

    bucket, prefix = parse_s3_url(target.where)
    known = values.backup.s3 if values is not None else None
    if known is None or known.bucket != bucket:
        import os

        # As the tools of AWS read it.
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
        return S3Place(bucket, prefix, endpoint, region)
    if not known.secret_name:
        return S3Place(bucket, prefix, known.endpoint, known.region)
    name = f"{identity.namespace}/{known.secret_name}"
    try:
        secret = await host.get(SECRET, identity.namespace, known.secret_name)
    except NotFoundError:
        raise NotFoundError(
            f"Secret {name} (backup.s3.secret_name) does not exist",
            hint=f"Make it: `kubectl -n {identity.namespace} create secret generic {known.secret_name} "
            f"--from-literal={_ACCESS_KEY}=ID --from-literal={_SECRET_KEY}=KEY`.",
        ) from None
    data = manifests.secret_data(secret)
    if missing := [key for key in (_ACCESS_KEY, _SECRET_KEY) if not data.get(key)]:
        raise UsageError(
            f"Secret {name} (backup.s3.secret_name) has no key {' and '.join(missing)}.",
            hint=f"It needs {_ACCESS_KEY} and {_SECRET_KEY}.",
        )
    return S3Place(
        bucket,
        prefix,
        known.endpoint,
        known.region,
        data[_ACCESS_KEY],
        data[_SECRET_KEY],
        data.get(_SESSION_TOKEN, ""),
    )


@asynccontextmanager
async def _volume(
    host: HostApi, identity: ControlPlaneId, values: Values | None, claim: str, *, write: bool
) -> AsyncIterator[Store]:
    from k3k_core.lifecycle.backup_volume import VolumeStore
    from k3k_core.lifecycle.volume_pod import mounted
    from k3k_core.manifests.volume_pods import backups_claim, volume_pod
    from k3k_core.values import Values as AnyValues

    known = values if values is not None else AnyValues()
    made = write and claim == identity.backups
    try:
        await host.get(PERSISTENT_VOLUME_CLAIM, identity.namespace, claim)
        made = False
    except NotFoundError:
        if not made:
            raise _no_claim(identity, claim) from None
    if made:
        try:
            await host.create(backups_claim(identity, known))
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise
    async with mounted(host, volume_pod(identity, known, identity.backups, claim)) as pod:
        yield VolumeStore(host, identity.namespace, pod, claim)


def _no_claim(identity: ControlPlaneId, claim: str) -> NotFoundError:
    return NotFoundError(
        f"the volume claim {identity.namespace}/{claim} does not exist",
        hint="Check backup.volume.claim_name, or name another place.",
    )
