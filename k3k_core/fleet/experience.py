"""Which ways have led to control planes of one host, so that not each has to find out anew."""

from __future__ import annotations

from collections import Counter

from k3k_core.fleet.rows import Way
from k3k_core.fleet.trying import Attempt

# After so many silences and no answer a way counts as shut for a host, and is no longer waited for.
_SHUT = 3


class Experience:
    """Remembers what became of attempts."""

    def __init__(self) -> None:
        self._answered: set[Way] = set()
        self._silent: Counter[Way] = Counter()

    def note(self, way: Way, attempt: Attempt) -> None:
        """Learn from one attempt.

        Args:
            way: what was tried.
            attempt: what came of it.
        """
        if attempt.trouble != "silent":
            self._answered.add(way)
        else:
            self._silent[way] += 1

    def shut(self, way: Way) -> bool:
        """Tell whether a way has never led anywhere, though it was tried.

        Args:
            way: one.
        """
        return way not in self._answered and self._silent[way] >= _SHUT
