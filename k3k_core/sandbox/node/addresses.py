"""IP addresses of simulated pods and nodes."""

from __future__ import annotations

from k3k_core.names import API_PORT
from k3k_core.sandbox import loopback


class Addresses:
    """Hands out addresses on loopback, one for each purpose, the same ones for the same seed.

    Args:
        seed: of the sandbox.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._taken: dict[str, str] = {}

    def of(self, purpose: str) -> str:
        """Return the address for a purpose such as "pod/default/web-0".

        An address on which somebody else listens already is passed over.
        """
        known = self._taken.get(purpose)
        if known is not None:
            return known
        used = set(self._taken.values())
        for address in loopback.candidates(self._seed, purpose):
            if address in used:
                continue
            try:
                loopback.listen(address, API_PORT).close()
            except OSError:
                continue
            self._taken[purpose] = address
            return address
        # Nothing is free: programs that listen will say so when they start.
        return "127.0.0.1"
