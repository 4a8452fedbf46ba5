"""Watches: initial events, selector transitions, bookmarks, time-outs, 410 for versions no longer known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from k3k_core.sandbox.api.changes import Change, Record, Subscription
from k3k_core.sandbox.api.listing import Selection, check_options, parse_version
from k3k_core.sandbox.api.objects import encode
from k3k_core.sandbox.api.registry import Definition
from k3k_core.sandbox.api.requests import is_true, number
from k3k_core.sandbox.api.statuses import expired
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.api.store_errors import CompactedError

BOOKMARK_INTERVAL = 60.0
# The real server ends a watch without timeoutSeconds after 30 to 60 minutes.
DEFAULT_TIMEOUT = 1800.0

Encoder = Callable[[Record], bytes]


@dataclass(frozen=True, slots=True)
class Watch:
    """One watch request.

    Attributes:
        definition: resource type.
        namespace: None for all namespaces.
        selection: selectors.
        timeout: seconds until the server ends it.
        bookmarks: whether the client takes BOOKMARK events.
        encoder: makes the bytes of an object in the form asked for.
        bookmark_encoder: makes the object of a BOOKMARK.
    """

    definition: Definition
    namespace: str | None
    selection: Selection
    timeout: float
    bookmarks: bool
    encoder: Encoder
    bookmark_encoder: Callable[[dict[str, Any]], bytes]

    def includes(self, record: Record) -> bool:
        obj = record.object
        if self.namespace is not None and obj["metadata"].get("namespace", "") != self.namespace:
            return False
        return self.selection.matches(obj)


def _event(kind: str, body: bytes) -> bytes:
    return b'{"type":"' + kind.encode() + b'","object":' + body + b"}\n"


def error_event(status: Mapping[str, Any]) -> bytes:
    """An ERROR event, which ends a watch."""
    return _event("ERROR", encode(dict(status)))


async def events(store: Store, watch: Watch, query: Mapping[str, str]) -> AsyncIterator[bytes]:
    """Yield the lines of a watch until its time-out.

    Args:
        store: the objects.
        watch: what is watched.
        query: resourceVersion and sendInitialEvents.

    Raises:
        ApiError: before the first line, for parameters that make no sense.
    """
    text = query.get("resourceVersion", "")
    parse_version(text)
    with store.subscribe(watch.definition.resource) as subscription:
        # One synchronous step: nothing can happen between the state sent and the subscription.
        version = store.version
        for line in _initial(store, watch, query, text):
            yield line
            if line.startswith(b'{"type":"ERROR"'):
                return
        async for line in _live(subscription, store, watch, version):
            yield line


def check(query: Mapping[str, str]) -> None:
    """Refuse impossible parameters before the answer begins."""
    check_options(query, watch=True)
    parse_version(query.get("resourceVersion", ""))


def timeout_of(query: Mapping[str, str]) -> float:
    return float(number(query, "timeoutSeconds")) or DEFAULT_TIMEOUT


def _initial(store: Store, watch: Watch, query: Mapping[str, str], text: str) -> list[bytes]:
    resource = watch.definition.resource
    wants_state = is_true(query, "sendInitialEvents")
    declines_state = "sendInitialEvents" in query and not wants_state
    lines: list[bytes] = []
    if wants_state or (text in {"", "0"} and not declines_state):
        lines += [
            _event("ADDED", watch.encoder(record))
            for record in store.records(resource, watch.namespace)
            if watch.includes(record)
        ]
        if wants_state and watch.bookmarks:
            annotations = {"k8s.io/initial-events-end": "true"}
            lines.append(_bookmark(watch, store.version, annotations))
        return lines
    if declines_state and text in {"", "0"}:
        return lines
    try:
        changes = store.changes_since(resource, int(text))
    except CompactedError as error:
        body = expired(str(error)).body
        return [error_event(body)] if isinstance(body, dict) else []
    return [line for change in changes if (line := _line(watch, change)) is not None]


def _bookmark(watch: Watch, version: int, annotations: dict[str, str] | None = None) -> bytes:
    meta: dict[str, Any] = {"resourceVersion": str(version)}
    if annotations:
        meta["annotations"] = annotations
    return _event("BOOKMARK", watch.bookmark_encoder(meta))


def _line(watch: Watch, change: Change) -> bytes | None:
    """The event of a change as this watch sees it: objects enter and leave its selection."""
    now = change.type != "DELETED" and watch.includes(change.record)
    before = change.previous is not None and watch.includes(change.previous)
    if now:
        return _event("MODIFIED" if before else "ADDED", watch.encoder(change.record))
    if not before or change.previous is None:
        return None
    if change.type == "DELETED":
        return _event("DELETED", watch.encoder(change.record))
    # The object left the selection: its last matching state, at the version of the change.
    gone = dict(change.previous.object)
    gone["metadata"] = {**gone["metadata"], "resourceVersion": str(change.version)}
    return _event("DELETED", watch.encoder(Record(gone, change.version)))


async def _live(subscription: Subscription, store: Store, watch: Watch, version: int) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + watch.timeout
    next_bookmark = loop.time() + BOOKMARK_INTERVAL
    while (left := deadline - loop.time()) > 0:
        wait = min(left, max(next_bookmark - loop.time(), 0)) if watch.bookmarks else left
        try:
            async with asyncio.timeout(wait):
                change = await subscription.next()
        except TimeoutError:
            if watch.bookmarks and loop.time() >= next_bookmark:
                next_bookmark = loop.time() + BOOKMARK_INTERVAL
                yield _bookmark(watch, store.version)
            continue
        if change is None:
            return
        if change.version > version and (line := _line(watch, change)) is not None:
            yield line
