"""What an earlier control plane of the same name left, and whether a new one could live with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k3k_core import manifests
from k3k_core.errors import ConflictError, ForbiddenError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.credentials import other_secrets
from k3k_core.names import LABEL_CONTROL_PLANE, LABEL_MANAGED_BY, ControlPlaneId
from k3k_core.pki import Tokens
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, SECRET, Resource
from k3k_core.values import Values


async def check_leftovers(host: HostApi, identity: ControlPlaneId, values: Values) -> None:
    """See, before anything is made, that volumes and credentials of the same name fit what is asked for.

    k3s does not start on data that other tokens encrypted, and goes on with the authorities it finds there:
    nobody could use such a control plane.

    Nothing is refused where a root has appeared meanwhile: it is looked at as the one that exists.

    Args:
        host: an open host.
        identity: the control plane that is to be made.
        values: its values.

    Raises:
        ConflictError: they do not fit.
    """
    await refuse_foreign(host, identity)
    # In this order: a create elsewhere makes the root first, so whoever sees its volumes sees the root too.
    claims = await _mine(host, PERSISTENT_VOLUME_CLAIM, identity, metadata_only=True)
    secrets = await _mine(host, SECRET, identity)
    if identity.root in secrets:
        return
    left = {name: secrets[name] for name in (identity.pki, identity.tokens) if name in secrets}
    _refuse_ending(identity, left)
    volumes = _used_again(identity, values, claims)
    missing = [name for name in (identity.pki, identity.tokens) if name not in left]
    if volumes and missing:
        raise ConflictError(
            f"volumes of an earlier control plane {identity} exist ({', '.join(volumes)}), but not the "
            f"credentials that belong to their data: Secret {', '.join(missing)}",
            hint=f"Restore what is missing from a backup, or remove the volumes with `{_removal(identity)}`.",
        )
    _refuse_other_members(identity, values, volumes)
    if identity.tokens in left:
        _refuse_other_secrets(identity, values, left[identity.tokens])


async def refuse_foreign(host: HostApi, identity: ControlPlaneId) -> None:
    """See that the name is not that of a control plane that Helm made, or of somebody else's Secret.

    Raises:
        ConflictError: it is.
    """
    try:
        secret = await host.get(SECRET, identity.namespace, identity.kubeconfig)
    except (NotFoundError, ForbiddenError):
        return
    labels = secret["metadata"].get("labels") or {}
    if labels.get(LABEL_CONTROL_PLANE) == identity.name:
        return
    if labels.get(LABEL_MANAGED_BY) == "Helm":
        raise ConflictError(
            f"control plane {identity} was made by Helm; k3k only shows it",
            hint="Choose another name, or change this one with Helm.",
        )
    raise ConflictError(
        f"Secret {identity.namespace}/{identity.kubeconfig} exists and was not made by k3k",
        hint="Choose another name for the control plane.",
    )


async def _mine(
    host: HostApi, resource: Resource, identity: ControlPlaneId, *, metadata_only: bool = False
) -> dict[str, Mapping[str, Any]]:
    labels = f"{LABEL_CONTROL_PLANE}={identity.name}"
    try:
        listing = await host.list(resource, identity.namespace, labels=labels, metadata_only=metadata_only)
    except ForbiddenError:
        # Whoever may not look finds out later, from the Secrets that cannot be made.
        return {}
    return {item["metadata"]["name"]: item for item in listing.items}


def _refuse_ending(identity: ControlPlaneId, left: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse credentials that have an owner: without a root the host is about to collect them."""
    for name, secret in left.items():
        metadata = secret["metadata"]
        if metadata.get("ownerReferences") or "deletionTimestamp" in metadata:
            raise ConflictError(
                f"Secret {identity.namespace}/{name} still belongs to an earlier control plane that is being "
                "deleted",
                hint="Run the same command again in a moment.",
            )


def _used_again(
    identity: ControlPlaneId, values: Values, claims: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return the volumes that the new control plane's pods would be given."""
    workload = {"sqlite": identity.server, "etcd": identity.etcd}.get(values.datastore.kind)
    if workload is None or not values.persistence.enabled:
        return []
    return sorted(
        name
        for name, claim in claims.items()
        if name.startswith(f"data-{workload}-") and "deletionTimestamp" not in claim["metadata"]
    )


def _refuse_other_members(identity: ControlPlaneId, values: Values, volumes: list[str]) -> None:
    members = values.datastore.etcd.members
    if values.datastore.kind == "etcd" and volumes and len(volumes) != members:
        raise ConflictError(
            f"the volumes that an earlier control plane {identity} left are those of {len(volumes)} etcd "
            f"members ({', '.join(volumes)}), and the values ask for {members}",
            hint=f"Set datastore.etcd.members={len(volumes)}, or remove the volumes with "
            f"`{_removal(identity)}`.",
        )


def _refuse_other_secrets(identity: ControlPlaneId, values: Values, secret: Mapping[str, Any]) -> None:
    kept = Tokens.from_secret_data(manifests.secret_data(secret))
    if other := other_secrets(values, kept):
        raise ConflictError(
            f"an earlier control plane {identity} left its credentials (Secret {identity.tokens}), and they "
            f"hold another {' and '.join(other)}",
            hint="Leave that out of the values to go on with what was kept, or remove everything that was "
            f"kept with `{_removal(identity)}`.",
        )


def _removal(identity: ControlPlaneId) -> str:
    return f"k3k delete {identity.name} -n {identity.namespace}"
