"""Waiting until objects are as they should be, by watching them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

from k3k_core.errors import K3kError, NotReadyError, UnreachableError
from k3k_core.host.api import ListWatcher, WatchEvent
from k3k_core.host.backoff import Backoff
from k3k_core.host.following import Happening, Selection, Snapshot, Trouble, follow
from k3k_core.resources import Resource

T = TypeVar("T")

# Shorter than a reflector's: a dead connection must not cost a whole wait.
WATCH_TIMEOUT = 60.0
_BACKOFF = Backoff(first=0.1, limit=5.0)


async def wait_for(
    host: ListWatcher,
    resource: Resource,
    namespace: str | None,
    until: Callable[[Mapping[str, dict[str, Any]]], T | None],
    *,
    labels: str = "",
    fields: str = "",
    timeout: float,
    what: str,
    backoff: Backoff = _BACKOFF,
) -> T:
    """Watch objects until they satisfy a condition.

    Args:
        host: where they are.
        resource: their type.
        namespace: their namespace, None for all.
        until: given the objects by name ("namespace/name" when watching all namespaces), returns None as long
            as the wait goes on; what it raises ends the wait.
        labels: a label selector.
        fields: a field selector.
        timeout: seconds.
        what: what is waited for, as the subject of a sentence: "Service a-k3k".
        backoff: delays between attempts to reach the host.

    Returns:
        What `until` returned.

    Raises:
        NotReadyError: the time is over.
        UnreachableError: the time is over, and the host could not be reached at the end.
        K3kError: the host refused for a reason that does not pass.
    """
    limit = asyncio.timeout(timeout)
    scene = _Scene(Selection(resource, namespace, labels, fields))
    try:
        async with limit:
            happenings = follow(host, scene.selection, backoff=backoff, watch_timeout=WATCH_TIMEOUT)
            async with aclosing(happenings):
                async for happening in happenings:
                    if scene.takes(happening):
                        result = until(scene.objects)
                        if result is not None:
                            return result
    except TimeoutError:
        if not limit.expired():
            raise
    raise _given_up(host, scene, what, timeout)


class _Scene:
    """The objects seen so far, and the trouble the host is in, if any."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self.objects: dict[str, dict[str, Any]] = {}
        self.listed = False
        self.trouble: K3kError | None = None

    def takes(self, happening: Happening) -> bool:
        """Take note of what happened; return whether the objects may have changed.

        Raises:
            K3kError: it is trouble that does not pass.
        """
        if isinstance(happening, Trouble):
            if not happening.passes:
                raise happening.error
            self.trouble = happening.error
            return False
        self.trouble = None
        if isinstance(happening, Snapshot):
            self.listed = True
            self.objects = {self._key(item): item for item in happening.items}
            return True
        return self._takes_event(happening)

    def _takes_event(self, event: WatchEvent) -> bool:
        if event.type == "BOOKMARK":
            return False
        key = self._key(event.object)
        if event.type == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = event.object
        return True

    def _key(self, item: Mapping[str, Any]) -> str:
        metadata = item.get("metadata") or {}
        name, namespace = metadata.get("name", ""), metadata.get("namespace")
        return f"{namespace}/{name}" if namespace and self.selection.namespace is None else name


def _seconds(timeout: float) -> str:
    """Return a time-out as it is said: whole seconds, once it has any."""
    return f"{timeout:.0f} s" if timeout >= 1 else f"{timeout:g} s"


def _given_up(host: ListWatcher, scene: _Scene, what: str, timeout: float) -> K3kError:
    if scene.trouble is not None:
        return UnreachableError(
            f"Gave up waiting for {what} after {_seconds(timeout)}: {scene.trouble.message}",
            hint=scene.trouble.hint,
        )
    if not scene.listed:
        return UnreachableError(
            f"Gave up waiting for {what} after {_seconds(timeout)}: "
            f"host {host.name} ({host.server}) did not answer.",
            hint="Check that the host is up.",
        )
    return NotReadyError(
        f"{what} was not ready within {_seconds(timeout)}.", hint="Give it longer with --timeout."
    )
