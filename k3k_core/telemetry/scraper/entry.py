"""What a scraper remembers of one control plane."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from k3k_core.telemetry.scraper.failure import TargetError
from k3k_core.telemetry.scraper.lanes import Lane
from k3k_core.telemetry.scraper.standing import Backoff, Standing
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, Scraped, ServerTarget
from k3k_core.telemetry.scraper.visit import Ask, Round, Visitor
from k3k_core.telemetry.signals.tracker import Tracker


class Entry:
    """One control plane and the state of scraping it.

    Args:
        target: the control plane.
        backoff: how long a failing server is left alone.

    Attributes:
        target: the control plane as it is now.
        tracker: computes its signals.
        visitor: asks its servers; None until the first round.
        task: its round that is under way in its turn.
        patience: runs out when that round takes unusually long.
        lock: held by the one round that may be under way.
    """

    def __init__(self, target: ControlPlaneTarget, backoff: Backoff) -> None:
        self.target = target
        self.tracker = Tracker()
        self.visitor: Visitor | None = None
        self.task: asyncio.Task[Scraped] | None = None
        self.patience: asyncio.TimerHandle | None = None
        self.lock = asyncio.Lock()
        self._backoff = backoff
        self._rounds = 0
        self._standings: dict[ServerTarget, Standing] = {}
        self._settle()

    @property
    def lane(self) -> Lane:
        """Whose slots its rounds take."""
        if self.failing:
            return "suspect"
        return "steady" if self._rounds else "new"

    def change(self, target: ControlPlaneTarget) -> bool:
        """Take a newer description of the same control plane.

        Returns:
            Whether its connections have to be made anew.
        """
        old, self.target = self.target, target
        if _connections(old) == _connections(target):
            return False
        if replace(old, servers=(), etcd=()) != replace(target, servers=(), etcd=()):
            self._standings.clear()
        self._settle()
        return True

    @property
    def failing(self) -> bool:
        """Whether any of its servers failed in the last round."""
        return any(standing.suspect for standing in self._standings.values())

    @property
    def backing_off(self) -> bool:
        """Whether any of its servers, or a page, is asked for less often."""
        return any(standing.backing_off for standing in self._standings.values())

    def wants_round(self, now: float, *, focused: bool) -> bool:
        """Tell whether there is any server to ask."""
        return focused or not all(self._standings[server].resting(now) for server in self.target.servers)

    def asks(self, now: float, *, forced: bool) -> tuple[Ask, ...]:
        """Return what to ask of each server.

        Args:
            now: by the event loop's clock.
            forced: whether to ask those too that are left alone.
        """
        return tuple(
            Ask(
                server,
                etcd=etcd,
                probe=not etcd and (forced or not standing.resting(now)),
                page=forced or not standing.page_resting(now),
                probe_error=standing.probe_error,
                page_error=standing.page_error,
            )
            for etcd, servers in ((False, self.target.servers), (True, self.target.etcd))
            for server in servers
            for standing in (self._standings[server],)
        )

    def record(self, made: Round, now: float) -> list[TargetError]:
        """Remember how a round went; returns its failures, the first of each server first."""
        self._rounds += 1
        failures: list[TargetError] = []
        for reply in made.replies:
            standing = self._standings.get(reply.ask.server)
            if standing is not None and (reply.ask.probe or reply.ask.page):
                standing.record(now, probe=reply.probe, page=reply.page, page_asked=reply.ask.page)
            failures += [error for error in (reply.probe, reply.page) if error is not None]
        return failures

    @staticmethod
    def errors(made: Round) -> tuple[str, ...]:
        """Return what went wrong, a sentence for each server and reason."""
        return tuple(
            f"{reply.ask.server.server}: {sentence}"
            for reply in made.replies
            for sentence in dict.fromkeys(
                error for error in (reply.observation.probe_error, reply.observation.page_error) if error
            )
        )

    def _settle(self) -> None:
        """Forget servers that are gone, and begin anew with those that came."""
        self._standings = {
            server: self._standings.get(server) or Standing(self._backoff)
            for server in (*self.target.servers, *self.target.etcd)
        }


def _connections(target: ControlPlaneTarget) -> ControlPlaneTarget:
    """Return what of a target its connections depend on."""
    return replace(target, datastore="", authorities=())
