"""A store with controllers on it and no API: for tests of one controller at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from k3k_core.resources import EVENT, NAMESPACE, Resource
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.controllers.client import Client, RefusedError
from k3k_core.sandbox.controllers.events import EventRecorder
from k3k_core.sandbox.controllers.runtime import Controller, ControllerManager

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

MakeControllers = Callable[[Client, EventRecorder], Sequence[Controller]]


def loop_clock() -> datetime:
    """A wall clock that follows the event loop's time, virtual or not."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


class PlainAdmission:
    """Stores objects as they are; `refuse` names pods that admission would not let in."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.refuse: dict[str, str] = {}
        # (field manager, kind, name) of every write.
        self.writes: list[tuple[str, str, str]] = []

    def create(self, resource: Resource, obj: dict[str, Any], manager: str) -> dict[str, Any]:
        meta = obj["metadata"]
        if "name" not in meta:
            meta["name"] = f"{meta['generateName']}{len(self.writes)}"
        self.writes.append((manager, resource.kind, meta["name"]))
        message = self.refuse.get(meta["name"])
        if message:
            raise RefusedError(message)
        if resource.kind == "Pod":
            obj.setdefault("status", {"phase": "Pending"})
        return self._store.create(resource, obj)

    def apply(self, resource: Resource, obj: dict[str, Any], manager: str) -> None:
        meta = obj["metadata"]
        self.writes.append((manager, resource.kind, meta["name"]))
        stored = self._store.get(resource, meta.get("namespace"), meta["name"])
        assert stored is not None
        self._store.update(resource, {**stored, **obj, "metadata": stored["metadata"]})

    def track(
        self,
        resource: Resource,
        before: dict[str, Any],
        after: dict[str, Any],
        manager: str,
        subresource: str,
    ) -> None:
        assert before["metadata"]["uid"] == after["metadata"]["uid"]
        self.writes.append((manager, f"{resource.kind}/{subresource}", after["metadata"]["name"]))


class ControlLoop:
    """Controllers at work on a store.

    Args:
        make: returns the controllers.
        known_types: resource types that exist.
    """

    def __init__(self, make: MakeControllers, known_types: Sequence[Resource]) -> None:
        self.store = Store(now=loop_clock)
        self.admission = PlainAdmission(self.store)
        self.client = Client(self.store, self.admission)
        self.events = EventRecorder(self.store)
        self.controllers = make(self.client, self.events)
        self.manager = ControllerManager(self.store, self.controllers, lambda: known_types)

    async def put(self, resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
        """Create an object and let the controllers react."""
        meta = obj.get("metadata", {})
        made = self.store.create(
            resource, {"kind": resource.kind, "apiVersion": resource.api_version, **obj, "metadata": meta}
        )
        await self.manager.settled()
        return made

    async def change(
        self,
        resource: Resource,
        name: str,
        edit: Callable[[dict[str, Any]], object],
        namespace: str | None = "ns",
    ) -> dict[str, Any]:
        """Change an object and let the controllers react."""
        before = self.get(resource, name, namespace)
        changed = self.client.change(resource, before, edit, manager="test")
        await self.manager.settled()
        return changed

    async def delete(
        self, resource: Resource, name: str, *, namespace: str | None = "ns", propagation: str = "Background"
    ) -> None:
        """Delete an object and let the controllers react."""
        self.client.delete(resource, self.get(resource, name, namespace), propagation=propagation)
        await self.manager.settled()

    def get(self, resource: Resource, name: str, namespace: str | None = "ns") -> dict[str, Any]:
        """Return an object that must be there."""
        found = self.store.get(resource, namespace if resource.namespaced else None, name)
        assert found is not None, f"{resource.kind} {name} is not there"
        return found

    def names(self, resource: Resource, namespace: str | None = None) -> list[str]:
        """Return the names of all objects of a type."""
        return [obj["metadata"]["name"] for obj in self.store.list(resource, namespace)]

    def reasons(self, name: str) -> list[str]:
        """Return the reasons of all Events about an object, in the order of their first appearance."""
        found = [event for event in self.store.list(EVENT) if event["involvedObject"]["name"] == name]
        return [event["reason"] for event in sorted(found, key=lambda each: each["metadata"]["name"])]

    def messages(self, reason: str) -> list[str]:
        """Return the messages of all Events with a reason."""
        return [event["message"] for event in self.store.list(EVENT) if event["reason"] == reason]


@asynccontextmanager
async def control_loop(make: MakeControllers, known_types: Sequence[Resource]) -> AsyncIterator[ControlLoop]:
    """Run controllers on a store that has the namespace `ns`.

    Args:
        make: returns the controllers.
        known_types: resource types that exist.
    """
    loop = ControlLoop(make, known_types)
    loop.manager.start()
    try:
        await loop.put(NAMESPACE, {"metadata": {"name": "ns"}, "spec": {"finalizers": ["kubernetes"]}})
        yield loop
    finally:
        await loop.manager.stop()
