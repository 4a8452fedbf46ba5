"""What a fleet tells of its control planes and hosts, as data that never changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from k3k_core.discovery import ControlPlane
from k3k_core.fleet.documents import row_document
from k3k_core.telemetry.judgement import Judgement
from k3k_core.telemetry.scraper.target import Scraped, TargetId
from k3k_core.telemetry.signals.model import Signals

FleetKey: TypeAlias = TargetId
Way = Literal["pods", "load-balancer", "node-port", "cluster-ip", "kubeconfig", "tunnel"]


@dataclass(frozen=True, slots=True)
class Reach:
    """How the pages of a control plane are read, or why they are not.

    Attributes:
        way: how its servers are reached; None while they are not.
        reason: why not, one sentence; empty while they are, or have not been tried yet.
        hint: what to do.
        forbidden: whether the host refuses this identity what it takes.
    """

    way: Way | None = None
    reason: str = ""
    hint: str = ""
    forbidden: bool = False

    @property
    def undecided(self) -> bool:
        """Whether nothing is known yet."""
        return self.way is None and not self.reason


@dataclass(frozen=True, slots=True)
class FleetRow:
    """One control plane.

    Attributes:
        control_plane: what the objects of its host say.
        judgement: the verdict with its reasons.
        signals: what was computed from its pages, or that none of its servers can be reached; None before either.
        scraped: the last round; None before the first, and without scraping.
        reach: how its pages are read.
        stale_since: seconds since 1970 from when its host could not be followed; None while it can.
    """

    control_plane: ControlPlane
    judgement: Judgement
    signals: Signals | None = None
    scraped: Scraped | None = None
    reach: Reach = Reach()
    stale_since: float | None = None

    @property
    def id(self) -> FleetKey:
        """Which control plane it is."""
        row = self.control_plane
        return TargetId(row.host, row.namespace, row.name)

    @property
    def reason(self) -> str:
        """Why it has its verdict: the worst finding's sentence, or else what the host's objects say."""
        return self.judgement.reason or self.control_plane.reason

    def to_dict(self) -> dict[str, Any]:
        """Return the stable machine-readable form (`k3k metrics -o json`), times in RFC 3339."""
        return row_document(self)


@dataclass(frozen=True, slots=True)
class HostState:
    """How well one host is known.

    Attributes:
        name: context of the kubeconfig, or "in-cluster".
        connected: whether its objects are followed at the moment.
        since: seconds since 1970 from when `connected` has been what it is.
        error: why it is not connected, one sentence; empty otherwise.
        hint: what to do about it.
        listed: whether its control planes have been listed completely at least once.
        control_planes: how many of them are in the fleet.
        forbidden: whether it refuses this identity.
    """

    name: str
    connected: bool
    since: float
    error: str = ""
    hint: str = ""
    listed: bool = False
    control_planes: int = 0
    forbidden: bool = False

    @property
    def settled(self) -> bool:
        """Whether it has answered or failed."""
        return self.listed or bool(self.error)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What happened since a subscriber's last set; each thing at most once, as it is now.

    Attributes:
        changed: rows that came or changed, sorted.
        removed: control planes that went, sorted.
        hosts: hosts whose state changed.
    """

    changed: tuple[FleetRow, ...] = ()
    removed: tuple[FleetKey, ...] = ()
    hosts: tuple[HostState, ...] = ()
