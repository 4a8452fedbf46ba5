"""How controllers write: past HTTP, but with the defaults, admission and field ownership of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from k3k_core.resources import POD, Resource
from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.api.store_errors import ObjectExistsError, ObjectMissingError
from k3k_core.sandbox.controllers.kinds import NODE

CONTROLLER_MANAGER = "kube-controller-manager"
KUBELET = "kubelet"
SCHEDULER = "kube-scheduler"

# A finalizer per propagation policy, as the API sets them when an object is deleted.
ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"


class RefusedError(Exception):
    """Admission or validation refuses an object; the text is the API's message."""


class Admission(Protocol):
    """What the API does to an object on its way into the store."""

    def create(self, resource: Resource, obj: dict[str, Any], manager: str) -> dict[str, Any]:
        """Store a new object with its defaults; raises RefusedError or ObjectExistsError."""

    def track(
        self,
        resource: Resource,
        before: dict[str, Any],
        after: dict[str, Any],
        manager: str,
        subresource: str,
    ) -> None:
        """Bring `metadata.managedFields` of a changed object up to date, in place."""

    def apply(self, resource: Resource, obj: dict[str, Any], manager: str) -> None:
        """Apply a configuration server-side, taking contested fields."""


class Client:
    """Reads and writes the store on behalf of controllers.

    Args:
        store: the objects.
        admission: defaults, admission and field ownership.
    """

    def __init__(self, store: Store, admission: Admission) -> None:
        self.store = store
        self._admission = admission

    def create(self, resource: Resource, obj: dict[str, Any], *, manager: str) -> dict[str, Any]:
        """Create an object.

        Args:
            resource: its type.
            obj: without uid and resourceVersion.
            manager: field manager.

        Raises:
            RefusedError: admission refuses it.
            ObjectExistsError: the name is taken.
        """
        return self._admission.create(resource, clone({**_type(resource), **obj}), manager)

    def ensure(self, resource: Resource, obj: dict[str, Any], *, manager: str) -> bool:
        """Create an object unless there is one of its name; says whether it was made now."""
        meta = obj["metadata"]
        if self.store.get(resource, meta.get("namespace"), meta["name"]) is not None:
            return False
        try:
            self.create(resource, obj, manager=manager)
        except (RefusedError, ObjectExistsError):
            return False
        return True

    def change(
        self,
        resource: Resource,
        current: dict[str, Any],
        edit: Callable[[dict[str, Any]], object],
        *,
        manager: str,
        subresource: str = "",
    ) -> dict[str, Any]:
        """Change the stored object `current` by `edit`, which gets a copy of its newest version.

        Args:
            resource: its type.
            current: any version of the object.
            edit: changes the copy in place.
            manager: field manager.
            subresource: e.g. "status".

        Returns:
            The object as stored.

        Raises:
            ObjectMissingError: it is gone.
        """
        meta = current["metadata"]
        before = self.store.get(resource, meta.get("namespace"), meta["name"])
        if before is None or before["metadata"].get("uid") != meta.get("uid"):
            raise ObjectMissingError(resource, meta["name"])
        after = clone(before)
        edit(after)
        if after == before:
            return before
        self._admission.track(resource, before, after, manager, subresource)
        return self.store.update(resource, after)

    def apply(self, resource: Resource, obj: dict[str, Any], *, manager: str) -> None:
        """Apply a configuration server-side, taking contested fields.

        Args:
            resource: its type.
            obj: the fields that `manager` is to own.
            manager: field manager.
        """
        self._admission.apply(resource, {**_type(resource), **obj}, manager)

    def set_status(
        self, resource: Resource, current: dict[str, Any], status: dict[str, Any], *, manager: str
    ) -> dict[str, Any]:
        """Replace an object's `status`."""

        def edit(obj: dict[str, Any]) -> None:
            obj["status"] = clone(status)

        return self.change(resource, current, edit, manager=manager, subresource="status")

    def delete(self, resource: Resource, obj: dict[str, Any], *, propagation: str = "Background") -> None:
        """Delete an object the way the API does: gracefully for running pods, with the policy's finalizer.

        Args:
            resource: its type.
            obj: any version of the object; one of the same name with another uid is left alone.
            propagation: "Background", "Foreground" or "Orphan".
        """
        meta = obj["metadata"]
        namespace, name = meta.get("namespace"), meta["name"]
        stored = self.store.get(resource, namespace, name)
        if stored is None or stored["metadata"].get("uid") != meta.get("uid"):
            return
        finalizer = {"Foreground": FOREGROUND, "Orphan": ORPHAN}.get(propagation)
        if finalizer and finalizer not in stored["metadata"].get("finalizers", ()):
            changed = clone(stored)
            changed["metadata"].setdefault("finalizers", []).append(finalizer)
            self.store.update(resource, changed)
        if "deletionTimestamp" in stored["metadata"]:
            return
        grace = self._grace(resource, stored)
        if grace:
            self.store.mark_deleted(resource, namespace, name, grace=grace)
        else:
            self.store.delete(resource, namespace, name)

    def _grace(self, resource: Resource, obj: dict[str, Any]) -> int:
        """Only a pod that was given to a node gets time to end: the kubelet must confirm."""
        spec = obj.get("spec", {})
        if resource != POD or not spec.get("nodeName"):
            return 0
        if self.store.get(NODE, None, spec["nodeName"]) is None:
            return 0
        return int(spec.get("terminationGracePeriodSeconds", 30))


def _type(resource: Resource) -> dict[str, Any]:
    return {"kind": resource.kind, "apiVersion": resource.api_version}


def owner_reference(owner: dict[str, Any], resource: Resource) -> dict[str, Any]:
    """Return the reference by which a controller owns what it makes."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(obj: dict[str, Any]) -> dict[str, Any] | None:
    """Return the owner reference marked as controller, None without one."""
    references = obj["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)
