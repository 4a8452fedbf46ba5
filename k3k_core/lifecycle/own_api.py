"""The API of a control plane itself, opened like a host: through a tunnel, as its administrator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from k3k_core.errors import K3kError, UnreachableError
from k3k_core.host import HostApi, HostOptions, open_host
from k3k_core.host.private_files import private_files
from k3k_core.lifecycle.connect import connect
from k3k_core.names import ControlPlaneId


@asynccontextmanager
async def open_control_plane(
    host: HostApi, identity: ControlPlaneId, *, request_timeout: float = 15.0
) -> AsyncIterator[HostApi]:
    """Open the API of a control plane for the time of a block, with the rights of its administrator.

    Args:
        host: an open host.
        identity: the control plane.
        request_timeout: seconds one request may take.

    Raises:
        NotFoundError: it does not exist.
        NotReadyError: none of its servers runs.
        ForbiddenError: this user may not reach its servers through the host.
        UnreachableError: it does not answer.
    """
    troubles: list[K3kError] = []
    async with connect(host, identity, troubles.append) as way:
        with private_files(way.kubeconfig.encode()) as (path,):
            options = HostOptions(kubeconfig=path, request_timeout=request_timeout)
            async with open_host(options, environ={}) as own:
                try:
                    yield own
                except UnreachableError:
                    # Why the tunnel came to nothing is nearer to the cause than a connection that broke.
                    if troubles:
                        raise troubles[-1] from None
                    raise
