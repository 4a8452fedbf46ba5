"""How long to wait between attempts: exponential, jittered, bounded."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays between attempts.

    Attributes:
        first: seconds before the second attempt.
        factor: growth per attempt.
        limit: the longest delay, seconds.
        jitter: share of each delay that is left to chance, so that many clients do not return together.
        random: source of chance, a number in [0, 1).
    """

    first: float = 0.1
    factor: float = 2.0
    limit: float = 10.0
    jitter: float = 0.5
    random: Callable[[], float] = random.random

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row (1, 2, ...)."""
        # The exponent is bounded because a float overflows long before a patient caller gives up.
        full = min(self.limit, self.first * self.factor ** min(failures - 1, 64))
        return full * (1 - self.jitter * self.random())
