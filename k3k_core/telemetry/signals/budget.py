"""How fast the error budget goes, over the last hour and the last six."""

from __future__ import annotations

from array import array
from math import isfinite
from typing import Final

TARGET: Final = 0.99
"""Share of requests over 30 days that shall be answered in time and not fail (kubernetes-mixin)."""

SLOT: Final = 60.0
"""Seconds that are counted together."""

SLOTS: Final = 360
"""Six hours."""

COVERED: Final = 1 / 12
"""Share of a window that must have been seen before its burn is said: 5 minutes of an hour, 30 of six hours."""

MIN_REQUESTS: Final = 20.0
"""Requests in a window below which a share of them says nothing."""

BACKWARDS: Final = 300.0
"""Seconds a clock may go back before what was counted is forgotten."""

_UNLIKELY: Final = 1e15
"""Requests of one window that no server can have answered."""


class ErrorBudget:
    """Requests that spent error budget, and requests that count for it, by minute."""

    def __init__(self) -> None:
        self._bad = array("d", bytes(8 * SLOTS))
        self._total = array("d", bytes(8 * SLOTS))
        self._seen = array("d", bytes(8 * SLOTS))
        self._minute: int | None = None

    def add(self, at: float, window: float, bad: float, total: float) -> None:
        """Count the requests between two pages, evenly over the time between them.

        Args:
            at: when the window ended, seconds since 1970.
            window: its length, seconds.
            bad: requests that spent error budget.
            total: requests that count for it.
        """
        if not (0 <= bad <= _UNLIKELY and 0 <= total <= _UNLIKELY and 0 < window <= SLOT * SLOTS):
            return
        if not self._advance(at):
            return
        end = at
        while end > at - window:
            begin = max(at - window, (end // SLOT) * SLOT if end % SLOT else end - SLOT)
            self._put(int(begin // SLOT), end - begin, (end - begin) / window, bad, total)
            end = begin

    def burn(self, at: float, window: float) -> float | None:
        """Return how many times faster than allowed the budget went.

        Args:
            at: the end of the window, seconds since 1970.
            window: its length in seconds, at most six hours.

        Returns:
            1 where the budget of 30 days would last exactly 30 days; None until COVERED of the window has been
            seen and MIN_REQUESTS were counted in it.
        """
        if self._minute is None or not self._advance(at):
            return None
        minutes = min(int(window // SLOT), SLOTS)
        total = self._sum(self._total, minutes)
        if total < MIN_REQUESTS or self._sum(self._seen, minutes) < COVERED * window:
            return None
        return self._sum(self._bad, minutes) / total / (1 - TARGET)

    def _sum(self, ring: array[float], minutes: int) -> float:
        end = (self._minute or 0) % SLOTS + 1
        begin = end - minutes
        return sum(ring[begin:end]) if begin >= 0 else sum(ring[:end]) + sum(ring[begin:])

    def _put(self, minute: int, seconds: float, share: float, bad: float, total: float) -> None:
        if self._minute is None or not self._minute - SLOTS < minute <= self._minute:
            return
        place = minute % SLOTS
        self._bad[place] += bad * share
        self._total[place] += total * share
        # Servers are seen at the same time; that is no more time.
        self._seen[place] = min(SLOT, self._seen[place] + seconds)

    def _advance(self, at: float) -> bool:
        """Make the minute of a moment the newest one; forget what is older than six hours."""
        if not isfinite(at) or at < 0:
            return False
        minute = int(at // SLOT)
        if self._minute is None or self._minute - minute > BACKWARDS / SLOT:
            self._clear(range(SLOTS))
        elif minute > self._minute:
            self._clear(range(max(self._minute + 1, minute - SLOTS + 1), minute + 1))
        else:
            return True
        self._minute = minute
        return True

    def _clear(self, minutes: range) -> None:
        for minute in minutes:
            self._bad[minute % SLOTS] = self._total[minute % SLOTS] = self._seen[minute % SLOTS] = 0.0
