"""What pods of k3s and etcd have in common: the `restricted` Pod Security Standard, placement, volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from k3k_core.names import ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.values import Values
    from k3k_core.values.model import Toleration

# Any unprivileged user does; this one is in no image's /etc/passwd.
USER = 10001
# On every node (https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-arch).
_ARCHITECTURE = "kubernetes.io/arch"
# Read by owner and by the pod's group, which the volumes belong to.
SECRET_MODE = 0o440


def pod_security_context() -> dict[str, Any]:
    """Return the security context of a pod: an ordinary user who owns its volumes, default seccomp filter."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security_context() -> dict[str, Any]:
    """Return the security context of a container: no privileges at all, read-only root file system."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": USER,
    }


def pod_basics(identity: ControlPlaneId, values: Values) -> dict[str, Any]:
    """Return the fields of a pod that do not depend on what runs in it."""
    spec: dict[str, Any] = {
        "serviceAccountName": identity.root,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security_context(),
    }
    if values.image.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in values.image.pull_secrets]
    return spec


def placement(values: Values, pods: Mapping[str, str], replicas: int) -> dict[str, Any]:
    """Return where pods may run.

    Args:
        values: `scheduling`.
        pods: labels of the pods that are to be kept apart.
        replicas: how many there are.
    """
    scheduling = values.scheduling
    spec: dict[str, Any] = {}
    wanted = {_ARCHITECTURE: scheduling.architecture} if scheduling.architecture else {}
    if nodes := {**wanted, **scheduling.node_selector}:
        spec["nodeSelector"] = nodes
    if scheduling.tolerations:
        spec["tolerations"] = [_toleration(item) for item in scheduling.tolerations]
    if scheduling.priority_class_name:
        spec["priorityClassName"] = scheduling.priority_class_name
    if replicas > 1 and scheduling.topology_spread:
        # Spreading is a wish: a host with one node can still run them all.
        spec["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": dict(pods)},
            }
            for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
        ]
    return spec


def resources(values: Values) -> dict[str, Any]:
    """Return the resources of the servers' containers, without what is not limited."""
    parts = {"requests": values.resources.requests, "limits": values.resources.limits}
    found = {key: part.model_dump(mode="json", exclude_none=True) for key, part in parts.items()}
    return {key: part for key, part in found.items() if part}


def secret_volume(
    name: str, secret: str, keys: Iterable[str] = (), *, optional: bool = False
) -> dict[str, Any]:
    """Return a volume with files from a Secret.

    Args:
        name: name of the volume.
        secret: name of the Secret.
        keys: only these files; none means all.
        optional: whether files or the whole Secret may be missing.
    """
    source: dict[str, Any] = {"secretName": secret, "defaultMode": SECRET_MODE}
    if items := [{"key": key, "path": key} for key in keys]:
        source["items"] = items
    if optional:
        source["optional"] = True
    return {"name": name, "secret": source}


def volume_claim(
    name: str, labels: Mapping[str, str], size: str, storage_class: str, *, one_pod: bool = False
) -> dict[str, Any]:
    """Return a template for one volume per pod; labelled, so that volumes are found when the pods are gone.

    Args:
        name: name of the volume.
        labels: labels of the claim.
        size: capacity, e.g. "5Gi".
        storage_class: storage class, "" for the host's default.
        one_pod: whether the host is to give it to one pod at a time only.
    """
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOncePod" if one_pod else "ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
        "volumeMode": "Filesystem",
    }
    if storage_class:
        spec["storageClassName"] = storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": spec,
    }


def mount(name: str, path: str, *, read_only: bool = False) -> dict[str, Any]:
    """Return a volume mount."""
    return {"name": name, "mountPath": path, **({"readOnly": True} if read_only else {})}


def _toleration(toleration: Toleration) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "key": toleration.key,
        "operator": toleration.operator,
        "value": toleration.value,
        "effect": toleration.effect,
    }
    found = {key: value for key, value in parts.items() if value}
    if toleration.toleration_seconds is not None:
        found["tolerationSeconds"] = toleration.toleration_seconds
    return found
