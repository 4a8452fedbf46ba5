"""What simulated servers share, and what the API of an embedded cluster is told about one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from k3k_core.sandbox.fault_board import FaultBoard
from k3k_core.sandbox.k3s.bootstrap import Credentials
from k3k_core.sandbox.k3s.datastores import Datastore, Datastores, Members
from k3k_core.sandbox.k3s.metrics import SIMULATED, Metrics
from k3k_core.sandbox.node.volumes import Volumes
from k3k_core.sandbox.scenario import Scenario

if TYPE_CHECKING:
    from aiohttp import web

    Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

__all__ = ["SIMULATED", "Cluster", "Surroundings"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the API that serves a cluster's objects is told by one of its servers.

    Attributes:
        version: k3s version, e.g. `v1.33.4+k3s1`.
        datastore: the objects.
        credentials: who may do what.
        advertised: HOST:PORT that clients are told.
        metrics: the server's `/metrics`.
        failing: returns which health checks fail, with reasons.
        page_fails: returns whether its `/metrics` cannot be read.
    """

    version: str
    datastore: Datastore
    credentials: Credentials
    advertised: str
    metrics: Metrics
    failing: Callable[[], dict[str, str]]
    page_fails: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all simulated servers of a sandbox share.

    Attributes:
        datastores: where their data is.
        members: the etcds they may use.
        scenario: when they become ready, and what goes wrong.
        now: wall clock.
        open_api: returns what answers the requests to a cluster's API.
        faults: what goes wrong with which server right now.
        volumes: what lies on the volumes of pods.
    """

    datastores: Datastores
    members: Members
    scenario: Scenario
    now: Callable[[], datetime]
    open_api: Callable[[Cluster], Handler]
    faults: FaultBoard
    volumes: Volumes = field(default_factory=Volumes)
