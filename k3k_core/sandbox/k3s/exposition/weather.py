"""What moves a simulated server's figures when nothing is wrong with it: its load comes and goes in waves.

A page must be made for any moment from nothing but the time, and its counters never go down. So what is given here is
the sum of the waves up to a time, whose slope is the load at that time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# Length in seconds and height of each wave; the heights of one sum add up to less than 1, so that slopes stay positive.
_LOAD = ((840.0, 0.30), (190.0, 0.15), (47.0, 0.08))
_GUSTS = ((610.0, 0.50), (130.0, 0.30), (33.0, 0.15))
# Share of the time in which there are gusts, seen over all of it.
_GUSTY = 0.5


@dataclass(frozen=True, slots=True)
class Weather:
    """The weather of one server.

    Attributes:
        phase: where its waves begin, radians.
    """

    phase: float

    def load(self, elapsed: float) -> float:
        """Return seconds of the recorded load after so many seconds: sometimes more a second, sometimes less.

        Args:
            elapsed: seconds since the server started.
        """
        return elapsed + self._waves(_LOAD, elapsed)

    def gusts(self, elapsed: float) -> float:
        """Return for how many seconds of so many the server was a little slower than recorded.

        Args:
            elapsed: seconds since the server started.
        """
        return _GUSTY * (elapsed + self._waves(_GUSTS, elapsed))

    def _waves(self, waves: tuple[tuple[float, float], ...], elapsed: float) -> float:
        total = 0.0
        for number, (length, height) in enumerate(waves, start=1):
            turn = 2 * math.pi / length
            begin = self.phase * number
            # The integral of height * cos(turn * t + begin), zero at the start.
            total += height / turn * (math.sin(turn * elapsed + begin) - math.sin(begin))
        return total
