"""Control planes to scrape, and visitors that need no network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from k3k_core.telemetry.observation import Observation, Probe, ServerObservation
from k3k_core.telemetry.scraper import ControlPlaneTarget, ServerTarget, TargetId
from k3k_core.telemetry.scraper.failure import TargetError
from k3k_core.telemetry.scraper.visit import Ask, Reply, Round


def control_plane(name: str, *servers: str) -> ControlPlaneTarget:
    """Return a control plane with servers of these names, one by default."""
    return ControlPlaneTarget(
        id=TargetId("host", "team", name),
        servers=tuple(ServerTarget(server, f"https://{server}:6443") for server in servers or ("server-0",)),
        ca_pem="authority",
        token="a token",
    )


@dataclass
class Visit:
    """One round that was asked for.

    Attributes:
        name: control plane.
        at: when, by the event loop's clock.
        asks: of which server what.
    """

    name: str
    at: float
    asks: tuple[Ask, ...]


@dataclass
class Network:
    """Servers that answer, fail or hang as a test says; use `open` as a scraper's `open_visitor`.

    Attributes:
        takes: seconds a round takes, by control plane; none by default.
        failures: what is wrong, by server; nothing by default.
        visits: rounds, in the order in which they began.
        closed: control planes whose connections were closed, in order.
        under_way: rounds under way now.
        most: the most rounds that were ever under way together.
    """

    takes: dict[str, float] = field(default_factory=dict)
    failures: dict[str, TargetError] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    wrong: Callable[[str], None] = lambda _: None

    def open(self, target: ControlPlaneTarget) -> FakeVisitor:
        """Return what makes the rounds over a control plane."""
        return FakeVisitor(self, target.id.name)

    def starts(self, name: str) -> list[float]:
        """Return when the rounds over a control plane began."""
        return [visit.at for visit in self.visits if visit.name == name]


class FakeVisitor:
    """Makes rounds without a network."""

    def __init__(self, network: Network, name: str) -> None:
        self._network = network
        self._name = name

    async def visit(self, target: ControlPlaneTarget, asks: Sequence[Ask]) -> Round:
        """Take as long as the network says, and answer as it says."""
        network = self._network
        network.visits.append(Visit(self._name, asyncio.get_running_loop().time(), tuple(asks)))
        network.under_way += 1
        network.most = max(network.most, network.under_way)
        try:
            network.wrong(self._name)
            await asyncio.sleep(network.takes.get(self._name, 0.0))
        finally:
            network.under_way -= 1
        replies = tuple(self._reply(ask) for ask in asks)
        observation = Observation(
            at=1000.0,
            servers=tuple(reply.observation for reply in replies),
            datastore=target.datastore,
            authorities=target.authorities,
        )
        return Round(observation, replies, received=10)

    async def aclose(self) -> None:
        """Remember it."""
        self._network.closed.append(self._name)

    def _reply(self, ask: Ask) -> Reply:
        name = ask.server.server
        if not ask.probe:
            return Reply(ask, ServerObservation(name, probe_error=ask.probe_error, page_error=ask.page_error))
        failure = self._network.failures.get(name)
        if failure is not None:
            observation = ServerObservation(name, probe_error=failure.sentence, page_error=failure.sentence)
            return Reply(ask, observation, failure, failure)
        return Reply(ask, ServerObservation(name, probe=Probe(ready=True, round_trip=0.01)))


def with_token(target: ControlPlaneTarget, token: str) -> ControlPlaneTarget:
    """Return a control plane with another token."""
    return replace(target, token=token)
