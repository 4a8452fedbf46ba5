"""One control plane of a fleet: what is known of it, and the row that tells it."""

from __future__ import annotations

import asyncio

from k3k_core.fleet.candidates import ENDPOINT, serving
from k3k_core.fleet.hosts import HostFollower
from k3k_core.fleet.reach import Approach
from k3k_core.fleet.rows import FleetKey, FleetRow, Reach
from k3k_core.fleet.subject import Subject
from k3k_core.names import COMPONENT_SERVER
from k3k_core.telemetry.history import History
from k3k_core.telemetry.judge import Judge
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, Scraped
from k3k_core.telemetry.signals.model import ServerHealth, Signals

# Seconds after which signals are judged again although no new ones came: rules count how long something holds.
_OVERDUE = 30.0
# Seconds after which it is said again that nobody answers.
_SILENCE = 15.0


class Member:
    """Gathers what is known of one control plane.

    Args:
        key: which one.
        host: where its objects are.
        subject: what they say.
        judge: comes to the verdict.
        approach: finds a way to it; None when it is not scraped.
        history: keeps the course of its signals; None when that is not wanted.
        at: seconds since 1970.
    """

    def __init__(
        self,
        key: FleetKey,
        host: HostFollower,
        subject: Subject,
        *,
        judge: Judge,
        approach: Approach | None,
        history: History | None,
        at: float,
    ) -> None:
        self.key = key
        self.host = host
        self.approach = approach
        self.history = history
        self.target: ControlPlaneTarget | None = None
        self.attempt: asyncio.Task[None] | None = None
        self.subject = subject
        self._judge = judge
        self._scraped: Scraped | None = None
        self._silence: Signals | None = None
        self._stale_since = host.stale_since
        self._judged = at
        self.row = self._make(at)

    @property
    def failing(self) -> bool:
        """Whether nothing could be read in the last round."""
        if self._scraped is None:
            return False
        servers = self._scraped.signals.servers
        return all(server.error or server.page_error for server in servers)

    def settled(self, window: float) -> bool:
        """Tell whether its signals are complete, or it is known why there are none.

        Args:
            window: shortest time between the two scrapes they are computed from, seconds.
        """
        if self.approach is None:
            return True
        if self.target is None:
            return self.attempt is None and not self.approach.reach.undecided
        if self._scraped is None:
            return False
        return self.failing or self._scraped.signals.window > window

    def learn(self, subject: Subject, at: float) -> bool:
        """Take what its host's objects say now.

        Args:
            subject: it.
            at: seconds since 1970.

        Returns:
            Whether the row changed.
        """
        stale_since = self.host.stale_since
        same = subject.found == self.subject.found and stale_since == self._stale_since
        self.subject, self._stale_since = subject, stale_since
        # A clock that was set back must not put it off.
        overdue = self._scraped is None or not 0 <= at - self._judged < _OVERDUE
        return self.update(at) if overdue or not same else False

    def take(self, scraped: Scraped, at: float) -> bool:
        """Take what a round over it gave.

        Args:
            scraped: it.
            at: seconds since 1970.

        Returns:
            Whether the row changed.
        """
        if self.target is None:
            return False
        if self._scraped is not None and scraped.order < self._scraped.order:
            # A round out of turn has overtaken it; the wall clock may have been set back meanwhile.
            return False
        self._scraped = scraped
        changed = self.update(at)
        if self.history is not None:
            self.history.append(scraped.signals.at, scraped.signals, self.row.judgement.verdict)
        return changed

    def aim(self) -> bool:
        """Find out what a scraper has to know of it now.

        Returns:
            Whether that is something else than before.
        """
        target = self.approach.target(self.subject) if self.approach is not None else None
        different = target != self.target
        self.target = target
        if target is None:
            self._scraped = None
        return different

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

    def _unanswered(self, at: float) -> Signals | None:
        """Return what says to the rules that nobody answered; None when nobody can be expected to.

        Args:
            at: seconds since 1970.
        """
        reason = self.approach.reach.reason if self.approach is not None else ""
        if not reason or self.target is not None or self.subject.idle:
            self._silence = None
            return None
        known = self._silence
        if known is not None and known.servers[0].error == reason and 0 <= at - known.at < _SILENCE:
            return known
        names = [pod.name for pod in serving(self.subject.pods, COMPONENT_SERVER)] or [ENDPOINT]
        servers = tuple(ServerHealth(name, ready=False, error=reason) for name in names)
        self._silence = Signals(at, window=0.0, servers=servers)
        return self._silence

    def _make(self, at: float) -> FleetRow:
        control_plane = self.subject.found.control_plane
        signals = self._scraped.signals if self._scraped is not None else self._unanswered(at)
        self._judged = at
        judgement = self._judge.judge(
            signals, base=control_plane.verdict, base_reason=control_plane.reason, at=at
        )
        reach = self.approach.reach if self.approach is not None else Reach()
        return FleetRow(control_plane, judgement, signals, self._scraped, reach, self._stale_since)
