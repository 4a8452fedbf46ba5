"""Versions of objects, the changes that lead from one to the next, and queues of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from k3k_core.resources import Resource
from k3k_core.sandbox.api.objects import StoreKey, encode, store_key

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class Record:
    """One version of one object together with its cached JSON encoding."""

    __slots__ = ("_encoded", "_encoded_item", "object", "version")

    def __init__(self, obj: dict[str, Any], version: int) -> None:
        self.object = obj
        self.version = version
        self._encoded: bytes | None = None
        self._encoded_item: bytes | None = None

    @property
    def encoded_item(self) -> bytes:
        """The object as an item of a typed list, without `kind` and `apiVersion`; made once per version."""
        if self._encoded_item is None:
            plain = {key: value for key, value in self.object.items() if key not in {"kind", "apiVersion"}}
            self._encoded_item = encode(plain)
        return self._encoded_item

    @property
    def encoded(self) -> bytes:
        """The object as compact JSON, made once per version."""
        if self._encoded is None:
            self._encoded = encode(self.object)
        return self._encoded


@dataclass(frozen=True, slots=True)
class Change:
    """One write.

    Attributes:
        type: what happened.
        resource: the resource type written.
        record: the object afterwards; for DELETED its last state with the resourceVersion of the deletion.
        previous: the object before, None when it is new.
        version: resourceVersion of the write.
    """

    type: ChangeType
    resource: Resource
    record: Record
    previous: Record | None
    version: int

    @property
    def object(self) -> dict[str, Any]:
        return self.record.object


@dataclass(eq=False)
class Subscription:
    """A queue of changes as they happen; close it (or leave its `with` block) when done."""

    _leave: Callable[[Subscription], None]
    _key: StoreKey | None
    _pending: deque[Change] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def push(self, change: Change) -> None:
        if self._key is None or self._key == store_key(change.resource):
            self._pending.append(change)
            self._wake.set()

    def pop(self) -> Change | None:
        """Return the oldest change that was not taken yet, or None."""
        return self._pending.popleft() if self._pending else None

    async def next(self) -> Change | None:
        """Wait for the next change; None once the subscription is closed."""
        while not self._pending:
            if self.closed:
                return None
            self._wake.clear()
            await self._wake.wait()
        return self._pending.popleft()

    async def __aiter__(self) -> AsyncIterator[Change]:
        while (change := await self.next()) is not None:
            yield change

    def close(self) -> None:
        self.closed = True
        self._wake.set()
        self._leave(self)


Records = list[Record]
Changes = list[Change]
Subscriptions = list[Subscription]
