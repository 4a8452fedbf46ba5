"""Everything `k3k describe` tells of one control plane, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from k3k_core.discovery.control_plane import ControlPlane, format_time


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One way to reach the API.

    Attributes:
        kind: "LoadBalancer", "NodePort", "ClusterIP" or "DNS".
        url: https URL.
        reach: who can use it, in a few words.
    """

    kind: str
    url: str
    reach: str


@dataclass(frozen=True, slots=True)
class ServerPod:
    """One server, or one member of its etcd.

    Attributes:
        name: name of the pod.
        ready: whether its readiness probe passes.
        phase: phase of the pod, or what keeps it from starting.
        restarts: restarts of its containers.
        node: node it runs on; empty before it is scheduled.
        address: IP of the pod; empty before it runs.
    """

    name: str
    ready: bool
    phase: str
    restarts: int
    node: str
    address: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate that ends some day.

    Attributes:
        name: what it is for.
        expires_at: its end (UTC).
    """

    name: str
    expires_at: datetime

    def days_left(self, now: datetime) -> int:
        """Return whole days until it ends, negative when it has ended."""
        return (self.expires_at - now) // timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event of an object of the control plane, the same ones counted together.

    Attributes:
        last_seen: when it was last seen (UTC), None when the host does not say.
        type: "Normal" or "Warning".
        reason: machine-readable reason.
        subject: "Kind/name".
        message: the host's words.
        count: how often it was seen.
    """

    last_seen: datetime | None
    type: str
    reason: str
    subject: str
    message: str
    count: int


@dataclass(frozen=True, slots=True)
class Condition:
    """One statement about the control plane, in the form of Kubernetes conditions.

    Attributes:
        type: "AddressKnown", "CredentialsStored", "ServersReady".
        status: "True", "False" or "Unknown".
        message: one sentence.
    """

    type: str
    status: str
    message: str


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume claim.

    Attributes:
        name: name of the claim.
        phase: "Bound", "Pending" or "Lost".
        size: capacity, or the size asked for.
        storage_class: its storage class; empty for none.
    """

    name: str
    phase: str
    size: str
    storage_class: str


@dataclass(frozen=True, slots=True)
class Description:
    """All of it, at one moment.

    Attributes:
        summary: the row `k3k list` shows.
        revision: revision number; 0 for control planes that k3k did not make.
        values: the values without secrets; empty for control planes that k3k did not make.
        endpoints: ways to reach the API, best first.
        servers: the pods.
        certificates: sorted by end.
        conditions: statements about it.
        volumes: its volume claims.
        events: newest last.
        now: the moment (UTC).
        hidden: what is missing because this identity may not list it, such as "events".
    """

    summary: ControlPlane
    revision: int
    values: dict[str, Any]
    endpoints: tuple[Endpoint, ...]
    servers: tuple[ServerPod, ...]
    certificates: tuple[Certificate, ...]
    conditions: tuple[Condition, ...]
    volumes: tuple[Volume, ...]
    events: tuple[EventLine, ...]
    now: datetime
    hidden: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form (`k3k describe -o json`), times in RFC 3339."""
        return {
            **self.summary.to_dict(),
            "revision": self.revision,
            "values": self.values,
            "endpoints": [
                {"kind": item.kind, "url": item.url, "reach": item.reach} for item in self.endpoints
            ],
            "pods": [
                {
                    "name": pod.name,
                    "ready": pod.ready,
                    "phase": pod.phase,
                    "restarts": pod.restarts,
                    "node": pod.node,
                    "address": pod.address,
                }
                for pod in self.servers
            ],
            "certificates": [
                {
                    "name": item.name,
                    "expiresAt": format_time(item.expires_at),
                    "daysLeft": item.days_left(self.now),
                }
                for item in self.certificates
            ],
            "conditions": [
                {"type": item.type, "status": item.status, "message": item.message}
                for item in self.conditions
            ],
            "volumes": [
                {
                    "name": item.name,
                    "phase": item.phase,
                    "size": item.size,
                    "storageClass": item.storage_class,
                }
                for item in self.volumes
            ],
            "events": [
                {
                    "lastSeen": format_time(item.last_seen),
                    "type": item.type,
                    "reason": item.reason,
                    "object": item.subject,
                    "message": item.message,
                    "count": item.count,
                }
                for item in self.events
            ],
            "hidden": list(self.hidden),
        }
