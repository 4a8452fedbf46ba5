"""The fleet of `k3k demo`: what stands in it, and how it comes to stand there.

Everything is made through the library itself, as a user would, but for one control plane in the form in which the
ayedo Helm chart leaves its own. Some of it is then given faults, chosen by seed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from k3k_core.host import HostApi
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.progress import silent
from k3k_core.names import ControlPlaneId
from k3k_core.resources import POD, SECRET, Resource
from k3k_core.sandbox.fault_catalogue import FAULT_ANNOTATION
from k3k_core.sandbox.helm_release import install
from k3k_core.values import load_values

_AT_ONCE = 8
_VERSIONS = ("v1.36.2+k3s1", "v1.35.1+k3s1", "v1.34.3+k3s1", "v1.33.4+k3s1")
_TEAMS = ("shop", "payments", "search", "mobile", "data", "platform")
_WORDS = ("amber", "basil", "cedar", "delta", "ember", "flint", "grove", "heron", "iris", "juno")


@dataclass(frozen=True, slots=True)
class Member:
    """One control plane of the fleet.

    Attributes:
        id: its namespace and name.
        made_by: "k3k" creates it through the library, "helm" leaves it as the ayedo chart would.
        preset: preset it starts from, or None.
        values: the values file.
    """

    id: ControlPlaneId
    made_by: Literal["k3k", "helm"] = "k3k"
    preset: str | None = None
    values: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with one control plane of the fleet, on purpose.

    Attributes:
        id: the control plane.
        what: what is wrong, for people.
        fault: fault of the sandbox; see `fault_catalogue`.
        pod: the one server that has it; empty when all have.
    """

    id: ControlPlaneId
    what: str
    fault: str
    pod: str = ""

    @property
    def annotated(self) -> tuple[Resource, str]:
        """Kind and name of the object whose annotation asks for the fault."""
        return (POD, self.pod) if self.pod else (SECRET, self.id.root)


# What is wrong, for people, and by which fault; the first befalls one server of several.
_TROUBLES = (
    ("one server is down", "down"),
    ("all servers are down", "down"),
    ("certificates are running out", "certificates-expiring"),
    ("a controller's queue is stuck", "queue-stuck"),
    ("more load than it can take", "overloaded"),
)

_FIRST = (
    Member(ControlPlaneId("shop", "storefront"), preset="tenant"),
    Member(
        ControlPlaneId("payments", "ledger"),
        values="servers: 2\nversion: v1.35.1+k3s1\ndatastore:\n  kind: etcd\n  etcd:\n    members: 3\n",
    ),
    Member(ControlPlaneId("legacy", "intranet"), made_by="helm"),
    Member(ControlPlaneId("ci", "pr-1042"), preset="ci", values="ttl: 2h\n"),
    Member(
        ControlPlaneId("search", "index"),
        values="servers: 3\nversion: v1.34.3+k3s1\ndatastore:\n  kind: external\n  external:\n"
        "    endpoint: postgres://demo:demo@postgres.example.com:5432/index\n",
    ),
    Member(ControlPlaneId("stores", "berlin"), preset="edge", values="version: v1.33.4+k3s1\n"),
)


def recipe(clusters: int, seed: int) -> tuple[Member, ...]:
    """Return the members of a fleet; the same arguments give the same fleet.

    Args:
        clusters: how many, at least one; the first six show one kind each.
        seed: of what the others are.
    """
    chance = random.Random(seed)  # noqa: S311 (names and sizes of a demonstration)
    more = [_another(chance, number) for number in range(len(_FIRST) + 1, clusters + 1)]
    return (*_FIRST[:clusters], *more)


def _another(chance: random.Random, number: int) -> Member:
    identity = ControlPlaneId(chance.choice(_TEAMS), f"{chance.choice(_WORDS)}-{number}")
    preset = chance.choice(("ci", "dev", "tenant", "edge", None))
    values = f"version: {chance.choice(_VERSIONS)}\n"
    if preset is None and chance.random() < 0.5:
        values += f"servers: {chance.randint(2, 3)}\ndatastore:\n  kind: etcd\n"
    return Member(identity, preset=preset, values=values)


def troubles(members: Sequence[Member], seed: int) -> tuple[Trouble, ...]:
    """Return what is to be wrong with a fleet; the same arguments give the same troubles.

    At least half of the fleet is left alone, and so is what Helm made, whose servers can only be watched from outside.

    Args:
        members: the fleet.
        seed: of which member has which.
    """
    chance = random.Random(f"troubles/{seed}")  # noqa: S311 (of a demonstration)
    ours = [member for member in members if member.made_by == "k3k"]
    chance.shuffle(ours)
    several = next((member for member in ours if _servers(member) > 1), None)
    if several is not None:
        ours.remove(several)
    left = min(len(members) // 2, len(_TROUBLES))
    found: list[Trouble] = []
    for number, (what, fault) in enumerate(_TROUBLES):
        member = several if number == 0 else ours.pop() if ours else None
        if member is None or len(found) == left:
            continue
        pod = f"{member.id.server}-{_servers(member) - 1}" if number == 0 else ""
        found.append(Trouble(member.id, what, fault, pod))
    return tuple(found)


def _servers(member: Member) -> int:
    return load_values(member.values, preset=member.preset).values.servers


async def cause(host: HostApi, wrong: Sequence[Trouble]) -> None:
    """Let things go wrong, as anybody can with `kubectl annotate`.

    Args:
        host: an open host, which is a sandbox.
        wrong: what is to go wrong.
    """
    for trouble in wrong:
        resource, name = trouble.annotated
        patch = {"metadata": {"annotations": {FAULT_ANNOTATION: trouble.fault}}}
        await host.patch(resource, trouble.id.namespace, name, patch)


async def provision(
    host: HostApi,
    members: Sequence[Member],
    *,
    timeout: float,
    made: Callable[[Member, Exception | None], None],
) -> None:
    """Make a fleet, several members at once; one that fails does not keep the others from being made.

    Args:
        host: an open host.
        members: the fleet.
        timeout: seconds for each of them.
        made: told about each member when it is ready, or what went wrong.
    """
    places = asyncio.Semaphore(_AT_ONCE)

    async def make(member: Member) -> None:
        async with places:
            try:
                await _make(host, member, timeout)
            except Exception as error:  # noqa: BLE001 (handed to the caller, for each member)
                made(member, error)
            else:
                made(member, None)

    async with asyncio.TaskGroup() as group:
        for member in members:
            group.create_task(make(member))


async def _make(host: HostApi, member: Member, timeout: float) -> None:
    if member.made_by == "helm":
        await install(host, member.id, timeout=timeout)
        return
    values = load_values(member.values, source=f"demo {member.id}", preset=member.preset)
    await create(host, CreateRequest(id=member.id, values=values, timeout=timeout), silent)
