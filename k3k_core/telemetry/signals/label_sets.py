"""What label sets count for, remembered from one layout to the next."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import Final, Generic, TypeVar

from k3k_core.telemetry.labels import parse_series

K = TypeVar("K", bound=Hashable)

Labels = Mapping[str, str]

REMEMBERED: Final = 8_192
"""Series that are remembered, so that a page with one new series is not parsed from scratch."""

MAX_LENGTH: Final = 512
"""Bytes of a series above which it is not remembered; those of an API server have 150 to 250."""


class LabelSets(Generic[K]):
    """What the label sets of one family count for, in any number of control planes."""

    def __init__(self, classify: Callable[[Labels], K | None]) -> None:
        """Remember nothing yet.

        Args:
            classify: what labels count for, None for nothing.
        """
        self.classify = classify
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._parsed)

    def key_of(self, series: bytes) -> K | None:
        """Return what a series counts for.

        Raises:
            ValueError: the series is malformed.
        """
        return self._remembered(series) if len(series) <= MAX_LENGTH else self._parsed(series)

    def _parsed(self, series: bytes) -> K | None:
        return self.classify(parse_series(series)[1])
