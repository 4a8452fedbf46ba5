"""The sandbox's database: Kubernetes objects with one increasing resourceVersion and a history for watches.

It knows nothing of HTTP, types or validation. All methods are synchronous and belong to one event loop.
Objects that come out are shared, not copied: treat them as read-only and pass changed copies (`clone`) back in.
"""

from __future__ import annotations

import bisect
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from k3k_core.resources import Resource
from k3k_core.sandbox.api.changes import (
    Change,
    Changes,
    ChangeType,
    Record,
    Records,
    Subscription,
    Subscriptions,
)
from k3k_core.sandbox.api.objects import (
    ObjectKey,
    ObjectKeys,
    Objects,
    StoreKey,
    clone,
    desired,
    has_generation,
    is_finalized,
    object_key,
    store_key,
    timestamp,
    type_of,
)
from k3k_core.sandbox.api.store_errors import (
    CompactedError,
    ObjectExistsError,
    ObjectMissingError,
    StaleVersionError,
)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _random_uid() -> str:
    return str(uuid.uuid4())


class Store:
    """Objects of all resource types, one global resourceVersion, the last `history` changes.

    Args:
        now: the clock for creation timestamps.
        new_uid: makes object uids.
        history: number of changes kept for watches and consistent paging.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = _utc_now,
        new_uid: Callable[[], str] = _random_uid,
        history: int = 10_000,
    ) -> None:
        self.now = now
        self.new_uid = new_uid
        self.version = 1
        self._objects: dict[StoreKey, dict[ObjectKey, Record]] = {}
        self._sorted: dict[StoreKey, ObjectKeys] = {}
        self._changes: deque[Change] = deque()
        self._history = history
        self._compacted = 0
        self._subscriptions: Subscriptions = []

    # Reading

    def record(self, resource: Resource, namespace: str | None, name: str) -> Record | None:
        """Return an object with its encoding, or None."""
        return self._objects.get(store_key(resource), {}).get((namespace or "", name))

    def get(self, resource: Resource, namespace: str | None, name: str) -> dict[str, Any] | None:
        """Return an object (read-only) or None."""
        record = self.record(resource, namespace, name)
        return record.object if record else None

    def records(self, resource: Resource, namespace: str | None = None) -> Records:
        """Return the objects of one namespace (all when None), ordered by namespace and name."""
        objects = self._objects.get(store_key(resource), {})
        keys = self._sorted_keys(store_key(resource))
        if namespace is None or not resource.namespaced:
            return [objects[key] for key in keys]
        start = bisect.bisect_left(keys, (namespace, ""))
        stop = bisect.bisect_left(keys, (namespace + "\0", ""))
        return [objects[key] for key in keys[start:stop]]

    def list(self, resource: Resource, namespace: str | None = None) -> Objects:
        """Return the objects (read-only) of one namespace, of all when None, by namespace and name."""
        return [record.object for record in self.records(resource, namespace)]

    def keys(self) -> Iterable[StoreKey]:
        """Return (group, plural) of every resource type that has objects."""
        return [key for key, objects in self._objects.items() if objects]

    def _sorted_keys(self, key: StoreKey) -> ObjectKeys:
        keys = self._sorted.get(key)
        if keys is None:
            keys = self._sorted[key] = sorted(self._objects.get(key, {}))
        return keys

    # Writing

    def create(self, resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
        """Store a new object; sets resourceVersion, and uid, creationTimestamp, generation where missing.

        Raises:
            ObjectExistsError: the name is taken.
        """
        obj = clone(obj)
        meta = obj.setdefault("metadata", {})
        key = object_key(resource, obj)
        objects = self._objects.setdefault(store_key(resource), {})
        if key in objects:
            raise ObjectExistsError(resource, key[1])
        meta.setdefault("uid", self.new_uid())
        meta.setdefault("creationTimestamp", timestamp(self.now()))
        if has_generation(resource):
            meta.setdefault("generation", 1)
        return self._write("ADDED", resource, key, obj, None).object

    def update(self, resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
        """Replace an object; a write that changes nothing keeps the resourceVersion.

        A change outside `metadata` and `status` raises the generation. An object that is being deleted and
        has no finalizers left is removed. uid and timestamps are kept from the stored object.

        Args:
            resource: its type.
            obj: the whole object; when it has a resourceVersion, that must be the stored one.

        Raises:
            ObjectMissingError: there is no such object.
            StaleVersionError: it was changed meanwhile, or is another one of the same name.
        """
        key = object_key(resource, obj)
        before = self._objects.get(store_key(resource), {}).get(key)
        if before is None:
            raise ObjectMissingError(resource, key[1])
        obj = clone(obj)
        meta, old = obj["metadata"], before.object["metadata"]
        if meta.get("resourceVersion", old["resourceVersion"]) != old["resourceVersion"]:
            raise StaleVersionError(resource, key[1])
        if meta.get("uid", old["uid"]) != old["uid"]:
            raise StaleVersionError(resource, key[1])
        for name in ("uid", "resourceVersion", "creationTimestamp", "generation"):
            if name in old:
                meta[name] = old[name]
        if "deletionTimestamp" in old:
            meta["deletionTimestamp"] = old["deletionTimestamp"]
        if has_generation(resource) and desired(obj) != desired(before.object):
            meta["generation"] = int(old.get("generation", 0)) + 1
        if obj == before.object:
            return before.object
        done = "deletionTimestamp" in meta and not meta.get("deletionGracePeriodSeconds")
        if done and not meta.get("finalizers") and is_finalized(obj):
            # Watches see the object as it was stored last; the writer sees what it wrote.
            gone = self._write("DELETED", resource, key, clone(before.object), before)
            obj["metadata"]["resourceVersion"] = str(gone.version)
            return obj
        return self._write("MODIFIED", resource, key, obj, before).object

    def delete(self, resource: Resource, namespace: str | None, name: str) -> dict[str, Any]:
        """Delete an object; with finalizers it is only marked with a deletionTimestamp.

        Raises:
            ObjectMissingError: there is no such object.
        """
        key = (namespace or "", name)
        before = self._objects.get(store_key(resource), {}).get(key)
        if before is None:
            raise ObjectMissingError(resource, name)
        if not before.object["metadata"].get("finalizers") and is_finalized(before.object):
            return self.remove(resource, namespace, name)
        if "deletionTimestamp" in before.object["metadata"]:
            return before.object
        return self.mark_deleted(resource, namespace, name, grace=0)

    def mark_deleted(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        grace: int,
        finalizers: Sequence[str] | None = None,
        phase: str = "",
    ) -> dict[str, Any]:
        """Mark an object as going away, in one write; removes nothing.

        Args:
            resource: its type.
            namespace: its namespace.
            name: its name.
            grace: seconds from now to the deletionTimestamp.
            finalizers: set these; None leaves them.
            phase: set `status.phase`; empty leaves it.

        Raises:
            ObjectMissingError: there is no such object.
        """
        before = self.record(resource, namespace, name)
        if before is None:
            raise ObjectMissingError(resource, name)
        obj = clone(before.object)
        meta = obj["metadata"]
        if finalizers is not None:
            meta["finalizers"] = list(finalizers)
            if not finalizers:
                del meta["finalizers"]
        if phase:
            obj.setdefault("status", {})["phase"] = phase
        going = "deletionTimestamp" in meta
        meta["deletionTimestamp"] = timestamp(self._begun(meta) + timedelta(seconds=grace))
        if resource.kind != "Namespace":
            meta["deletionGracePeriodSeconds"] = grace
        if "generation" in meta and not going:
            meta["generation"] += 1
        return self._write("MODIFIED", resource, (namespace or "", name), obj, before).object

    def _begun(self, meta: dict[str, Any]) -> datetime:
        """When the deletion of an object began: now, or earlier for one that is going already."""
        given = meta.get("deletionTimestamp")
        if given is None:
            return self.now()
        grace = timedelta(seconds=meta.get("deletionGracePeriodSeconds") or 0)
        return datetime.fromisoformat(given) - grace

    def put(self, resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
        """Store an existing object as it is given, without the rules of `update`."""
        key = object_key(resource, obj)
        before = self._objects.get(store_key(resource), {}).get(key)
        return self._write("MODIFIED", resource, key, clone(obj), before).object

    def remove(self, resource: Resource, namespace: str | None, name: str) -> dict[str, Any]:
        """Remove an object at once, whatever its finalizers say; returns its last state."""
        key = (namespace or "", name)
        before = self._objects.get(store_key(resource), {}).get(key)
        if before is None:
            raise ObjectMissingError(resource, name)
        return self._write("DELETED", resource, key, clone(before.object), before).object

    def _write(
        self, kind: ChangeType, resource: Resource, key: ObjectKey, obj: dict[str, Any], before: Record | None
    ) -> Record:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        record = Record(obj, self.version)
        where = store_key(resource)
        objects = self._objects.setdefault(where, {})
        if kind == "DELETED":
            del objects[key]
            self._sorted.pop(where, None)
        else:
            if key not in objects:
                self._sorted.pop(where, None)
            objects[key] = record
        change = Change(kind, resource, record, before, self.version)
        self._changes.append(change)
        while len(self._changes) > self._history:
            self._compacted = self._changes.popleft().version
        for subscription in tuple(self._subscriptions):
            subscription.push(change)
        return record

    def bump(self) -> int:
        """Take a resourceVersion for something that happened outside the stored objects."""
        self.version += 1
        return self.version

    # History

    def subscribe(self, resource: Resource | None = None) -> Subscription:
        """Return a queue of all later changes of one resource type (of all types when None)."""
        subscription = Subscription(self.unsubscribe, None if resource is None else store_key(resource))
        self._subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def changes_since(self, resource: Resource, version: int) -> Changes:
        """Return the changes of a resource type after `version`.

        Raises:
            CompactedError: changes after `version` are no longer known.
        """
        if version < self._compacted:
            raise CompactedError(version, self._compacted)
        key = store_key(resource)
        found: Changes = []
        for change in reversed(self._changes):
            if change.version <= version:
                break
            if store_key(change.resource) == key:
                found.append(change)
        found.reverse()
        return found

    def records_at(self, resource: Resource, namespace: str | None, version: int) -> Records:
        """Return the objects as they were at `version`, ordered by namespace and name.

        Raises:
            CompactedError: that state can no longer be reconstructed.
        """
        state: dict[ObjectKey, Record] = {
            object_key(resource, record.object): record for record in self.records(resource, namespace)
        }
        for change in reversed(self.changes_since(resource, version)):
            key = object_key(resource, change.object)
            if namespace is not None and resource.namespaced and key[0] != namespace:
                continue
            if change.previous is None:
                state.pop(key, None)
            else:
                state[key] = change.previous
        return [state[key] for key in sorted(state)]

    def compact(self, version: int | None = None) -> None:
        """Forget changes up to `version` (all when None), so that older watches and pages get 410."""
        limit = self.version if version is None else version
        while self._changes and self._changes[0].version <= limit:
            self._changes.popleft()
        self._compacted = max(self._compacted, min(limit, self.version))

    # Persistence

    def replace_all(self, objects: Iterable[tuple[Resource, dict[str, Any]]], version: int) -> None:
        """Replace everything, as when a database is restored: every object has its resourceVersion already.

        Who follows the changes as they happen learns of the differences; other watches must start anew.

        Args:
            objects: with their types.
            version: the resourceVersion from now on.
        """
        before = {(key, name): record for key, each in self._objects.items() for name, record in each.items()}
        self.load({"version": version, "objects": []})
        changes: Changes = []
        for resource, obj in objects:
            key, name = store_key(resource), object_key(resource, obj)
            record = Record(obj, int(obj["metadata"]["resourceVersion"]))
            self._objects.setdefault(key, {})[name] = record
            old = before.pop((key, name), None)
            kind: ChangeType = "ADDED" if old is None else "MODIFIED"
            changes.append(Change(kind, resource, record, old, record.version))
        gone = [
            Change("DELETED", type_of(plural, record.object), record, record, version)
            for ((_, plural), _), record in before.items()
        ]
        for change in (*gone, *changes):
            for subscription in tuple(self._subscriptions):
                subscription.push(change)

    def dump(self) -> dict[str, Any]:
        """Return everything but the history as one JSON value."""
        return {
            "version": self.version,
            "objects": [
                {"group": group, "plural": plural, "items": [record.object for record in objects.values()]}
                for (group, plural), objects in self._objects.items()
                if objects
            ],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Replace everything by what `dump` returned; watches must start anew."""
        self.version = int(state["version"])
        self._objects.clear()
        self._sorted.clear()
        self._changes.clear()
        self._compacted = self.version
        for entry in state["objects"]:
            objects = self._objects.setdefault((entry["group"], entry["plural"]), {})
            for obj in entry["items"]:
                meta = obj["metadata"]
                key = (meta.get("namespace", ""), meta["name"])
                objects[key] = Record(obj, int(meta["resourceVersion"]))
