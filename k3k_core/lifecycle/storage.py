"""Deciding about volumes that nobody asked for: a default that works on the host at hand."""

from __future__ import annotations

from k3k_core.errors import K3kError
from k3k_core.host import HostApi
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.resources import STORAGE_CLASS
from k3k_core.values import Values

# Read by the DefaultStorageClass admission plug-in of Kubernetes; the second form is from before 1.6.
_DEFAULT_CLASS_ANNOTATIONS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


async def settle_persistence(host: HostApi, values: Values, *, asked_for: bool, progress: Progress) -> Values:
    """Keep the data in the pod if the host could never bind a volume and nobody asked for one.

    A claim without a storage class waits for ever on a host without a default class.

    Args:
        host: an open host.
        values: checked values.
        asked_for: whether the user's own values say that there are to be volumes.
        progress: told when data will not outlive the pod, or when a volume cannot be bound.

    Returns:
        The values, with `persistence.enabled` false if there are to be no volumes.
    """
    persistence = values.persistence
    keeps_data_here = values.datastore.kind != "external"
    if not (keeps_data_here and persistence.enabled) or persistence.storage_class:
        return values
    if await _has_default_class(host):
        return values
    if asked_for:
        text = (
            "the host has no default StorageClass, so the volumes may wait for ever: set "
            "persistence.storage_class, or persistence.enabled=false to keep the data in the pod"
        )
        progress(Step("volumes", "warning", text))
        return values
    text = (
        "the host has no default StorageClass: the data stays in the pod and is lost with it. "
        "Set persistence.storage_class to keep it on a volume"
    )
    progress(Step("volumes", "warning", text))
    return values.model_copy(update={"persistence": persistence.model_copy(update={"enabled": False})})


async def _has_default_class(host: HostApi) -> bool:
    try:
        classes = await host.list(STORAGE_CLASS, metadata_only=True)
    except K3kError:
        # Not allowed to look: most hosts have one.
        return True
    return any(
        (item["metadata"].get("annotations") or {}).get(key) == "true"
        for item in classes.items
        for key in _DEFAULT_CLASS_ANNOTATIONS
    )
