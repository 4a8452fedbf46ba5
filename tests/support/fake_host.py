"""A double of the part of a host that is followed: its lists and watches play a script."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from typing import Any

from k3k_core.errors import K3kError
from k3k_core.host.api import Listing, WatchEvent


@dataclass(frozen=True)
class Pause:
    """In a script: nothing happens for so many seconds."""

    seconds: float


Act = WatchEvent | K3kError | Pause


@dataclass
class ScriptedHost:
    """Plays one script per list and per watch, then hangs.

    Attributes:
        lists: what each list call gives.
        watches: what each watch does, in turn; it ends when its script does.
        listed: how many lists were asked for.
        watched: the resource version each watch started from.
    """

    lists: deque[Listing | K3kError | Pause] = field(default_factory=deque)
    watches: deque[tuple[Act, ...]] = field(default_factory=deque)
    listed: int = 0
    watched: list[str] = field(default_factory=list)
    open_watches: int = 0
    name: str = "scripted"
    server: str = "https://scripted.invalid"

    async def list(self, *_: Any, **__: Any) -> Listing:
        self.listed += 1
        while self.lists:
            act = self.lists.popleft()
            if isinstance(act, Listing):
                return act
            await _play(act)
        return await asyncio.Future()

    async def watch(self, *_: Any, resource_version: str = "", **__: Any) -> AsyncGenerator[WatchEvent, None]:
        self.watched.append(resource_version)
        self.open_watches += 1
        try:
            if not self.watches:
                await asyncio.Future()
            for act in self.watches.popleft():
                if isinstance(act, WatchEvent):
                    yield act
                else:
                    await _play(act)
        finally:
            self.open_watches -= 1


def thing(name: str, version: int, *, namespace: str = "n", **more: Any) -> dict[str, Any]:
    """Return an object with a name, a resource version and whatever else is given."""
    metadata = {"name": name, "namespace": namespace, "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **more}


def listing(version: int, items: Iterable[dict[str, Any]] = ()) -> Listing:
    """Return a list of objects as of a resource version."""
    return Listing(list(items), str(version))


async def _play(act: K3kError | Pause) -> None:
    if isinstance(act, K3kError):
        raise act
    await asyncio.sleep(act.seconds)
