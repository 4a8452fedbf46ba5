"""A host that lets a test see, count and interrupt every request that passes through it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from k3k_core.host import HostApi, Listing, WatchEvent
from k3k_core.lifecycle.comparison import subject
from k3k_core.resources import Resource


@dataclass
class WatchedHost:
    """Pass every call on to another host, telling a listener before and after it.

    Attributes:
        inner: the host that does the work.
        before: called with "verb Kind/name" before a request goes out; may raise.
        after: called with the same after its answer; may raise.
        requests: every request so far, as "verb Kind/name".
    """

    inner: HostApi
    before: Callable[[str], None] = lambda _request: None
    after: Callable[[str], None] = lambda _request: None
    requests: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def server(self) -> str:
        return self.inner.server

    def _begin(self, request: str) -> str:
        self.before(request)
        self.requests.append(request)
        return request

    async def get(self, resource: Resource, namespace: str | None, name: str) -> dict[str, Any]:
        request = self._begin(f"get {resource.kind}/{name}")
        try:
            return await self.inner.get(resource, namespace, name)
        finally:
            self.after(request)

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        page_size: int = 500,
    ) -> Listing:
        request = self._begin(f"list {resource.kind}")
        try:
            return await self.inner.list(
                resource,
                namespace,
                labels=labels,
                fields=fields,
                metadata_only=metadata_only,
                page_size=page_size,
            )
        finally:
            self.after(request)

    async def create(self, manifest: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        request = self._begin(f"create {subject(manifest)}")
        try:
            return await self.inner.create(manifest, dry_run=dry_run)
        finally:
            self.after(request)

    async def apply(
        self, manifest: Mapping[str, Any], *, force: bool = False, dry_run: bool = False
    ) -> dict[str, Any]:
        request = self._begin(f"apply {subject(manifest)}")
        try:
            return await self.inner.apply(manifest, force=force, dry_run=dry_run)
        finally:
            self.after(request)

    async def replace(self, manifest: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        request = self._begin(f"replace {subject(manifest)}")
        try:
            return await self.inner.replace(manifest, dry_run=dry_run)
        finally:
            self.after(request)

    async def patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        patch: Mapping[str, Any],
        *,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        request = self._begin(f"patch {resource.kind}/{name}")
        try:
            return await self.inner.patch(
                resource, namespace, name, patch, subresource=subresource, dry_run=dry_run
            )
        finally:
            self.after(request)

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        propagation: str = "Background",
        uid: str | None = None,
    ) -> bool:
        request = self._begin(f"delete {resource.kind}/{name}")
        try:
            return await self.inner.delete(resource, namespace, name, propagation=propagation, uid=uid)
        finally:
            self.after(request)

    async def delete_collection(
        self, resource: Resource, namespace: str, *, labels: str, propagation: str = "Background"
    ) -> None:
        request = self._begin(f"delete-collection {resource.kind}")
        try:
            await self.inner.delete_collection(resource, namespace, labels=labels, propagation=propagation)
        finally:
            self.after(request)

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        resource_version: str = "",
        timeout: float = 290.0,
    ) -> AsyncIterator[WatchEvent]:
        request = self._begin(f"watch {resource.kind}")
        async for event in self.inner.watch(
            resource,
            namespace,
            labels=labels,
            fields=fields,
            resource_version=resource_version,
            timeout=timeout,
        ):
            yield event
        self.after(request)

    async def version(self) -> str:
        request = self._begin("version")
        try:
            return await self.inner.version()
        finally:
            self.after(request)

    async def close(self) -> None:
        await self.inner.close()
