"""How fast a size changed over the last hour."""

from __future__ import annotations

from collections import deque
from typing import Final

SPAN: Final = 3600.0
"""Seconds over which growth is measured, at most."""

STEP: Final = 60.0
"""Seconds between the sizes that are kept."""


class Growth:
    """Sizes of the last hour, one a minute."""

    def __init__(self) -> None:
        self._sizes: deque[tuple[float, float]] = deque(maxlen=int(SPAN / STEP) + 1)

    def add(self, at: float, size: float | None) -> float | None:
        """Learn a size.

        Args:
            at: when it was read, seconds since 1970.
            size: bytes, None when it could not be read.

        Returns:
            Bytes a second between the first size of the last hour and this one, None while there is only one.
        """
        if self._sizes and at < self._sizes[-1][0]:
            # The clock went back: what was kept is of a time to come.
            self._sizes.clear()
        while self._sizes and at - self._sizes[0][0] > SPAN:
            self._sizes.popleft()
        if size is None:
            return None
        first = self._sizes[0] if self._sizes else None
        if not self._sizes or at - self._sizes[-1][0] >= STEP:
            self._sizes.append((at, size))
        if first is None or at <= first[0]:
            return None
        return (size - first[1]) / (at - first[0])
