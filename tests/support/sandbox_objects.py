"""Objects for tests of the sandbox: as small as they can be."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def stateful_set(name: str = "web", **spec: Any) -> Json:
    """A StatefulSet with its API defaults filled in."""
    return {
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {
            "replicas": 1,
            "serviceName": name,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "registry/app:1"}]},
            },
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "revisionHistoryLimit": 10,
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            **spec,
        },
    }


def claim_template(name: str = "data", size: str = "1Gi") -> Json:
    """A volume claim template."""
    return {
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    }


def pod(name: str, *containers: Json, **spec: Any) -> Json:
    """A pod that nobody scheduled yet."""
    return {
        "metadata": {"name": name, "namespace": "ns", "labels": {"app": name}},
        "spec": {"containers": list(containers) or [{"name": "main", "image": "registry/app:1"}], **spec},
        "status": {"phase": "Pending"},
    }


def ready_status() -> Json:
    """What a kubelet reports of a pod that runs and is ready."""
    return {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
