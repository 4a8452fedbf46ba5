"""Persistent volumes: claims are bound at once, protected while used, and take their volume along."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, POD, Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, Client
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.kinds import PERSISTENT_VOLUME, STORAGE_CLASS
from k3k_core.sandbox.controllers.pods import is_terminating, phase
from k3k_core.sandbox.controllers.runtime import Key

COMPONENT = "persistentvolume-controller"
PROVISIONER = "sandbox.k3k.ayedo.de/memory"
PVC_PROTECTION = "kubernetes.io/pvc-protection"
PV_PROTECTION = "kubernetes.io/pv-protection"
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def standard_storage_class() -> dict[str, Any]:
    """Return the default StorageClass of the sandbox."""
    return {
        "kind": "StorageClass",
        "apiVersion": "storage.k8s.io/v1",
        "metadata": {"name": "standard", "annotations": {_DEFAULT_CLASS: "true"}},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": True,
    }


class VolumeController:
    """Binds claims to volumes made for them, and clears up both.

    Args:
        client: reads and writes.
        events: for what is done.
    """

    watches: tuple[Resource, ...] = (PERSISTENT_VOLUME_CLAIM, PERSISTENT_VOLUME, STORAGE_CLASS, POD)

    def __init__(self, client: Client, events: EventRecorder) -> None:
        self._client = client
        self._store = client.store
        self._events = events

    def keys(self, change: Change) -> Iterable[Key]:
        """The claim; the claims a removed pod used; all that wait when a class appears."""
        meta = change.object["metadata"]
        if change.resource == PERSISTENT_VOLUME_CLAIM:
            volume = (change.object.get("spec") or {}).get("volumeName")
            gone = change.type == "DELETED" and volume
            return (("", str(volume)),) if gone else ((meta["namespace"], meta["name"]),)
        if change.resource == PERSISTENT_VOLUME:
            return (("", meta["name"]),)
        if change.resource == POD:
            if change.type != "DELETED" and phase(change.object) not in {"Failed", "Succeeded"}:
                return ()
            return [(meta["namespace"], claim) for claim in claims_of(change.object)]
        return [
            (claim["metadata"]["namespace"], claim["metadata"]["name"])
            for claim in self._store.list(PERSISTENT_VOLUME_CLAIM)
            if not is_bound(claim)
        ]

    def reconcile(self, key: Key) -> float | None:
        """Look at one claim (namespace, name) or one volume ("", name)."""
        namespace, name = key
        if not namespace:
            self._release(name)
            return None
        claim = self._store.get(PERSISTENT_VOLUME_CLAIM, namespace, name)
        if claim is None:
            return None
        if is_terminating(claim):
            self._let_go(claim)
        elif not is_bound(claim):
            self._bind(claim)
        else:
            self._grow(claim)
        return None

    def _let_go(self, claim: dict[str, Any]) -> None:
        meta = claim["metadata"]
        used = any(
            meta["name"] in claims_of(pod) and phase(pod) not in {"Failed", "Succeeded"}
            for pod in self._store.list(POD, meta["namespace"])
        )
        if used or PVC_PROTECTION not in (meta.get("finalizers") or ()):
            return
        changed = clone(claim)
        changed["metadata"]["finalizers"].remove(PVC_PROTECTION)
        if not changed["metadata"]["finalizers"]:
            del changed["metadata"]["finalizers"]
        self._store.update(PERSISTENT_VOLUME_CLAIM, changed)

    def _class_of(self, claim: dict[str, Any]) -> dict[str, Any] | None:
        name = claim["spec"].get("storageClassName")
        if name is not None:
            return self._store.get(STORAGE_CLASS, None, name) if name else None
        for each in self._store.list(STORAGE_CLASS):
            if (each["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true":
                return each
        return None

    def _bind(self, claim: dict[str, Any]) -> None:
        storage_class = self._class_of(claim)
        if storage_class is None:
            self._explain(claim)
            return
        if storage_class.get("provisioner") != PROVISIONER:
            return
        meta = claim["metadata"]
        volume = f"pvc-{meta['uid']}"
        self._client.ensure(
            PERSISTENT_VOLUME, _volume(claim, volume, storage_class), manager=CONTROLLER_MANAGER
        )
        made = self._store.get(PERSISTENT_VOLUME, None, volume)
        if made is not None:
            self._client.set_status(PERSISTENT_VOLUME, made, {"phase": "Bound"}, manager=CONTROLLER_MANAGER)

        def edit(changed: dict[str, Any]) -> None:
            changed["metadata"].setdefault("annotations", {})["pv.kubernetes.io/bind-completed"] = "yes"
            changed["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] = "yes"
            changed["spec"]["volumeName"] = volume
            changed["spec"].setdefault("storageClassName", storage_class["metadata"]["name"])
            changed["status"] = {
                "phase": "Bound",
                "accessModes": changed["spec"].get("accessModes", []),
                "capacity": {"storage": _size(changed)},
            }

        self._client.change(PERSISTENT_VOLUME_CLAIM, claim, edit, manager=CONTROLLER_MANAGER)
        self._events.normal(
            claim,
            "ProvisioningSucceeded",
            f"Successfully provisioned volume {volume}",
            component=PROVISIONER,
        )

    def _explain(self, claim: dict[str, Any]) -> None:
        name = claim["spec"].get("storageClassName")
        if name:
            message = f'storageclass.storage.k8s.io "{name}" not found'
            self._events.warning(claim, "ProvisioningFailed", message, component=COMPONENT)
        elif self._store.list(STORAGE_CLASS):
            message = "no persistent volumes available for this claim and no storage class is set"
            self._events.normal(claim, "FailedBinding", message, component=COMPONENT)

    def _grow(self, claim: dict[str, Any]) -> None:
        if claim["status"].get("capacity", {}).get("storage") == _size(claim):
            return
        status = {**claim["status"], "capacity": {"storage": _size(claim)}}
        self._client.set_status(PERSISTENT_VOLUME_CLAIM, claim, status, manager=CONTROLLER_MANAGER)

    def _release(self, name: str) -> None:
        volume = self._store.get(PERSISTENT_VOLUME, None, name)
        if volume is None:
            return
        reference = (volume.get("spec") or {}).get("claimRef")
        if not reference or is_terminating(volume):
            self._drop_protection(volume)
            return
        claim = self._store.get(PERSISTENT_VOLUME_CLAIM, reference["namespace"], reference["name"])
        if claim is not None and claim["metadata"]["uid"] == reference["uid"]:
            return
        if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
            self._client.delete(PERSISTENT_VOLUME, volume)
        elif volume["status"].get("phase") != "Released":
            status = {**volume["status"], "phase": "Released"}
            self._client.set_status(PERSISTENT_VOLUME, volume, status, manager=CONTROLLER_MANAGER)

    def _drop_protection(self, volume: dict[str, Any]) -> None:
        finalizers = volume["metadata"].get("finalizers") or ()
        if is_terminating(volume) and PV_PROTECTION in finalizers:
            changed = clone(volume)
            changed["metadata"]["finalizers"].remove(PV_PROTECTION)
            if not changed["metadata"]["finalizers"]:
                del changed["metadata"]["finalizers"]
            self._store.update(PERSISTENT_VOLUME, changed)


def claims_of(pod: dict[str, Any]) -> list[str]:
    """Return the names of the claims a pod mounts."""
    volumes = (pod.get("spec") or {}).get("volumes") or ()
    return [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in volumes
        if "persistentVolumeClaim" in volume
    ]


def is_bound(claim: dict[str, Any]) -> bool:
    """Whether a claim has its volume."""
    return bool((claim.get("status") or {}).get("phase") == "Bound")


def _size(claim: dict[str, Any]) -> str:
    requests = (claim["spec"].get("resources") or {}).get("requests") or {}
    return str(requests.get("storage", "1Gi"))


def _volume(claim: dict[str, Any], name: str, storage_class: dict[str, Any]) -> dict[str, Any]:
    meta = claim["metadata"]
    return {
        "metadata": {
            "name": name,
            "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER},
            "finalizers": [PV_PROTECTION],
        },
        "spec": {
            "capacity": {"storage": _size(claim)},
            "accessModes": claim["spec"].get("accessModes", []),
            "claimRef": {
                "kind": "PersistentVolumeClaim",
                "apiVersion": "v1",
                "namespace": meta["namespace"],
                "name": meta["name"],
                "uid": meta["uid"],
            },
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            "storageClassName": storage_class["metadata"]["name"],
            "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
            "csi": {"driver": PROVISIONER, "volumeHandle": name},
        },
    }
