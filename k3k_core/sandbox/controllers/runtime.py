"""Runs controllers: changes of the store become keys in a queue, and every key is reconciled.

One task serves all controllers of a store. Reconciling is synchronous, so a controller always sees the newest
objects and no two of them run at once. Nothing polls: a controller that has to wait asks to be called again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from k3k_core.resources import Resource
from k3k_core.sandbox.api.changes import Change, Subscription
from k3k_core.sandbox.api.store import Store
from k3k_core.sandbox.api.store_errors import ObjectMissingError, StaleVersionError

logger = logging.getLogger(__name__)

Key = tuple[str, ...]
# Lets other tasks run after this many reconciliations in a row.
_BATCH = 50


class Controller(Protocol):
    """Brings one aspect of the stored objects to what was asked for."""

    @property
    def watches(self) -> tuple[Resource, ...]:
        """The resource types whose changes matter; empty for all."""

    def keys(self, change: Change) -> Iterable[Key]:
        """Return what to reconcile after a change."""

    def reconcile(self, key: Key) -> float | None:
        """Look at one key; return seconds after which to look again, None when changes alone will tell."""


class ControllerManager:
    """Runs controllers on one store.

    Args:
        store: whose changes to follow.
        controllers: in the order in which they see a change.
        known_types: the resource types that exist, for controllers that watch all.
    """

    def __init__(
        self,
        store: Store,
        controllers: Sequence[Controller],
        known_types: Callable[[], Iterable[Resource]],
    ) -> None:
        self._store = store
        self._controllers = controllers
        self._known_types = known_types
        self._queue: dict[tuple[int, Key], None] = {}
        self._timers: dict[tuple[int, Key], asyncio.TimerHandle] = {}
        self._subscription: Subscription | None = None
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def start(self) -> None:
        """Look at everything that exists, then follow the changes until `stop`."""
        self._subscription = subscription = self._store.subscribe()
        for resource in self._known_types():
            for record in self._store.records(resource):
                self._dispatch(Change("ADDED", resource, record, None, record.version))
        loop = asyncio.get_running_loop()

        async def follow() -> None:
            with subscription:
                async for change in subscription:
                    self._dispatch(change)
                    self._take_changes()

        self._tasks = (
            loop.create_task(follow(), name="sandbox changes"),
            loop.create_task(self._work(), name="sandbox controllers"),
        )

    async def stop(self) -> None:
        """Stop following changes; what is in the queue stays undone."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = ()

    async def settled(self) -> None:
        """Wait until every change so far was reconciled; timers that are still running do not count."""
        # A change needs two turns of the loop to get into the queue.
        for _ in range(3):
            await asyncio.sleep(0)
        while self._queue:
            await self._idle.wait()

    def enqueue(self, controller: Controller, key: Key) -> None:
        """Have a controller look at a key, as soon as possible.

        Args:
            controller: one of those given to the constructor.
            key: as its `keys` would return.
        """
        self._add((self._controllers.index(controller), key))

    def _dispatch(self, change: Change) -> None:
        for index, controller in enumerate(self._controllers):
            if not controller.watches or change.resource in controller.watches:
                for key in controller.keys(change):
                    self._add((index, key))

    def _take_changes(self) -> None:
        while self._subscription is not None and (change := self._subscription.pop()) is not None:
            self._dispatch(change)

    def _add(self, item: tuple[int, Key]) -> None:
        timer = self._timers.pop(item, None)
        if timer is not None:
            timer.cancel()
        self._queue[item] = None
        self._idle.clear()
        self._wake.set()

    async def _work(self) -> None:
        done = 0
        while True:
            while self._queue:
                item = next(iter(self._queue))
                del self._queue[item]
                self._reconcile(item)
                self._take_changes()
                done += 1
                if done % _BATCH == 0:
                    await asyncio.sleep(0)
            self._idle.set()
            self._wake.clear()
            await self._wake.wait()

    def _reconcile(self, item: tuple[int, Key]) -> None:
        controller = self._controllers[item[0]]
        try:
            again = controller.reconcile(item[1])
        except (ObjectMissingError, StaleVersionError):
            # The object changed below our feet; its change is in the queue already.
            return
        except Exception:
            logger.exception("%s failed on %s", type(controller).__name__, "/".join(item[1]))
            return
        if again is not None and item not in self._queue:
            old = self._timers.pop(item, None)
            if old is not None:
                old.cancel()
            self._timers[item] = asyncio.get_running_loop().call_later(again, self._add, item)
