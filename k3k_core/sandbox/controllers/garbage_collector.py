"""The garbage collector: objects go with their owners, in the way the deletion asked for.

Background: dependents follow once the owner is gone. Foreground: the owner stays, marked with the finalizer
`foregroundDeletion`, until its blocking dependents are gone. Orphan: the references are taken out first.
A dependent whose owners (by uid) do not exist is deleted.
https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from k3k_core.resources import Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, FOREGROUND, ORPHAN, Client
from k3k_core.sandbox.controllers.runtime import Key


@dataclass(frozen=True, slots=True)
class _Node:
    """Where an object is."""

    resource: Resource
    namespace: str
    name: str


class GarbageCollector:
    """Deletes what lost its owners.

    Args:
        client: reads and writes.
    """

    watches: tuple[Resource, ...] = ()

    def __init__(self, client: Client) -> None:
        self._client = client
        self._store = client.store
        self._nodes: dict[str, _Node] = {}
        self._owners: dict[str, frozenset[str]] = {}
        self._dependents: dict[str, set[str]] = {}

    def keys(self, change: Change) -> Iterable[Key]:
        """The object itself when ownership can matter, and those that depend on it or that it depends on."""
        meta = change.object["metadata"]
        uid = meta["uid"]
        if change.type == "DELETED":
            related = (*self._dependents.get(uid, ()), *self._owners.get(uid, ()))
            self._forget(uid)
            return [(other,) for other in related]
        self._nodes[uid] = _Node(change.resource, meta.get("namespace", ""), meta["name"])
        self._link(uid, frozenset(reference["uid"] for reference in meta.get("ownerReferences") or ()))
        if self._owners.get(uid) or "deletionTimestamp" in meta:
            return [(uid,), *((owner,) for owner in self._owners.get(uid, ()))]
        return ()

    def _link(self, uid: str, owners: frozenset[str]) -> None:
        before = self._owners.get(uid, frozenset())
        for owner in before - owners:
            self._unlink(uid, owner)
        for owner in owners - before:
            self._dependents.setdefault(owner, set()).add(uid)
        if owners:
            self._owners[uid] = owners
        else:
            self._owners.pop(uid, None)

    def _unlink(self, uid: str, owner: str) -> None:
        dependents = self._dependents.get(owner)
        if dependents is not None:
            dependents.discard(uid)
            if not dependents:
                del self._dependents[owner]

    def _forget(self, uid: str) -> None:
        self._nodes.pop(uid, None)
        for owner in self._owners.pop(uid, frozenset()):
            self._unlink(uid, owner)

    def _object(self, uid: str) -> tuple[Resource, dict[str, Any]] | None:
        node = self._nodes.get(uid)
        if node is None:
            return None
        obj = self._store.get(node.resource, node.namespace, node.name)
        return (node.resource, obj) if obj is not None and obj["metadata"]["uid"] == uid else None

    def reconcile(self, key: Key) -> float | None:
        """Decide about one object, first as an owner that is being deleted, then as a dependent."""
        found = self._object(key[0])
        if found is None:
            return None
        resource, obj = found
        meta = obj["metadata"]
        if "deletionTimestamp" in meta:
            finalizers = meta.get("finalizers") or ()
            if ORPHAN in finalizers:
                self._orphan(resource, obj)
            elif FOREGROUND in finalizers:
                self._delete_in_foreground(resource, obj)
            return None
        self._check_owners(resource, obj)
        return None

    def _check_owners(self, resource: Resource, obj: dict[str, Any]) -> None:
        references = obj["metadata"].get("ownerReferences") or ()
        if not references:
            return
        alive: list[dict[str, Any]] = []
        waiting: list[dict[str, Any]] = []
        for reference in references:
            owner = self._owner(obj, reference)
            if owner is None:
                continue
            (waiting if _in_foreground(owner) else alive).append(reference)
        if alive:
            if len(alive) < len(references):
                self._keep_references(resource, obj, alive)
            return
        blocking = bool(self._blocking_dependents(obj["metadata"]["uid"]))
        self._client.delete(resource, obj, propagation="Foreground" if waiting and blocking else _policy(obj))

    def _owner(self, obj: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any] | None:
        """An owner must have the uid and kind that the reference names, in the same namespace or in none."""
        found = self._object(reference["uid"])
        if found is None:
            return None
        resource, owner = found
        home = owner["metadata"].get("namespace")
        if home and home != obj["metadata"].get("namespace"):
            return None
        same_kind = resource.kind == reference["kind"] and owner["metadata"]["name"] == reference["name"]
        return owner if same_kind else None

    def _keep_references(self, resource: Resource, obj: dict[str, Any], kept: list[dict[str, Any]]) -> None:
        def edit(changed: dict[str, Any]) -> None:
            if kept:
                changed["metadata"]["ownerReferences"] = clone(kept)
            else:
                changed["metadata"].pop("ownerReferences", None)

        self._client.change(resource, obj, edit, manager=CONTROLLER_MANAGER)

    def _orphan(self, resource: Resource, owner: dict[str, Any]) -> None:
        uid = owner["metadata"]["uid"]
        for dependent in sorted(self._dependents.get(uid, ())):
            found = self._object(dependent)
            if found is None:
                continue
            references = found[1]["metadata"].get("ownerReferences") or ()
            kept = [reference for reference in references if reference["uid"] != uid]
            self._keep_references(found[0], found[1], kept)
            self._link(dependent, frozenset(reference["uid"] for reference in kept))
        self._drop_finalizer(resource, owner, ORPHAN)

    def _delete_in_foreground(self, resource: Resource, owner: dict[str, Any]) -> None:
        uid = owner["metadata"]["uid"]
        for dependent in sorted(self._dependents.get(uid, ())):
            found = self._object(dependent)
            if found is not None and "deletionTimestamp" not in found[1]["metadata"]:
                self._check_owners(*found)
        if not self._blocking_dependents(uid):
            self._drop_finalizer(resource, owner, FOREGROUND)

    def _blocking_dependents(self, uid: str) -> list[str]:
        blocking: list[str] = []
        for dependent in self._dependents.get(uid, ()):
            found = self._object(dependent)
            references = found[1]["metadata"].get("ownerReferences") or () if found else ()
            if any(
                reference["uid"] == uid and reference.get("blockOwnerDeletion") for reference in references
            ):
                blocking.append(dependent)
        return blocking

    def _drop_finalizer(self, resource: Resource, obj: dict[str, Any], finalizer: str) -> None:
        meta = obj["metadata"]
        current = self._store.get(resource, meta.get("namespace"), meta["name"])
        if current is None or current["metadata"]["uid"] != meta["uid"]:
            return
        changed = clone(current)
        left = [item for item in changed["metadata"].get("finalizers") or () if item != finalizer]
        if left:
            changed["metadata"]["finalizers"] = left
        else:
            changed["metadata"].pop("finalizers", None)
        self._store.update(resource, changed)


def _in_foreground(owner: dict[str, Any]) -> bool:
    meta = owner["metadata"]
    return "deletionTimestamp" in meta and FOREGROUND in (meta.get("finalizers") or ())


def _policy(obj: dict[str, Any]) -> str:
    """A finalizer that stands on the dependent already decides how its own dependents are treated."""
    finalizers = obj["metadata"].get("finalizers") or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"
