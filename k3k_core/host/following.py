"""Following the objects of one type: list, then watch, again and again, whatever the host does.

Protocol: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from k3k_core.errors import HostError, K3kError, UnreachableError
from k3k_core.host.api import Listing, ListWatcher, WatchEvent
from k3k_core.host.backoff import Backoff
from k3k_core.resources import Resource

T = TypeVar("T")

_GONE = 410
# A watch that ends sooner than this without an event counts as a failure, or a host that ends every watch at
# once would be asked in a tight loop.
_SHORT_WATCH = 1.0


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects to follow.

    Attributes:
        resource: their type.
        namespace: their namespace, None for all.
        labels: a label selector.
        fields: a field selector.
        metadata_only: whether their metadata is enough.
        page_size: objects per page of a list.
    """

    resource: Resource
    namespace: str | None = None
    labels: str = ""
    fields: str = ""
    metadata_only: bool = False
    page_size: int = 500


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All objects there are: what was known before is void."""

    items: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """The host cannot be followed at the moment; it is tried again unless the consumer stops."""

    error: K3kError

    @property
    def passes(self) -> bool:
        """Whether such trouble may pass by itself."""
        if isinstance(self.error, HostError):
            return self.error.status in {_GONE, 429} or self.error.status >= 500
        return isinstance(self.error, UnreachableError)


Happening: TypeAlias = Snapshot | WatchEvent | Trouble


async def follow(
    host: ListWatcher, selection: Selection, *, backoff: Backoff, watch_timeout: float
) -> AsyncGenerator[Happening, None]:
    """Yield what happens to the selected objects, for ever.

    A Snapshot comes first and after each loss of history (410); a BOOKMARK says that the watch is alive.

    Args:
        host: the host.
        selection: which objects.
        backoff: delays after trouble; refused permissions are tried again at its limit.
        watch_timeout: seconds after which each watch is renewed.
    """
    now = asyncio.get_running_loop().time
    version: str | None = None
    failures = 0
    while True:
        opened = now()
        quiet = True
        trouble: Trouble | None = None
        try:
            if version is None:
                listing = await _list(host, selection)
                version = listing.resource_version
                yield Snapshot(listing.items)
            opened = now()
            # Many watches opened together should not end together.
            limit = watch_timeout * (1 - 0.1 * backoff.random())
            async with closing(_watch(host, selection, version, limit)) as events:
                async for event in events:
                    version = event.resource_version or version
                    quiet = quiet and event.type == "BOOKMARK"
                    yield event
        except K3kError as error:
            trouble = Trouble(error)
            if isinstance(error, HostError) and error.status == _GONE:
                version = None
            else:
                yield trouble
        if not quiet or now() - opened >= _SHORT_WATCH:
            failures = 0
        if trouble is not None or (quiet and now() - opened < _SHORT_WATCH):
            failures += 1
            patient = trouble is not None and not trouble.passes
            await asyncio.sleep(backoff.limit if patient else backoff.delay(failures))


@asynccontextmanager
async def closing(events: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Close an iterator that can be closed when the block ends, so that its connection ends with it."""
    try:
        yield events
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


async def _list(host: ListWatcher, selection: Selection) -> Listing:
    return await host.list(
        selection.resource,
        selection.namespace,
        labels=selection.labels,
        fields=selection.fields,
        metadata_only=selection.metadata_only,
        page_size=selection.page_size,
    )


def _watch(
    host: ListWatcher, selection: Selection, version: str, seconds: float
) -> AsyncIterator[WatchEvent]:
    return host.watch(
        selection.resource,
        selection.namespace,
        labels=selection.labels,
        fields=selection.fields,
        resource_version=version,
        metadata_only=selection.metadata_only,
        timeout=seconds,
    )
