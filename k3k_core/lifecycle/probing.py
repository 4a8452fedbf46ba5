"""Using a single server before clients are led to it: reading and writing through it, as its administrator."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from k3k_core.discovery.addresses import url
from k3k_core.errors import K3kError, NotReadyError
from k3k_core.host import HostApi, HostOptions, open_host, open_tunnel
from k3k_core.host.private_files import private_files
from k3k_core.lifecycle.connect import redirected
from k3k_core.names import API_PORT, FIELD_MANAGER, LABEL_MANAGED_BY, ControlPlaneId
from k3k_core.resources import CONFIG_MAP, NAMESPACE

_LOOPBACK = "127.0.0.1"
_ATTEMPTS = 3
_PAUSE = 1.0
# What is written into the control plane and taken away again; a name that says whose it is.
_PROBE = "k3k-upgrade-probe"
_PROBE_NAMESPACE = "kube-system"


async def probe_servers(
    host: HostApi,
    identity: ControlPlaneId,
    document: str,
    pods: Iterable[str],
    *,
    request_timeout: float = 15.0,
) -> None:
    """Read and write through each of some servers; that a server is ready by its own word is the kubelet's to see.

    Args:
        host: an open host.
        identity: the control plane.
        document: kubeconfig of its administrator.
        pods: names of the servers' pods.
        request_timeout: seconds one request may take.

    Raises:
        NotReadyError: one of them cannot be used.
    """
    for pod in pods:
        await _probe(host, identity, document, pod, request_timeout)


async def _probe(
    host: HostApi, identity: ControlPlaneId, document: str, pod: str, request_timeout: float
) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            await _use(host, identity, document, pod, request_timeout)
            return
        except K3kError as error:
            if attempt + 1 == _ATTEMPTS:
                raise NotReadyError(
                    f"server {pod} of control plane {identity} is ready by its own word, but cannot be used: "
                    f"{error.message}",
                    hint=f"`k3k logs {identity.name} -n {identity.namespace}` shows what it writes.",
                ) from None
            await asyncio.sleep(_PAUSE)


async def _use(
    host: HostApi, identity: ControlPlaneId, document: str, pod: str, request_timeout: float
) -> None:
    async with open_tunnel(host, identity.namespace, pod, API_PORT) as tunnel:
        through = redirected(document, url(_LOOPBACK, tunnel.port)).encode()
        with private_files(through) as (path,):
            options = HostOptions(kubeconfig=path, request_timeout=request_timeout)
            async with open_host(options, environ={}) as own:
                await own.get(NAMESPACE, None, _PROBE_NAMESPACE)
                await own.apply(_written(pod), force=True)
                await own.delete(CONFIG_MAP, _PROBE_NAMESPACE, _PROBE)


def _written(pod: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": _PROBE,
            "namespace": _PROBE_NAMESPACE,
            "labels": {LABEL_MANAGED_BY: FIELD_MANAGER},
        },
        "data": {"server": pod},
    }
