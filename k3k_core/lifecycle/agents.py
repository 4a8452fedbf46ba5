"""The agents of a control plane: its nodes, their versions, and whether those may work together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from k3k_core.discovery.control_plane import format_time, parse_time
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import stored_values
from k3k_core.lifecycle.existing import find_root
from k3k_core.lifecycle.own_api import open_control_plane
from k3k_core.names import ControlPlaneId
from k3k_core.resources import NODE
from k3k_core.versions import K3sVersion, VersionError

# A kubelet may be three minors older than the API server since 1.28, two before
# (https://kubernetes.io/releases/version-skew-policy/#kubelet).
_OLDER = 3
_OLDER_BEFORE_1_28 = 2


@dataclass(frozen=True, slots=True)
class Agent:
    """One node.

    Attributes:
        name: its name.
        version: k3s version of its kubelet, as it says.
        ready: whether its kubelet reports that it is ready.
        schedulable: whether pods are put on it.
        address: its internal address, empty while unknown.
        created: when it joined.
        roles: its roles, sorted.
        skew: why its version does not go with that of the servers; empty when it does.
    """

    name: str
    version: str
    ready: bool
    schedulable: bool
    address: str
    created: datetime | None
    roles: tuple[str, ...]
    skew: str

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form."""
        return {
            "name": self.name,
            "version": self.version,
            "ready": self.ready,
            "schedulable": self.schedulable,
            "address": self.address,
            "createdAt": format_time(self.created) if self.created else None,
            "roles": list(self.roles),
            "skew": self.skew,
        }


@dataclass(frozen=True, slots=True)
class AgentList:
    """The nodes of a control plane.

    Attributes:
        id: the control plane.
        version: k3s version of its servers.
        agents: its nodes by name.
    """

    id: ControlPlaneId
    version: str
    agents: tuple[Agent, ...]


async def list_agents(host: HostApi, identity: ControlPlaneId) -> AgentList:
    """Return the nodes of a control plane.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: it does not exist.
        NotReadyError: none of its servers runs.
        UnreachableError: it does not answer.
    """
    root = await find_root(host, identity)
    version = stored_values(root).values.version
    async with open_control_plane(host, identity) as own:
        listing = await own.list(NODE)
    agents = sorted((_agent(node, version) for node in listing.items), key=lambda agent: agent.name)
    return AgentList(identity, version, tuple(agents))


def skew_of(kubelet: str, servers: str) -> str:
    """Return why a kubelet does not go with servers of a version; empty when it does.

    Args:
        kubelet: version of the kubelet.
        servers: k3s version of the servers.
    """
    try:
        mine, theirs = K3sVersion.parse(kubelet), K3sVersion.parse(servers)
    except VersionError:
        return "its version is not a k3s version"
    most = _OLDER if theirs.minor >= 28 else _OLDER_BEFORE_1_28
    if mine.minor > theirs.minor:
        return f"newer than the servers ({servers}): kubelets must not be; upgrade the control plane first"
    if theirs.minor - mine.minor > most:
        return f"more than {most} minor versions older than the servers ({servers}): upgrade the agent"
    return ""


def _agent(node: Mapping[str, Any], servers: str) -> Agent:
    metadata, status = node["metadata"], node.get("status") or {}
    version = str((status.get("nodeInfo") or {}).get("kubeletVersion", ""))
    conditions = {each.get("type"): each.get("status") for each in status.get("conditions") or ()}
    addresses = {each.get("type"): str(each.get("address", "")) for each in status.get("addresses") or ()}
    prefix = "node-role.kubernetes.io/"
    labels = metadata.get("labels") or {}
    return Agent(
        name=metadata["name"],
        version=version,
        ready=conditions.get("Ready") == "True",
        schedulable=not (node.get("spec") or {}).get("unschedulable", False),
        address=addresses.get("InternalIP", ""),
        created=parse_time(metadata.get("creationTimestamp")),
        roles=tuple(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix))),
        skew=skew_of(version, servers),
    )
