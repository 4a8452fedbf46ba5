"""IP addresses of simulated pods and nodes."""

from __future__ import annotations

import socket

from k3k_core.names import API_PORT
from k3k_core.sandbox import loopback


class Addresses:
    """Hands out addresses on loopback, one for each purpose, the same ones for the same seed.

    An address is held by a UDP socket on the port that its pod listens on by TCP: no two sandboxes can hold
    one, however close to each other they look for it.

    Args:
        seed: of the sandbox.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._taken: dict[str, str] = {}
        self._held: dict[str, socket.socket] = {}

    def of(self, purpose: str) -> str:
        """Return the address for a purpose such as "pod/default/web-0".

        An address that another sandbox holds, or on which somebody else listens already, is passed over.
        """
        known = self._taken.get(purpose)
        if known is not None:
            return known
        for address in loopback.candidates(self._seed, purpose):
            if address in self._held:
                continue
            try:
                held = loopback.hold(address, API_PORT)
            except OSError:
                continue
            if not _free(address):
                held.close()
                continue
            self._taken[purpose] = address
            self._held[address] = held
            return address
        # Nothing is free: programs that listen will say so when they start.
        return "127.0.0.1"

    def release(self, purpose: str) -> None:
        """Let others have the address of a purpose."""
        address = self._taken.pop(purpose, None)
        if address is not None:
            self._held.pop(address).close()

    def close(self) -> None:
        """Let others have all addresses."""
        for purpose in tuple(self._taken):
            self.release(purpose)


def _free(address: str) -> bool:
    try:
        loopback.listen(address, API_PORT).close()
    except OSError:
        return False
    return True
