"""How a fleet is to be watched."""

from __future__ import annotations

from dataclasses import dataclass, field

from k3k_core.fleet.shard import Shard
from k3k_core.host import HostOptions
from k3k_core.names import ControlPlaneId
from k3k_core.telemetry.rules import Rule, load_rules
from k3k_core.telemetry.scraper.options import ScrapeOptions
from k3k_core.telemetry.scraper.target import TargetId


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """What belongs to a fleet and how it is watched.

    Attributes:
        hosts: its hosts; their names must differ.
        namespace: only this namespace of each; None for all.
        only: only control planes of these names; empty for all.
        shard: only this part of the control planes; None for all.
        scrape: how they are scraped; None for not at all: then their host's objects alone decide.
        workers: processes that scrape; 0 for this one.
        rules: what verdicts are made by.
        history: whether the course of signals is kept, 62 KB for each control plane.
        pace: shortest time between two change sets for one subscriber, seconds.
    """

    hosts: tuple[HostOptions, ...]
    namespace: str | None = None
    only: frozenset[ControlPlaneId] = frozenset()
    shard: Shard | None = None
    scrape: ScrapeOptions | None = field(default_factory=ScrapeOptions)
    workers: int = 0
    rules: tuple[Rule, ...] = field(default_factory=load_rules)
    history: bool = True
    pace: float = 0.5

    def holds(self, key: TargetId) -> bool:
        """Tell whether a control plane of one of the hosts belongs to the fleet.

        Args:
            key: which one.
        """
        if self.only and ControlPlaneId(key.namespace, key.name) not in self.only:
            return False
        return self.shard is None or self.shard.holds(key)
