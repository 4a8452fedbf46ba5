"""What the objects of a host say of one control plane, as far as reaching it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from k3k_core.discovery.inventory import Found
from k3k_core.fleet.candidates import serving
from k3k_core.fleet.credentials import secrets_of
from k3k_core.fleet.pods import PodFacts
from k3k_core.fleet.rows import FleetKey
from k3k_core.host import Key
from k3k_core.names import COMPONENT_SERVER, ControlPlaneId
from k3k_core.telemetry.scraper.target import TargetId


@dataclass(frozen=True, slots=True)
class Subject:
    """What the host's objects say of a control plane.

    Attributes:
        found: its control plane and Service.
        pods: its pods.
        versions: of the Secrets with its credentials.
        idle: whether it is known that no server runs that could be asked.
    """

    found: Found
    pods: tuple[PodFacts, ...]
    versions: tuple[str, ...]
    idle: bool = False

    @property
    def key(self) -> FleetKey:
        """Which control plane it is about."""
        row = self.found.control_plane
        return TargetId(row.host, row.namespace, row.name)

    @classmethod
    def of(
        cls, found: Found, pods: Mapping[Key, tuple[PodFacts, ...]] | None, versions: Mapping[Key, str]
    ) -> Subject:
        """Take what belongs to one control plane.

        Args:
            found: its control plane and Service.
            pods: of the host, by namespace and control plane; None when they cannot be seen.
            versions: of the host's Secrets with credentials.
        """
        row = found.control_plane
        ours = pods is not None and row.made_by == "k3k"
        own = (pods or {}).get(Key(row.namespace, row.name), ()) if ours else ()
        secrets = secrets_of(
            ControlPlaneId(row.namespace, row.name), made_by=row.made_by, datastore=row.datastore
        )
        idle = ours and not serving(own, COMPONENT_SERVER)
        return cls(found, own, tuple(versions.get(key, "") for key in secrets), idle)
