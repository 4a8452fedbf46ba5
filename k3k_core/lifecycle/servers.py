"""The servers of a control plane as they run: their versions, and whether they are ready."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k3k_core.host import HostApi
from k3k_core.names import (
    COMPONENT_SERVER,
    LABEL_COMPONENT,
    LABEL_CONTROL_PLANE,
    LABEL_VERSION,
    ControlPlaneId,
)
from k3k_core.resources import POD
from k3k_core.versions import K3sVersion, VersionError


@dataclass(frozen=True, slots=True)
class Server:
    """One server.

    Attributes:
        name: name of its pod.
        version: k3s version of its specification; None when it does not say.
        started: whether k3s was ever started in this pod.
        ready: whether it is ready.
    """

    name: str
    version: K3sVersion | None
    started: bool
    ready: bool


async def list_servers(host: HostApi, identity: ControlPlaneId) -> tuple[Server, ...]:
    """Return the servers that exist, by name.

    Args:
        host: an open host.
        identity: the control plane.
    """
    labels = f"{LABEL_CONTROL_PLANE}={identity.name},{LABEL_COMPONENT}={COMPONENT_SERVER}"
    listing = await host.list(POD, identity.namespace, labels=labels)
    return tuple(sorted((_server(pod) for pod in listing.items), key=lambda server: server.name))


def newest_started(servers: Iterable[Server]) -> K3sVersion | None:
    """Return the newest version that has had its hands on the data; None when none is known to have.

    Args:
        servers: of a control plane.
    """
    return max((each.version for each in servers if each.version and each.started), default=None)


def lagging(servers: Sequence[Server], version: K3sVersion) -> tuple[Server, ...]:
    """Return the servers that are too far behind to run beside one of another version.

    Servers beside each other may be one minor apart (https://kubernetes.io/releases/version-skew-policy/).

    Args:
        servers: of a control plane.
        version: of the others.
    """
    return tuple(
        each for each in servers if each.version and each.started and version.minor - each.version.minor > 1
    )


def _server(pod: Mapping[str, Any]) -> Server:
    metadata, status = pod["metadata"], pod.get("status", {})
    conditions = {each.get("type"): each.get("status") for each in status.get("conditions") or ()}
    return Server(
        name=metadata["name"],
        version=_version((metadata.get("labels") or {}).get(LABEL_VERSION, "")),
        started=any(_has_run(each) for each in status.get("containerStatuses") or ()),
        ready=conditions.get("Ready") == "True" and "deletionTimestamp" not in metadata,
    )


def _version(tag: str) -> K3sVersion | None:
    try:
        return K3sVersion.parse(tag)
    except VersionError:
        return None


def _has_run(container: Mapping[str, Any]) -> bool:
    states = {**(container.get("lastState") or {}), **(container.get("state") or {})}
    return bool({"running", "terminated"} & set(states))
