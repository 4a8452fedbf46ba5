"""Reaching a control plane that has no address from here: a tunnel, and a kubeconfig that leads through it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from k3k_core.discovery.addresses import url
from k3k_core.errors import HostError, K3kError, NotReadyError
from k3k_core.host import HostApi, open_tunnel
from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig, server_of
from k3k_core.names import (
    API_PORT,
    COMPONENT_GREEN,
    COMPONENT_SERVER,
    LABEL_COMPONENT,
    LABEL_CONTROL_PLANE,
    LABEL_INSTANCE,
    ControlPlaneId,
)
from k3k_core.resources import POD

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Connected:
    """An open way to a control plane.

    Attributes:
        kubeconfig: the admin kubeconfig, leading through the tunnel.
        server: URL of the API on this machine.
        pod: the server at the other end.
    """

    kubeconfig: str = field(repr=False)
    server: str
    pod: str


@asynccontextmanager
async def connect(
    host: HostApi, identity: ControlPlaneId, report: Callable[[K3kError], None] | None = None
) -> AsyncIterator[Connected]:
    """Open a tunnel to one server of a control plane for the time of a block.

    TLS goes through to the server itself and is verified against the control plane's own authority: k3s puts
    127.0.0.1 into every serving certificate.

    Args:
        host: an open host.
        identity: the control plane; one that Helm made will do.
        report: told why a connection through the tunnel did not come about.

    Raises:
        NotFoundError: it does not exist.
        NotReadyError: none of its servers runs.
    """
    document = await fetch_kubeconfig(host, identity)
    pod = await _server(host, identity)
    async with open_tunnel(host, identity.namespace, pod, API_PORT, report) as tunnel:
        server = url(_LOOPBACK, tunnel.port)
        yield Connected(redirected(document, server), server, pod)


def redirected(document: str, server: str) -> str:
    """Return a kubeconfig whose first cluster is found at another URL.

    Args:
        document: the kubeconfig.
        server: the URL.

    Raises:
        HostError: the kubeconfig is damaged.
    """
    server_of(document)
    content = yaml.safe_load(document)
    cluster = content["clusters"][0]["cluster"]
    cluster["server"] = server
    for key in ("proxy-url", "tls-server-name"):
        cluster.pop(key, None)
    return yaml.safe_dump(content, sort_keys=False)


async def _server(host: HostApi, identity: ControlPlaneId) -> str:
    """Return the name of a server that is ready, or else of one that runs."""
    # In the middle of a blue-green upgrade the second set may be the only one that answers.
    sets = f"{LABEL_COMPONENT} in ({COMPONENT_SERVER},{COMPONENT_GREEN})"
    ours = f"{LABEL_CONTROL_PLANE}={identity.name},{sets}"
    pods = (await host.list(POD, identity.namespace, labels=ours)).items
    if not pods:
        # The chart labels its pods with the release alone.
        helm = f"{LABEL_INSTANCE}={identity.name}"
        pods = (await host.list(POD, identity.namespace, labels=helm)).items
    running = [pod for pod in pods if pod.get("status", {}).get("phase") == "Running"]
    if not running:
        raise NotReadyError(
            f"control plane {identity} has no running server on host {host.name}",
            hint=f"`k3k describe {identity}` says why.",
        )
    best = min(running, key=_unfitness)
    name = best["metadata"].get("name")
    if not isinstance(name, str):
        raise HostError(f"host {host.name} lists a pod without a name")
    return name


def _unfitness(pod: Mapping[str, Any]) -> tuple[bool, bool, str]:
    metadata = pod["metadata"]
    second = (metadata.get("labels") or {}).get(LABEL_COMPONENT) == COMPONENT_GREEN
    return not _is_ready(pod), second, str(metadata.get("name"))


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)
