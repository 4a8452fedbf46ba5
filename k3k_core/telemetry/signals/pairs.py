"""Which earlier page of the same process a page is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from k3k_core.telemetry.families import PROCESS_START, Fact
from k3k_core.telemetry.observation import ServerObservation
from k3k_core.telemetry.page import Family, Page
from k3k_core.telemetry.signals.gauges import moment, single

ENDPOINT: Final = "endpoint"
"""Name of a server when any of several may answer, behind a load balancer."""

MAX_INSTANCES: Final = 5
"""Processes behind one load balancer whose last pages are kept."""

MAX_WINDOW: Final = 3600.0
"""Seconds after which a page is too old to compare with: what happened cannot be told from what happens."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A page, and the one before it of the same process.

    Attributes:
        server: name of the server.
        page: the page.
        at: when it came, seconds since 1970.
        before: the earlier page; None when there is none to compare with.
        window: seconds between the two; 0 without an earlier page.
        instance: start of the process, seconds since 1970; None when the page does not say.
        restarted: whether the process started after the server was last seen.
    """

    server: str
    page: Page
    at: float
    before: Page | None = None
    window: float = 0.0
    instance: float | None = None
    restarted: bool = False

    def families(self, fact: Fact) -> tuple[Family, Family] | None:
        """Return a family of the page and the same of the earlier one; None when there are not both."""
        return None if self.before is None else fact.pair(self.page, self.before)


@dataclass(frozen=True, slots=True)
class _Visit:
    page: Page
    at: float


class Pairing:
    """The last page of each process of a set of servers."""

    def __init__(self) -> None:
        self._visits: dict[str, dict[float | None, _Visit]] = {}

    def pairs(self, servers: Iterable[ServerObservation]) -> list[Pair]:
        """Return a pair for each server whose page was read, and keep the pages for the next time.

        Servers that are not asked any more are forgotten; those that did not answer are not.
        """
        asked = list(servers)
        names = {server.server for server in asked}
        self._visits = {name: visits for name, visits in self._visits.items() if name in names}
        return [
            self._pair(server.server, server.page, server.page_at)
            for server in asked
            if server.page is not None
        ]

    def _pair(self, server: str, page: Page, at: float) -> Pair:
        instance = moment(single(PROCESS_START, page))
        visits = self._visits.setdefault(server, {})
        restarted = _restarted(server, instance, visits)
        if server != ENDPOINT and instance not in visits:
            visits.clear()
        visit = visits.pop(instance, None)
        visits[instance] = _Visit(page, at)
        if len(visits) > MAX_INSTANCES:
            del visits[next(iter(visits))]
        if visit is None or not 0 < at - visit.at <= MAX_WINDOW:
            return Pair(server, page, at, instance=instance, restarted=restarted)
        return Pair(server, page, at, visit.page, at - visit.at, instance, restarted)


def _restarted(server: str, instance: float | None, visits: dict[float | None, _Visit]) -> bool:
    if not visits or instance is None or instance in visits:
        return False
    earlier = [start for start in visits if start is not None]
    if server == ENDPOINT:
        # Another server that had not answered yet started before the last answer; a new process after it.
        return instance > max(visit.at for visit in visits.values())
    return not earlier or instance != max(earlier)
