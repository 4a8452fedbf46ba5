"""Opening a host."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from k3k_core.host.api import HostOptions
from k3k_core.host.connection import find_connection
from k3k_core.host.credentials import Credentials

if TYPE_CHECKING:
    from k3k_core.host.client import Host


@asynccontextmanager
async def open_host(options: HostOptions, environ: Mapping[str, str] = os.environ) -> AsyncIterator[Host]:
    """Find the host that is meant and offer it until the block ends; it is contacted by the first request.

    Args:
        options: what the user asked for.
        environ: the environment: `KUBECONFIG`, proxies, the pod's own cluster.

    Raises:
        UsageError: there is no such host, or the kubeconfig is not usable.
    """
    connection = find_connection(options, environ)
    from k3k_core.host.client import Host

    # A plugin that hangs is reported as such, and not as a host that does not answer.
    credentials = Credentials(connection.login, plugin_timeout=0.9 * options.request_timeout)
    host = Host(connection, credentials, request_timeout=options.request_timeout)
    try:
        yield host
    finally:
        await host.close()
