"""A pod that does nothing but mount a volume, while k3k reads and writes files on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k3k_core.manifests.blueprint import Manifest, OwnerReference
from k3k_core.manifests.metadata import labels, metadata
from k3k_core.manifests.pods import (
    container_security_context,
    mount,
    placement,
    pod_security_context,
    volume_claim,
)
from k3k_core.manifests.scripts import command
from k3k_core.manifests.tasks import k3s_image
from k3k_core.names import COMPONENT_BACKUP, ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.values import Values

VOLUME_DIR = "/volume"
VOLUME_CONTAINER = "volume"
# A pod that nobody takes away ends by itself.
_LONGEST_SECONDS = 4 * 3600


def volume_pod(
    identity: ControlPlaneId, values: Values, name: str, claim: str, owner: OwnerReference | None = None
) -> Manifest:
    """Return a pod that mounts one volume claim at `VOLUME_DIR` and waits.

    Args:
        identity: the control plane.
        values: its values: image, pull secrets, placement.
        name: of the pod.
        claim: name of the volume claim.
        owner: the root Secret; None when there may be none.
    """
    pod_labels = labels(identity, COMPONENT_BACKUP)
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security_context(),
        **placement(values, pod_labels, 1),
        "restartPolicy": "Never",
        "activeDeadlineSeconds": _LONGEST_SECONDS,
        "terminationGracePeriodSeconds": 2,
        "containers": [
            {
                "name": VOLUME_CONTAINER,
                "image": k3s_image(values),
                "imagePullPolicy": values.image.pull_policy,
                "command": command("wait"),
                "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
                "securityContext": container_security_context(),
                "volumeMounts": [mount("volume", VOLUME_DIR)],
            }
        ],
        "volumes": [{"name": "volume", "persistentVolumeClaim": {"claimName": claim}}],
    }
    if values.image.pull_secrets:
        spec["imagePullSecrets"] = [{"name": each} for each in values.image.pull_secrets]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(identity, name, COMPONENT_BACKUP, owner),
        "spec": spec,
    }


def backups_claim(identity: ControlPlaneId, values: Values) -> Manifest:
    """Return the volume claim that backups are written to: nobody owns it, so that it outlives the control plane.

    Args:
        identity: the control plane.
        values: `backup.volume`.
    """
    volume = values.backup.volume
    claim = volume_claim("backups", labels(identity, COMPONENT_BACKUP), volume.size, volume.storage_class)
    meta = metadata(identity, identity.backups, COMPONENT_BACKUP, None)
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": claim["spec"]}
