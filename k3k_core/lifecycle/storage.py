"""Deciding about volumes that nobody asked for: a default that works on the host at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k3k_core.errors import K3kError
from k3k_core.host import HostApi
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.resources import CSI_DRIVER, STORAGE_CLASS
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


async def settle_access_mode(host: HostApi, values: Values) -> Values:
    """Have the volume of sqlite given to one pod at a time, where the host can see to that.

    Then two servers never write to the file, not even while a node that is lost may still run one. It takes a CSI
    driver (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes).

    Args:
        host: an open host.
        values: checked values, after `settle_persistence`.

    Returns:
        The values, with `persistence.access_mode` ReadWriteOncePod if they leave it to k3k and the host can.
    """
    persistence = values.persistence
    has_volume = values.datastore.kind == "sqlite" and persistence.enabled
    if not has_volume or persistence.access_mode != "auto":
        return values
    try:
        provisioner = await _provisioner(host, persistence.storage_class)
        if not provisioner or "/" in provisioner:
            # The name of a CSI driver is a DNS name; those with a slash are provisioners of another kind.
            return values
        await host.get(CSI_DRIVER, None, provisioner)
    except K3kError:
        # No such driver, or not allowed to look: what every volume can do is right too.
        return values
    settled = persistence.model_copy(update={"access_mode": "ReadWriteOncePod"})
    return values.model_copy(update={"persistence": settled})


async def _provisioner(host: HostApi, name: str) -> str:
    """Return what makes the volumes of a storage class, empty for none; of the default class without a name."""
    if name:
        return str((await host.get(STORAGE_CLASS, None, name)).get("provisioner", ""))
    classes = await host.list(STORAGE_CLASS)
    return next((str(each.get("provisioner", "")) for each in classes.items if _is_default(each)), "")


async def _has_default_class(host: HostApi) -> bool:
    try:
        classes = await host.list(STORAGE_CLASS, metadata_only=True)
    except K3kError:
        # Not allowed to look: most hosts have one.
        return True
    return any(_is_default(each) for each in classes.items)


def _is_default(storage_class: Mapping[str, Any]) -> bool:
    annotations = storage_class["metadata"].get("annotations") or {}
    return any(annotations.get(key) == "true" for key in _DEFAULT_CLASS_ANNOTATIONS)
