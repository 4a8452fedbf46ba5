"""A host cluster: the implementation of `HostApi` over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from k3k_core.errors import ConflictError, HostError, UnreachableError
from k3k_core.host import exec as exec_protocol
from k3k_core.host import requests
from k3k_core.host.api import ExecResult, Listing, PodConnection, Projection, WatchEvent
from k3k_core.host.backoff import Backoff
from k3k_core.host.connection import Connection
from k3k_core.host.credentials import Credentials
from k3k_core.host.exchange import Exchange
from k3k_core.host.failures import where
from k3k_core.host.lines import LINE_LIMIT, LineTooLongError, lines, text_lines
from k3k_core.host.port_forward import PROTOCOL, PortForward
from k3k_core.host.refusals import namespace_or_object_missing, refusal_of
from k3k_core.host.requests import Request
from k3k_core.host.statuses import error_of, not_kubernetes
from k3k_core.names import FIELD_MANAGER
from k3k_core.resources import Resource

_EVENTS = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK")
# Seconds past its own end after which a watch without a sign of life counts as dead.
_WATCH_GRACE = 15.0
# Seconds without a byte after which a log that is not followed counts as broken off.
_LOG_SILENCE = 30.0
_GONE = 410


class Host:
    """One host cluster; safe to use from many tasks of one event loop at once. See `HostApi` for the methods.

    Args:
        connection: which host and how to reach it.
        credentials: who we are.
        request_timeout: seconds one request may take, repetitions included.
        backoff: delays between attempts.
    """

    def __init__(
        self,
        connection: Connection,
        credentials: Credentials,
        *,
        request_timeout: float,
        backoff: Backoff | None = None,
    ) -> None:
        self.name = connection.name
        self.server = connection.server
        self.namespace = connection.namespace
        self._connection = connection
        self._exchange = Exchange(
            connection, credentials, request_timeout=request_timeout, backoff=backoff or Backoff()
        )

    async def get(self, resource: Resource, namespace: str | None, name: str) -> dict[str, Any]:
        return await self._object(requests.get(resource, namespace, name))

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        page_size: int = 500,
        project: Projection | None = None,
    ) -> Listing:
        def page(token: str, size: int) -> Request:
            return requests.list_page(
                resource,
                namespace,
                labels=labels,
                fields=fields,
                metadata_only=metadata_only,
                page_size=size,
                token=token,
            )

        items: list[dict[str, Any]] = []
        token = ""
        size = page_size
        while True:
            request = page(token, size)
            try:
                document = await self._call(request)
            except HostError as error:
                if error.status != _GONE or not token:
                    raise
                # The token outlived the host's history. All in one page, it cannot happen again.
                items, token, size = [], "", 0
                continue
            found = _items(document, resource, metadata_only)
            if found is None:
                raise not_kubernetes(self._connection, request, "a list without items")
            items += [project(item) for item in found] if project else found
            metadata = document.get("metadata") or {}
            token = metadata.get("continue") or ""
            if not token:
                return Listing(items, str(metadata.get("resourceVersion") or ""))

    async def create(self, manifest: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        return await self._object(requests.create(manifest, dry_run=dry_run))

    async def apply(
        self, manifest: Mapping[str, Any], *, force: bool = False, dry_run: bool = False
    ) -> dict[str, Any]:
        try:
            return await self._object(requests.apply(manifest, force=force, dry_run=dry_run))
        except ConflictError as error:
            # What k3k itself patched (the number of pods while it was paused) is nobody else's, though the host
            # tells an update by this manager from an apply by it.
            if force or error.managers != (FIELD_MANAGER,):
                raise
        return await self._object(requests.apply(manifest, force=True, dry_run=dry_run))

    async def replace(self, manifest: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        return await self._object(requests.replace(manifest, dry_run=dry_run))

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
        return await self._object(
            requests.patch(resource, namespace, name, patch, subresource=subresource, dry_run=dry_run)
        )

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        propagation: str = "Background",
        uid: str | None = None,
    ) -> bool:
        request = requests.delete(resource, namespace, name, propagation=propagation, uid=uid)
        answer = await self._exchange.call(request, tolerate=namespace_or_object_missing)
        return answer is not None

    async def delete_collection(
        self, resource: Resource, namespace: str | None, *, labels: str, propagation: str = "Background"
    ) -> None:
        await self._call(
            requests.delete_collection(resource, namespace, labels=labels, propagation=propagation)
        )

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        resource_version: str = "",
        metadata_only: bool = False,
        timeout: float = 290.0,
    ) -> AsyncGenerator[WatchEvent, None]:
        request = requests.watch(
            resource,
            namespace,
            labels=labels,
            fields=fields,
            resource_version=resource_version,
            metadata_only=metadata_only,
            timeout=timeout,
        )
        async with self._exchange.stream(request, silence=timeout + _WATCH_GRACE) as pieces:
            if resource_version:
                yield WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": resource_version}})
            try:
                async for line in lines(pieces):
                    yield self._event(request, line)
            except LineTooLongError:
                raise UnreachableError(
                    f"{where(self._connection)} sent an event of more than {LINE_LIMIT >> 20} MiB "
                    f"({request.doing}).",
                    hint="Check the server and the proxy of this context in the kubeconfig.",
                ) from None

    async def logs(
        self,
        namespace: str,
        pod: str,
        *,
        container: str | None = None,
        follow: bool = False,
        tail: int | None = None,
        previous: bool = False,
        since: float | None = None,
        timestamps: bool = False,
    ) -> AsyncGenerator[str, None]:
        request = requests.logs(
            namespace,
            pod,
            container=container,
            follow=follow,
            tail=tail,
            previous=previous,
            since=since,
            timestamps=timestamps,
        )
        silence = None if follow else _LOG_SILENCE
        async with self._exchange.stream(request, silence=silence, patient=follow) as pieces:
            async for line in text_lines(pieces):
                yield line

    @asynccontextmanager
    async def port_forward(self, namespace: str, pod: str, port: int) -> AsyncGenerator[PodConnection, None]:
        request = requests.port_forward(namespace, pod, port)
        socket = await self._exchange.upgrade(request, protocols=(PROTOCOL,))
        try:
            yield PortForward(self._connection, request, socket)
        finally:
            await socket.close()

    async def exec(
        self,
        namespace: str,
        pod: str,
        command: Sequence[str],
        *,
        container: str | None = None,
        stdin: AsyncIterable[bytes] | None = None,
        stdout: Callable[[bytes], Awaitable[None]] | None = None,
        timeout: float = 300.0,
    ) -> ExecResult:
        request = requests.run_program(namespace, pod, command, container=container, stdin=stdin is not None)
        socket = await self._exchange.upgrade(request, protocols=exec_protocol.PROTOCOLS)
        try:
            return await exec_protocol.run(
                self._connection, request, socket, stdin=stdin, stdout=stdout, timeout=timeout
            )
        finally:
            await socket.close()

    async def version(self) -> str:
        document = await self._call(requests.version())
        return str(document.get("gitVersion") or "unknown")

    async def close(self) -> None:
        await self._exchange.close()

    async def _object(self, request: Request) -> dict[str, Any]:
        document = await self._call(request)
        if not _is_object(document):
            raise not_kubernetes(self._connection, request, "an object without metadata")
        return document

    async def _call(self, request: Request) -> dict[str, Any]:
        return cast("dict[str, Any]", await self._exchange.call(request))

    def _event(self, request: Request, line: bytes) -> WatchEvent:
        try:
            event = json.loads(line)
            kind, content = event["type"], event["object"]
        except (ValueError, RecursionError, KeyError, TypeError):
            raise not_kubernetes(self._connection, request, "a watch event that is not JSON") from None
        if kind in _EVENTS and _is_object(content):
            return WatchEvent(kind, content)
        if isinstance(content, dict) and kind == "ERROR":
            code = content.get("code")
            status = code if isinstance(code, int) else 500
            raise error_of(self._connection, request, status, refusal_of(content))
        raise not_kubernetes(self._connection, request, "a watch event that is none")


def _is_object(document: object) -> bool:
    return isinstance(document, dict) and isinstance(document.get("metadata"), dict)


def _items(document: dict[str, Any], resource: Resource, metadata_only: bool) -> list[dict[str, Any]] | None:
    items = document.get("items", ())
    items = [] if items is None else items
    if not isinstance(items, list) or not all(_is_object(item) for item in items):
        return None
    if not metadata_only:
        for item in items:
            # The items of a list come without their type, those of a watch with it.
            item["apiVersion"], item["kind"] = resource.api_version, resource.kind
    return items
