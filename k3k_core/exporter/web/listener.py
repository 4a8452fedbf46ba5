"""Listening: addresses as people write them, and TLS that can be renewed while it goes on."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from k3k_core.errors import K3kError, UsageError

_FORM = re.compile(r"(?:\[(?P<six>[^\[\]]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})", re.ASCII)
_BACKLOG = 128
_HANDSHAKE_SECONDS = 10.0
_CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen.

    Attributes:
        host: name or address; empty for every address of the machine.
        port: TCP port; 0 for any free one.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read HOST:PORT, [IPV6]:PORT or :PORT.

        Args:
            text: what the user wrote.

        Raises:
            UsageError: it is no such thing.
        """
        matched = _FORM.fullmatch(text.strip())
        port = int(matched["port"]) if matched else 0
        if matched is None or port > 65535:
            raise UsageError(
                f"{text!r} is no address to listen on.",
                hint="Write HOST:PORT, [::]:PORT for IPv6, or :PORT for every address of this machine.",
            )
        return cls(matched["six"] or matched["host"] or "", port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def bind(address: Address) -> list[socket.socket]:
    """Return sockets that listen on an address.

    Args:
        address: where to listen.

    Raises:
        K3kError: nothing can listen there.
    """
    everywhere = not address.host
    try:
        # "::" takes IPv4 too, where the machine has IPv6 at all.
        if (everywhere and socket.has_dualstack_ipv6()) or address.host == "::":
            dual = socket.has_dualstack_ipv6()
            return [_made("::", address.port, socket.AF_INET6, dualstack=dual)]
        found = socket.getaddrinfo(
            address.host or "0.0.0.0",  # noqa: S104 (asked for by leaving the host out)
            address.port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )
    except socket.gaierror as error:
        raise _cannot(address, error.strerror or "the name is not known") from None
    except OSError as error:
        raise _cannot(address, _reason(error)) from None
    sockets: list[socket.socket] = []
    try:
        for family, _kind, _protocol, _name, place in dict.fromkeys(found):
            # With port 0 the second address takes the port that the first was given.
            port = sockets[0].getsockname()[1] if sockets else address.port
            sockets.append(_made(str(place[0]), port, family))
    except OSError as error:
        for made in sockets:
            made.close()
        raise _cannot(address, _reason(error)) from None
    return sockets


def _made(host: str, port: int, family: int, *, dualstack: bool = False) -> socket.socket:
    return socket.create_server(
        (host, port), family=family, backlog=_BACKLOG, reuse_port=False, dualstack_ipv6=dualstack
    )


def _reason(error: OSError) -> str:
    # asyncio and the socket module put their own words before the system's.
    return os.strerror(error.errno) if error.errno else str(error)


def _cannot(address: Address, why: str) -> K3kError:
    return K3kError(f"Cannot listen on {address}: {why}.", hint="--listen HOST:PORT chooses another address.")


class Listener:
    """Accepts connections on some sockets.

    Args:
        sockets: listening ones; closed in the end.
        factory: makes the protocol of a connection.
    """

    def __init__(self, sockets: list[socket.socket], factory: Callable[[], asyncio.Protocol]) -> None:
        self._sockets = sockets
        self._factory = factory
        self._servers: list[asyncio.Server] = []

    @property
    def addresses(self) -> list[Address]:
        """Where it listens."""
        return [Address(*made.getsockname()[:2]) for made in self._sockets]

    async def accept(self, context: ssl.SSLContext | None) -> None:
        """Accept connections from now on with this TLS context; those there are go on with theirs.

        Args:
            context: None for plain HTTP.
        """
        loop = asyncio.get_running_loop()
        before = self._servers
        self._servers = [
            # A duplicate, because a server closes its socket: none of the clients that wait is lost.
            await loop.create_server(
                self._factory,
                sock=made.dup(),
                ssl=context,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if context is not None else None,
                ssl_shutdown_timeout=_CLOSE_SECONDS if context is not None else None,
            )
            for made in self._sockets
        ]
        for server in before:
            server.close()

    def close(self) -> None:
        """Accept no more connections."""
        for server in self._servers:
            server.close()
        for made in self._sockets:
            with suppress(OSError):
                made.close()
