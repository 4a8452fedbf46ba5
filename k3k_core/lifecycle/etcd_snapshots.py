"""Taking a snapshot of a dedicated etcd into a file."""

from __future__ import annotations

import os
from pathlib import Path

from k3k_core.datastores.etcd_cluster import open_etcd
from k3k_core.datastores.etcd_stream import TakenSnapshot
from k3k_core.errors import K3kError
from k3k_core.host import HostApi
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.names import ControlPlaneId


async def save_snapshot(
    host: HostApi, identity: ControlPlaneId, path: Path, progress: Progress = silent
) -> TakenSnapshot:
    """Write a snapshot of all that a control plane stores; the file appears whole or not at all.

    It holds every Secret of the control plane, readable by anybody who reads the file unless they are encrypted.

    Args:
        host: an open host.
        identity: the control plane.
        path: of the file, which nobody but its owner can read; one that exists is replaced.
        progress: told about it.

    Raises:
        NotFoundError: the control plane has no etcd of its own.
        NotReadyError: no member is healthy.
        K3kError: the snapshot broke off, or cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    async with open_etcd(host, identity) as etcd:
        client = await etcd.working()
        progress(Step("snapshot", "started", f"taking a snapshot of {client.name}", f"Pod/{client.name}"))
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:

                async def write(piece: bytes) -> None:
                    file.write(piece)

                taken = await client.snapshot(write)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise K3kError(
                f"{path} cannot be written: {error.strerror}", hint="Choose another file."
            ) from None
        finally:
            part.unlink(missing_ok=True)
    progress(Step("snapshot", "done", f"{taken.size} bytes in {path}"))
    return taken
