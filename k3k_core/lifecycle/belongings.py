"""Everything that belongs to a control plane, its pods aside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from k3k_core.concurrency import all_of
from k3k_core.errors import ForbiddenError, K3kError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import stored_values
from k3k_core.names import COMPONENT_BACKUP, LABEL_COMPONENT, LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import (
    CONFIG_MAP,
    CRON_JOB,
    JOB,
    LIMIT_RANGE,
    NETWORK_POLICY,
    PERSISTENT_VOLUME_CLAIM,
    POD_DISRUPTION_BUDGET,
    RESOURCE_QUOTA,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    Resource,
)
from k3k_core.values import Values

_USUAL = (
    SECRET,
    CONFIG_MAP,
    SERVICE,
    STATEFUL_SET,
    SERVICE_ACCOUNT,
    NETWORK_POLICY,
    POD_DISRUPTION_BUDGET,
)
# Made only where the values ask for them, and not everybody may look at them.
_SCHEDULE = (CRON_JOB, ROLE, ROLE_BINDING)
_TENANCY = (RESOURCE_QUOTA, LIMIT_RANGE)
_RARE = (JOB, *_SCHEDULE, *_TENANCY)


@dataclass(frozen=True, slots=True)
class Belonging:
    """An object that bears a control plane's label and is named after it.

    Attributes:
        resource: its type.
        metadata: its metadata.
        holds_backups: whether it is the volume that backups are written to.
    """

    resource: Resource
    metadata: Mapping[str, Any]
    holds_backups: bool = False

    @property
    def subject(self) -> str:
        """The object as "Kind/name"."""
        return f"{self.resource.kind}/{self.metadata['name']}"

    @property
    def is_volume(self) -> bool:
        """Whether it holds the data of the control plane."""
        return self.resource is PERSISTENT_VOLUME_CLAIM and not self.holds_backups


def kinds_of(root: Mapping[str, Any] | None) -> tuple[Resource, ...]:
    """Return the kinds to look for before a root is deleted.

    What the root owns goes with it; but what was applied from rendered manifests is nobody's.

    Args:
        root: the root Secret; None for all kinds.
    """
    values: Values | None = None
    if root is not None:
        try:
            values = stored_values(root).values
        except K3kError:
            # Written by another k3k: look for everything.
            values = None
    if values is None:
        return (*_USUAL, *_RARE)
    schedule = _SCHEDULE if values.backup.schedule else ()
    tenancy = _TENANCY if values.tenancy.quota.enabled or values.tenancy.limits.enabled else ()
    return (*_USUAL, *schedule, *tenancy)


def is_for_backups(identity: ControlPlaneId, claim: Mapping[str, Any]) -> bool:
    """Tell whether a volume claim holds backups, not data.

    Args:
        identity: the control plane.
        claim: metadata of the claim.
    """
    component = (claim.get("labels") or {}).get(LABEL_COMPONENT)
    return claim["name"] == identity.backups or component == COMPONENT_BACKUP


async def find_belongings(
    host: HostApi, identity: ControlPlaneId, kinds: Iterable[Resource] = (*_USUAL, *_RARE)
) -> list[Belonging]:
    """Find everything of a control plane but its pods; objects that others labelled alike are not its own.

    Args:
        host: an open host.
        identity: the control plane.
        kinds: what to look for beside volumes; of the rare ones, those that this identity may not see are left out.

    Raises:
        K3kError: the host refuses or does not answer.
    """

    async def find(resource: Resource) -> list[Belonging]:
        labels = f"{LABEL_CONTROL_PLANE}={identity.name}"
        try:
            listing = await host.list(resource, identity.namespace, labels=labels, metadata_only=True)
        except (ForbiddenError, NotFoundError):
            if resource not in _RARE:
                raise
            return []
        return [_belonging(identity, resource, item["metadata"]) for item in listing.items]

    found = await all_of(find(resource) for resource in (PERSISTENT_VOLUME_CLAIM, *kinds))
    return [
        item
        for items in found
        for item in items
        if item.is_volume or f"{item.metadata['name']}-".startswith(f"{identity.root}-")
    ]


def _belonging(identity: ControlPlaneId, resource: Resource, metadata: Mapping[str, Any]) -> Belonging:
    return Belonging(
        resource, metadata, resource is PERSISTENT_VOLUME_CLAIM and is_for_backups(identity, metadata)
    )
