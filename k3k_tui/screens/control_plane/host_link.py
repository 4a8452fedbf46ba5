"""A host that stays open as long as a screen asks it things: opening one can start a login plugin."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from k3k_core.errors import K3kError
from k3k_tui.screens.control_plane.subject import Loaded

if TYPE_CHECKING:
    from k3k_core.host import HostApi

T = TypeVar("T")
logger = logging.getLogger(__name__)


class HostLink:
    """A host, opened when it is first asked, and again after a failure.

    Args:
        opened: opens it.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        opened: Callable[[], AbstractAsyncContextManager[HostApi]],
        clock: Callable[[], float],
    ) -> None:
        self._opened = opened
        self._clock = clock
        self._host: HostApi | None = None
        self._stack, self._dropped = AsyncExitStack(), AsyncExitStack()
        self._opening = asyncio.Lock()

    async def host(self) -> HostApi:
        """Return the open host.

        Raises:
            K3kError: it cannot be opened.
        """
        async with self._opening:
            if self._host is None:
                self._host = await self._stack.enter_async_context(self._opened())
            return self._host

    async def drop(self) -> None:
        """Let the next question open the host anew: a changed kubeconfig or a new login takes effect then.

        Others may still wait for an answer of the one that is dropped; it is closed when the next one is.
        """
        async with self._opening:
            self._host = None
            closing, self._dropped, self._stack = self._dropped, self._stack, AsyncExitStack()
            await closing.aclose()

    async def close(self) -> None:
        """Close the host; whoever still waits for an answer gets none."""
        await self.drop()
        await self.drop()

    async def load(self, before: Loaded[T], ask: Callable[[HostApi], Awaitable[T]]) -> Loaded[T]:
        """Ask the host for something; a failure keeps what there was.

        Args:
            before: what is known.
            ask: asks for it.

        Returns:
            What is known now; it never raises but when cancelled.
        """
        try:
            value = await ask(await self.host())
        except K3kError as error:
            await self.drop()
            return replace(before, loading=False, error=error.message, hint=error.hint)
        except Exception:
            logger.exception("a host could not be asked")
            await self.drop()
            return replace(before, loading=False, error="something went wrong within k3k", hint="Try again.")
        return Loaded(value, self._clock())
