"""Looks at control planes that only exist in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

import k3k_core.cli.fleet_look
from k3k_core.fleet import FleetRow


class FakeLook:
    """Stands in for `fleet_look.follow`: one row after another.

    Attributes:
        rows: what is seen; the last one stays.
        asked: identity and window of each look.
        focused: what was looked at.
        error: what opening raises; None for nothing.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[FleetRow] = []
        self.asked: list[tuple[str, float]] = []
        self.focused: list[Any] = []
        self.error: Exception | None = None
        monkeypatch.setattr(k3k_core.cli.fleet_look, "follow", self.follow)

    @asynccontextmanager
    async def follow(self, _session: Any, identity: Any, *, window: float, **_: Any) -> AsyncIterator[Any]:
        """Stand in for `follow`."""
        self.asked.append((str(identity), window))
        if self.error is not None:
            raise self.error
        yield SimpleNamespace(
            row=self.row,
            host_error=str,
            fleet=SimpleNamespace(changes=self.changes, focus=self.focus, rows={}),
        )

    def row(self) -> FleetRow:
        """Return the row that is seen now."""
        return self.rows[0]

    def focus(self, keys: Sequence[Any]) -> None:
        """Note what goes first."""
        self.focused.append(keys)

    async def changes(self) -> AsyncIterator[None]:
        """Tell of each row; the end of them ends the watch."""
        yield None
        while len(self.rows) > 1:
            self.rows.pop(0)
            yield None


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> FakeLook:
    """Looks in memory."""
    return FakeLook(monkeypatch)
