"""The workload that runs a control plane's servers, projected to what a verdict needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k3k_core.discovery.control_plane import parse_time
from k3k_core.discovery.verdict import Servers


def servers_of(workload: Mapping[str, Any] | None) -> Servers | None:
    """Project a StatefulSet or Deployment to the state of its servers; None for none."""
    if workload is None:
        return None
    metadata, spec, status = workload["metadata"], workload.get("spec", {}), workload.get("status", {})
    return Servers(
        wanted=int(spec.get("replicas", 1)),
        ready=int(status.get("readyReplicas", 0)),
        current=int(status.get("observedGeneration", 0)) >= int(metadata.get("generation", 0)),
        updated=int(status.get("updatedReplicas", status.get("currentReplicas", 0))),
        since=parse_time(metadata.get("creationTimestamp")),
    )


def workload_essence(workload: dict[str, Any]) -> dict[str, Any]:
    """Return what `servers_of` needs of a workload, and its name."""
    metadata = workload["metadata"]
    kept = ("name", "namespace", "generation", "creationTimestamp")
    counts = ("readyReplicas", "observedGeneration", "updatedReplicas", "currentReplicas")
    status = workload.get("status", {})
    return {
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {"replicas": workload.get("spec", {}).get("replicas", 1)},
        "status": {key: status[key] for key in counts if key in status},
    }
