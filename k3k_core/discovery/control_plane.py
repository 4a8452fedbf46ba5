"""What is known of one control plane from the objects of its host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Verdict = Literal["Healthy", "Degraded", "Down", "Progressing", "Paused", "Expired", "Unknown"]


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """One row of a fleet.

    Attributes:
        host: name of the host (kubeconfig context).
        namespace: host namespace.
        name: name of the control plane.
        system: what kind of system made it; "k3k" for this project and the ayedo chart.
        made_by: "k3k" or "helm".
        version: k3s version such as "v1.36.2+k3s1"; empty when unknown.
        servers_ready: servers that are ready.
        servers_wanted: servers asked for.
        datastore: "sqlite", "etcd", "external"; empty when unknown.
        verdict: the state in one word.
        reason: why, as one sentence; empty when Healthy.
        endpoint: URL of the API; empty while there is none.
        created_at: when its first object was made (UTC).
        expires_at: when its time to live ends (UTC), None without one.
        read_only: whether k3k only shows it and leaves changes to what made it.
        labels: of the Secret it is told from.
        paused_at: since when it is paused (UTC), None when it is not.
        backed_up_at: when its newest backup was taken (UTC), None when none is known.
        protected: whether delete and prune refuse.
    """

    host: str
    namespace: str
    name: str
    system: str
    made_by: Literal["k3k", "helm"]
    version: str
    servers_ready: int
    servers_wanted: int
    datastore: str
    verdict: Verdict
    reason: str
    endpoint: str
    created_at: datetime | None
    expires_at: datetime | None
    read_only: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    paused_at: datetime | None = None
    backed_up_at: datetime | None = None
    protected: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form (`k3k list -o json`), times in RFC 3339."""
        return {
            "host": self.host,
            "namespace": self.namespace,
            "name": self.name,
            "system": self.system,
            "madeBy": self.made_by,
            "version": self.version,
            "servers": {"ready": self.servers_ready, "wanted": self.servers_wanted},
            "datastore": self.datastore,
            "verdict": self.verdict,
            "reason": self.reason,
            "endpoint": self.endpoint,
            "createdAt": format_time(self.created_at),
            "expiresAt": format_time(self.expires_at),
            "readOnly": self.read_only,
            "labels": dict(self.labels),
            "pausedAt": format_time(self.paused_at),
            "backedUpAt": format_time(self.backed_up_at),
            "protected": self.protected,
        }


def parse_time(text: object) -> datetime | None:
    """Parse an RFC 3339 time as Kubernetes writes it; None for anything else."""
    if not isinstance(text, str) or not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def format_time(moment: datetime | None) -> str | None:
    """Format a time as Kubernetes does: UTC, whole seconds, "Z"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
