"""What the rooms below the command return, made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from k3k_core.discovery import ControlPlane
from k3k_core.lifecycle.create import Created
from k3k_core.names import ControlPlaneId
from tests.support.command import kubeconfig_text

CI = ControlPlaneId("team-a", "ci")
SECRET_KUBECONFIG = kubeconfig_text("ci") + "# private-key-material\n"


def created(**other: Any) -> Created:
    """What a create that went well returns."""
    usual: dict[str, Any] = {
        "id": CI,
        "version": "v1.36.2+k3s1",
        "revision": 1,
        "endpoint": "https://203.0.113.7:6443",
        "kubeconfig": SECRET_KUBECONFIG,
        "existed": False,
        "ready": True,
        "elapsed": 6.54,
    }
    return Created(**{**usual, **other})


def row(host: str = "prod", name: str = "ci", **other: Any) -> ControlPlane:
    """One row of a list."""
    usual: dict[str, Any] = {
        "host": host,
        "namespace": "team-a",
        "name": name,
        "system": "k3k",
        "made_by": "k3k",
        "version": "v1.36.2+k3s1",
        "servers_ready": 1,
        "servers_wanted": 1,
        "datastore": "sqlite",
        "verdict": "Healthy",
        "reason": "",
        "endpoint": "https://203.0.113.7:6443",
        "created_at": datetime.now(UTC) - timedelta(minutes=30),
        "expires_at": None,
        "read_only": False,
    }
    return ControlPlane(**{**usual, **other})
