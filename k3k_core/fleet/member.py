"""One control plane of a fleet: what is known of it, and the row that tells it."""

from __future__ import annotations

from typing import Protocol

from k3k_core.discovery import Verdict
from k3k_core.discovery.inventory import Found
from k3k_core.fleet.hosts import HostFollower
from k3k_core.fleet.rows import FleetKey, FleetRow, Reach
from k3k_core.telemetry.judgement import Judgement
from k3k_core.telemetry.scraper.target import Scraped
from k3k_core.telemetry.signals.model import Signals


class Judging(Protocol):
    """What comes to a verdict about one control plane, and remembers since when."""

    def judge(self, signals: Signals | None, *, base: Verdict, base_reason: str, at: float) -> Judgement:
        """Return the verdict now.

        Args:
            signals: what was measured; None for nothing.
            base: what the host's objects say.
            base_reason: why, as far as they do.
            at: seconds since 1970.
        """
        ...


class HostJudge:
    """The verdict of the host's objects alone."""

    def __init__(self) -> None:
        self._last: Judgement | None = None

    def judge(self, signals: Signals | None, *, base: Verdict, base_reason: str, at: float) -> Judgement:  # noqa: ARG002 (see Judging)
        """Return the verdict now; see `Judging`."""
        if self._last is None or self._last.verdict != base:
            self._last = Judgement(base, at)
        return self._last


class Member:
    """Gathers what is known of one control plane.

    Args:
        key: which one.
        host: where its objects are.
        found: its control plane and Service.
        judge: comes to the verdict.
        at: seconds since 1970.
    """

    def __init__(self, key: FleetKey, host: HostFollower, found: Found, judge: Judging, at: float) -> None:
        self.key = key
        self.host = host
        self.found = found
        self.scraped: Scraped | None = None
        self.reach = Reach()
        self._judge = judge
        self.row = self._make(at)

    def update(self, at: float) -> bool:
        """Make the row anew from what is known now.

        Args:
            at: seconds since 1970.

        Returns:
            Whether it changed.
        """
        row = self._make(at)
        changed = row != self.row
        self.row = row
        return changed

    def _make(self, at: float) -> FleetRow:
        control_plane = self.found.control_plane
        signals = self.scraped.signals if self.scraped is not None else None
        judgement = self._judge.judge(
            signals, base=control_plane.verdict, base_reason=control_plane.reason, at=at
        )
        return FleetRow(
            control_plane,
            judgement,
            signals,
            self.scraped,
            self.reach,
            self.host.stale_since,
        )
