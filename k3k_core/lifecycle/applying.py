"""Storing and applying what a control plane is made of, the servers last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from k3k_core import manifests
from k3k_core.concurrency import all_of
from k3k_core.errors import ConflictError
from k3k_core.host import HostApi
from k3k_core.lifecycle.credentials import create_once
from k3k_core.lifecycle.databases import prove_datastore
from k3k_core.lifecycle.kubeconfigs import admin_kubeconfig, still_good
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.manifests import Address, Blueprint, OwnerReference
from k3k_core.names import LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.pki import ControlPlanePki
from k3k_core.values import Values


async def store_kubeconfig(
    host: HostApi,
    identity: ControlPlaneId,
    values: Values,
    owner: OwnerReference,
    pki: ControlPlanePki,
    address: Address,
    *,
    now: datetime,
) -> str:
    """Store the admin kubeconfig, unless a good one is there; return what is stored.

    Args:
        host: an open host.
        identity: the control plane.
        values: its values.
        owner: its root Secret.
        pki: its authorities.
        address: where its API is.
        now: current time (UTC).

    Raises:
        ConflictError: a Secret of that name exists and is somebody else's.
    """
    document = admin_kubeconfig(identity, pki, address, now=now)
    manifest = manifests.kubeconfig_secret(identity, values, document, owner)
    stored, made = await create_once(host, manifest)
    if made:
        return document
    if (stored["metadata"].get("labels") or {}).get(LABEL_CONTROL_PLANE) != identity.name:
        raise ConflictError(
            f"Secret {identity.namespace}/{identity.kubeconfig} exists and was not made by k3k",
            hint="Choose another name for the control plane.",
        )
    current = manifests.secret_data(stored).get(values.k3s.kubeconfig.filename, "")
    if current and still_good(current, address, pki, now):
        return current
    manifest["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"]
    await host.replace(manifest)
    return document


async def apply_supports(host: HostApi, blueprint: Blueprint, *, force: bool) -> list[Mapping[str, Any]]:
    """Apply everything but the Secrets, the front Service and the servers; keep the revision.

    Args:
        host: an open host.
        blueprint: the control plane.
        force: whether to take over fields that another field manager owns.

    Returns:
        The objects as they were applied.
    """
    *supports, _servers = manifests.render_applied(blueprint)
    await all_of([*(host.apply(item, force=force) for item in supports), keep_revision(host, blueprint)])
    return list(supports)


async def keep_revision(host: HostApi, blueprint: Blueprint) -> dict[str, Any]:
    """Keep the values of a revision for history and rollback, unless they are kept; return its Secret.

    Args:
        host: an open host.
        blueprint: the control plane.
    """
    stored, _made = await create_once(host, manifests.revision_secret(blueprint))
    return stored


async def apply_servers(
    host: HostApi,
    blueprint: Blueprint,
    supports: list[Mapping[str, Any]],
    progress: Progress,
    *,
    force: bool,
    partition: int = 0,
) -> dict[str, Any]:
    """Apply the StatefulSet of the servers and return it as the host stores it.

    Args:
        host: an open host.
        blueprint: the control plane.
        supports: what was applied before, for the message.
        progress: told that all is applied.
        force: whether to take over fields that another field manager owns.
        partition: only servers of this number and above are replaced.

    Raises:
        NotReadyError: they would start on an external datastore that cannot be used; nothing was applied.
    """
    *_, servers = manifests.render_applied(blueprint)
    if partition:
        servers["spec"]["updateStrategy"]["rollingUpdate"] = {"partition": partition}
    await prove_datastore(host, blueprint, servers, progress)
    stored = await host.apply(servers, force=force)
    kinds = ", ".join(dict.fromkeys(item["kind"] for item in (*supports, servers)))
    progress(Step("apply", "done", f"applied {len(supports) + 1} objects ({kinds})"))
    return stored
