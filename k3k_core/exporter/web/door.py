"""Connections: how many there may be, and how long one may take to say what it wants.

aiohttp's protocol does the talking; what stands before it here only counts and watches the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """Limits on connections.

    Attributes:
        connections: how many may be open at once.
        request: seconds until a new connection must have sent a whole request.
        response: seconds until an answer must have been taken, and the next request must have come.
    """

    connections: int = 256
    request: float = 10.0
    response: float = 120.0


Admits = Callable[[asyncio.Transport], bool]
Inner = Callable[[], asyncio.Protocol]


class Door:
    """Lets connections in.

    Args:
        inner: makes the protocol that serves a connection.
        limits: on connections.
        admits: looks at a new connection, its client's certificate for instance.
    """

    def __init__(
        self, inner: Inner, limits: DoorLimits | None = None, admits: Admits = lambda _transport: True
    ) -> None:
        self._inner = inner
        self._limits = limits or DoorLimits()
        self._admits = admits
        self._guards: dict[asyncio.BaseTransport, _Guard] = {}

    def __len__(self) -> int:
        """Return how many connections are open."""
        return len(self._guards)

    def __call__(self) -> asyncio.Protocol:
        """Make the protocol of a new connection."""
        return _Guard(self, self._inner())

    def asked(self, transport: asyncio.BaseTransport | None) -> None:
        """Note that a connection has sent a request.

        Args:
            transport: of the connection; None when it is gone already.
        """
        guard = self._guards.get(transport) if transport is not None else None
        if guard is not None:
            guard.wait(self._limits.response, asked=True)

    def enter(self, guard: _Guard, transport: asyncio.Transport) -> bool:
        """Let a connection in; when there are too many, one that has asked for nothing yet has to go.

        Args:
            guard: its protocol.
            transport: of the connection.
        """
        if not self._admits(transport):
            return False
        if len(self._guards) >= self._limits.connections:
            idle = next((other for other in self._guards.values() if not other.has_asked), None)
            if idle is None:
                return False
            idle.abort()
        self._guards[transport] = guard
        guard.wait(self._limits.request)
        return True

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """Forget a connection.

        Args:
            transport: of the connection.
        """
        self._guards.pop(transport, None)


class _Guard(asyncio.Protocol):
    """Stands between a connection and the protocol that serves it."""

    def __init__(self, door: Door, inner: asyncio.Protocol) -> None:
        self._door = door
        self._inner: asyncio.Protocol | None = inner
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.has_asked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._inner is None or not self._door.enter(self, self._transport):
            self._inner = None
            self._transport.abort()
            return
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._door.leave(self._transport)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def wait(self, seconds: float, *, asked: bool = False) -> None:
        """Give the connection so much time for what comes next."""
        self.has_asked = self.has_asked or asked
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.abort)

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._door.leave(self._transport)
            self._transport.abort()
