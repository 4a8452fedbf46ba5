"""Finding a control plane that k3k made and may change."""

from __future__ import annotations

from typing import Any

from k3k_core.errors import ConflictError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import check_root
from k3k_core.names import LABEL_MANAGED_BY, ControlPlaneId
from k3k_core.resources import SECRET, STATEFUL_SET


async def find_root(host: HostApi, identity: ControlPlaneId) -> dict[str, Any]:
    """Return the root Secret of an existing control plane.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: there is none of that name.
        ConflictError: it was made by Helm, or is being deleted.
    """
    try:
        root = await host.get(SECRET, identity.namespace, identity.root)
    except NotFoundError:
        await _refuse_helm(host, identity)
        raise NotFoundError(
            f"control plane {identity} does not exist on host {host.name}",
            hint="`k3k list` shows what there is.",
        ) from None
    check_root(identity, root)
    return root


async def _refuse_helm(host: HostApi, identity: ControlPlaneId) -> None:
    try:
        secret = await host.get(SECRET, identity.namespace, identity.kubeconfig)
    except NotFoundError:
        return
    if (secret["metadata"].get("labels") or {}).get(LABEL_MANAGED_BY) == "Helm":
        raise ConflictError(
            f"control plane {identity} was made by Helm; k3k only shows it",
            hint=f"Change it with `helm upgrade {identity.name} -n {identity.namespace}`.",
        )


async def find_workload(host: HostApi, identity: ControlPlaneId) -> dict[str, Any]:
    """Return the StatefulSet of a control plane's servers.

    Args:
        host: an open host.
        identity: the control plane.

    Raises:
        NotFoundError: there is none yet.
    """
    try:
        return await host.get(STATEFUL_SET, identity.namespace, identity.server)
    except NotFoundError:
        raise NotFoundError(
            f"control plane {identity} has no servers yet: StatefulSet {identity.server} does not exist",
            hint="Its create was stopped early; the same `k3k create`, run again, goes on.",
        ) from None
