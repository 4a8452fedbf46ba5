"""The signs that cells are made with; `k3k_tui.look.glyphs.Glyphs` has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from k3k_core.telemetry.judgement import Verdict


class Signs(Protocol):
    """Signs of one set, each one cell wide."""

    @property
    def verdicts(self) -> Mapping[Verdict, str]:
        """Sign of each verdict."""
        ...

    @property
    def sparkline(self) -> str:
        """Signs from the lowest to the highest value."""
        ...

    @property
    def stale(self) -> str:
        """Sign of what may be out of date."""
        ...
