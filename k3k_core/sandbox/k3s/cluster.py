"""What simulated servers share, and what the API of an embedded cluster is told about one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from k3k_core.sandbox.k3s.bootstrap import Credentials
from k3k_core.sandbox.k3s.datastores import Datastore, Datastores, Members
from k3k_core.sandbox.scenario import Scenario

if TYPE_CHECKING:
    from aiohttp import web

    Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

# On every answer, so that nobody takes a simulated server for a real one.
SIMULATED = {"X-K3k-Sandbox": "simulated"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the API that serves a cluster's objects is told by one of its servers.

    Attributes:
        version: k3s version, e.g. `v1.33.4+k3s1`.
        datastore: the objects.
        credentials: who may do what.
        advertised: HOST:PORT that clients are told.
        seed: for what differs between servers.
        started: when the server started.
        unhealthy: returns whether the health checks fail.
    """

    version: str
    datastore: Datastore
    credentials: Credentials
    advertised: str
    seed: int
    started: datetime
    unhealthy: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all simulated servers of a sandbox share.

    Attributes:
        datastores: where their data is.
        members: the etcds they may use.
        scenario: when they become ready, and what goes wrong.
        now: wall clock.
        open_api: returns what answers the requests to a cluster's API.
    """

    datastores: Datastores
    members: Members
    scenario: Scenario
    now: Callable[[], datetime]
    open_api: Callable[[Cluster], Handler]
