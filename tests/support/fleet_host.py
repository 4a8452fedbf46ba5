"""Hosts in memory that a fleet can follow: their objects change, they fail, they come back."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from k3k_core.errors import ForbiddenError, K3kError, NotFoundError
from k3k_core.host import HostApi, HostOptions, Listing, WatchEvent
from k3k_core.names import (
    ANNOTATION_DATASTORE,
    ANNOTATION_VERSION,
    LABEL_COMPONENT,
    LABEL_CONTROL_PLANE,
    TYPE_ROOT,
    ControlPlaneId,
)
from k3k_core.resources import Resource, resource_of

Json = dict[str, Any]
_Key = tuple[Resource, str, str]


@dataclass(eq=False)
class _Watch:
    resource: Resource
    namespace: str | None
    labels: str
    fields: str
    events: asyncio.Queue[WatchEvent | K3kError] = field(default_factory=asyncio.Queue)


class FleetHost:
    """A host with objects in memory.

    Attributes:
        name: of its context.
        down: what every request is answered with; None when it is up.
        got: Secrets that were read, by name, in order.
        opened: how often it was opened.
        hidden: types that this identity may not list.
        sealed: types whose objects it may list and not read.
    """

    server = "https://fleet.invalid"

    def __init__(self, name: str = "prod") -> None:
        self.name = name
        self.down: K3kError | None = None
        self.got: list[str] = []
        self.opened = 0
        self.hidden: set[Resource] = set()
        self.sealed: set[Resource] = set()
        self._objects: dict[_Key, Json] = {}
        self._version = 0
        self._watches: set[_Watch] = set()

    @asynccontextmanager
    async def open(self, _: HostOptions) -> AsyncIterator[HostApi]:
        """Stand in for `k3k_core.host.open_host`."""
        self.opened += 1
        yield cast("HostApi", self)

    def put(self, *manifests: Json) -> None:
        """Make or change objects."""
        for manifest in manifests:
            self._version += 1
            metadata = {**manifest["metadata"], "resourceVersion": str(self._version)}
            key = _key(manifest)
            known = key in self._objects
            self._objects[key] = {**manifest, "metadata": metadata}
            self._tell(key[0], WatchEvent("MODIFIED" if known else "ADDED", self._objects[key]))

    def remove(self, manifest: Json) -> None:
        """Delete an object."""
        key = _key(manifest)
        self._tell(key[0], WatchEvent("DELETED", self._objects.pop(key)))

    def fail(self, error: K3kError) -> None:
        """Break every watch and refuse every request from now on."""
        self.down = error
        for watch in self._watches:
            watch.events.put_nowait(error)

    def recover(self) -> None:
        """Answer again."""
        self.down = None

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        **_: Any,
    ) -> Listing:
        self._check()
        if resource in self.hidden:
            raise ForbiddenError(f"You may not list {resource.plural}.")
        items = [
            item
            for (kind, place, _name), item in self._objects.items()
            if kind == resource and namespace in {None, place} and _selected(item, labels, fields)
        ]
        return Listing(items, str(self._version))

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        **_: Any,
    ) -> AsyncGenerator[WatchEvent, None]:
        self._check()
        watch = _Watch(resource, namespace, labels, fields)
        self._watches.add(watch)
        try:
            while True:
                event = await watch.events.get()
                if isinstance(event, K3kError):
                    raise event
                yield event
        finally:
            self._watches.discard(watch)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Json:
        self._check()
        self.got.append(name)
        if resource in self.sealed:
            raise ForbiddenError(f"You may not get {resource.plural}.", hint="Ask for it.")
        found = self._objects.get((resource, namespace or "", name))
        if found is None:
            raise NotFoundError(f"Host {self.name} has no {resource.kind} {name}.")
        return found

    async def version(self) -> str:
        self._check()
        return "v1.36.2"

    def _check(self) -> None:
        if self.down is not None:
            raise self.down

    def _tell(self, resource: Resource, event: WatchEvent) -> None:
        for watch in self._watches:
            place = event.object["metadata"].get("namespace", "")
            fits = watch.resource == resource and watch.namespace in {None, place}
            if fits and _selected(event.object, watch.labels, watch.fields):
                watch.events.put_nowait(event)


def _key(manifest: Mapping[str, Any]) -> _Key:
    metadata = manifest["metadata"]
    return resource_of(manifest), metadata.get("namespace", ""), metadata["name"]


def _selected(item: Mapping[str, Any], labels: str, fields: str) -> bool:
    own = item["metadata"].get("labels") or {}
    for part in filter(None, labels.split(",")):
        name, equals, value = part.partition("=")
        if name not in own or (equals and own[name] != value):
            return False
    for part in filter(None, fields.split(",")):
        name, _, value = part.partition("=")
        if (item.get(name.rstrip("!")) == value) == name.endswith("!"):
            return False
    return True


def control_plane(
    name: str = "ci", namespace: str = "team-a", *, ready: int = 1, datastore: str = "sqlite"
) -> list[Json]:
    """The objects of a control plane as far as a row is made of them."""
    identity = ControlPlaneId(namespace, name)
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": TYPE_ROOT,
            "metadata": {
                **_metadata(identity, identity.root),
                "annotations": {ANNOTATION_VERSION: "v1.36.2+k3s1", ANNOTATION_DATASTORE: datastore},
                "creationTimestamp": "2026-01-01T00:00:00Z",
            },
        },
        stateful_set(identity, ready=ready),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(identity, identity.service),
            "spec": {
                "type": "LoadBalancer",
                "clusterIP": "10.96.0.9",
                "ports": [{"name": "api", "port": 6443, "nodePort": 30443}],
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}},
        },
    ]


def stateful_set(identity: ControlPlaneId, *, ready: int = 1, wanted: int = 1) -> Json:
    """The servers of a control plane, made long ago."""
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {
            **_metadata(identity, identity.server),
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"replicas": wanted},
        "status": {"observedGeneration": 1, "readyReplicas": ready, "updatedReplicas": wanted},
    }


def pod(
    identity: ControlPlaneId,
    number: int = 0,
    *,
    address: str = "10.1.0.1",
    component: str = "server",
    **status: Any,
) -> Json:
    """A pod of a server or of an etcd member."""
    owner = identity.server if component == "server" else identity.etcd
    metadata = _metadata(identity, f"{owner}-{number}")
    metadata["labels"][LABEL_COMPONENT] = component
    conditions = [{"type": "Ready", "status": "True"}]
    facts = {"phase": "Running", "podIP": address, "hostIP": "192.0.2.1", "conditions": conditions}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {**facts, **status}}


def secret(identity: ControlPlaneId, name: str, data: Mapping[str, str]) -> Json:
    """A Secret with text in it."""
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": _metadata(identity, name),
        "data": encoded,
    }


def _metadata(identity: ControlPlaneId, name: str) -> Json:
    labels = {LABEL_CONTROL_PLANE: identity.name}
    return {"name": name, "namespace": identity.namespace, "labels": labels}
