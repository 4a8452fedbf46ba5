"""Keys one after the other: each is for whatever the one before it has opened."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App
from textual.events import Key
from textual.message_pump import MessagePump

# Seconds that the next key waits at most for what a key has begun.
_LONGEST = 0.5
# Seconds between two looks at whether what keys are held for has come.
_LOOK = 0.02
_WAY_OUT = frozenset({"escape", "ctrl+c"})


class KeyQueue:
    """Hands keys on one by one.

    Textual 8.2.8 hands every key to what has the cursor when it arrives. Keys that arrive together, from a fast hand
    over a slow line, would all go to the table: of `:jobs` the table would take the letters, and each is a key of
    something else.

    Args:
        app: the dashboard.
        dispatch: hands one key on.
    """

    def __init__(self, app: App[Any], dispatch: Callable[[Key], Awaitable[None]]) -> None:
        self._app = app
        self._dispatch = dispatch
        self._waiting: deque[Key] = deque()
        self._task: asyncio.Task[None] | None = None
        self._held: Callable[[], bool] = lambda: False

    def hold(self, held: Callable[[], bool]) -> None:
        """Hold keys back for a dialog that is on its way: they are meant for it, not for what is below.

        Escape and Ctrl-C are handed on all the same, and what was typed before them is forgotten.

        Args:
            held: whether it has not come yet.
        """
        self._held = held

    def put(self, key: Key) -> None:
        """Take a key.

        Args:
            key: as it arrived.
        """
        self._waiting.append(key)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._hand_on(), name="keys")

    async def close(self) -> None:
        """Forget what has not been handed on."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _hand_on(self) -> None:
        while self._waiting:
            if self._held() and not self._given_up():
                await asyncio.sleep(_LOOK)
                continue
            key = self._waiting.popleft()
            taker = self._app.focused or self._app.screen
            try:
                async with asyncio.timeout(_LONGEST):
                    await self._dispatch(key)
                    # It goes up from widget to widget until one knows it; the app's bindings are the last.
                    for pump in taker.ancestors_with_self:
                        await _settled(pump)
                    # What came of it, such as another cursor, is still on its way to the app.
                    await _settled(self._app)
            except TimeoutError:
                # Something takes long, or was closed by the key.
                continue

    def _given_up(self) -> bool:
        """Forget what was typed before a key that leads out; return whether there is one."""
        while self._waiting and self._waiting[0].key not in _WAY_OUT:
            if not any(key.key in _WAY_OUT for key in self._waiting):
                return False
            self._waiting.popleft()
        return bool(self._waiting)


async def _settled(pump: MessagePump) -> None:
    """Wait until a widget has dealt with everything that was sent to it so far."""
    done = asyncio.Event()
    if pump.is_running and pump.call_later(done.set):
        await done.wait()
