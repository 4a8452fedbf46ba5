"""How a fleet is to be watched."""

from __future__ import annotations

from dataclasses import dataclass

from k3k_core.fleet.shard import Shard
from k3k_core.host import HostOptions


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """What belongs to a fleet and how it is watched.

    Attributes:
        hosts: its hosts; their names must differ.
        namespace: only this namespace of each; None for all.
        shard: only this part of the control planes; None for all.
        pace: shortest time between two change sets for one subscriber, seconds.
        history: whether the course of signals is kept.
    """

    hosts: tuple[HostOptions, ...]
    namespace: str | None = None
    shard: Shard | None = None
    pace: float = 0.5
    history: bool = True
