"""The objects of one host that its control planes are told from: listed once, or kept current."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from k3k_core.concurrency import together
from k3k_core.discovery import helm, k3k
from k3k_core.discovery.control_plane import ControlPlane
from k3k_core.discovery.source import Objects
from k3k_core.host import HostApi


@dataclass(frozen=True, slots=True)
class Found:
    """A control plane and the Service in front of it.

    Attributes:
        control_plane: its row.
        front: what `addresses.service_essence` keeps of the Service; None when there is none.
    """

    control_plane: ControlPlane
    front: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What discovery's sources hold.

    Attributes:
        roots: of `k3k.ROOTS`.
        stateful_sets: of `k3k.STATEFUL_SETS`.
        services: of `k3k.SERVICES`.
        releases: of `helm.RELEASES`.
        release_stateful_sets: of `helm.STATEFUL_SETS`.
        release_deployments: of `helm.DEPLOYMENTS`.
        release_services: of `helm.SERVICES`.
    """

    roots: Objects = field(default_factory=dict)
    stateful_sets: Objects = field(default_factory=dict)
    services: Objects = field(default_factory=dict)
    releases: Objects = field(default_factory=dict)
    release_stateful_sets: Objects = field(default_factory=dict)
    release_deployments: Objects = field(default_factory=dict)
    release_services: Objects = field(default_factory=dict)

    def found(self, host: str, *, now: datetime) -> Iterator[Found]:
        """Yield every control plane, those made by k3k last.

        Args:
            host: name of the host.
            now: current time (UTC), for expiry and grace periods.
        """
        by_helm = helm.rows(
            host,
            self.releases,
            self.release_stateful_sets,
            self.release_deployments,
            self.release_services,
            now=now,
        )
        by_k3k = k3k.rows(host, self.roots, self.stateful_sets, self.services, now=now)
        for row, front in chain(by_helm, by_k3k):
            yield Found(row, front)


async def read_inventory(host: HostApi, *, namespace: str | None) -> Inventory:
    """List everything once.

    Args:
        host: an open host.
        namespace: only this namespace; None for all.

    Raises:
        K3kError: the host refuses or does not answer.
    """
    (roots, stateful_sets, services), made_by_helm = await together(
        together(
            k3k.ROOTS.read(host, namespace),
            k3k.STATEFUL_SETS.read(host, namespace),
            k3k.SERVICES.read(host, namespace),
        ),
        _read_releases(host, namespace),
    )
    return Inventory(roots, stateful_sets, services, *made_by_helm)


async def _read_releases(host: HostApi, namespace: str | None) -> tuple[Objects, Objects, Objects, Objects]:
    releases = await helm.RELEASES.read(host, namespace)
    if not any(helm.is_release(item) for item in releases.values()):
        return {}, {}, {}, {}
    stateful_sets, deployments, services = await together(
        helm.read_if_allowed(helm.STATEFUL_SETS, host, namespace),
        helm.read_if_allowed(helm.DEPLOYMENTS, host, namespace),
        helm.read_if_allowed(helm.SERVICES, host, namespace),
    )
    return releases, stateful_sets, deployments, services
