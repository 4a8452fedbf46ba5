"""Giving the labels of the values to what is made once and never applied again: credentials and volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k3k_core.concurrency import all_of, together
from k3k_core.errors import ForbiddenError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.progress import Progress, Step, silent
from k3k_core.names import LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import PERSISTENT_VOLUME_CLAIM, SECRET, Resource


async def relabel(
    host: HostApi,
    identity: ControlPlaneId,
    wanted: Mapping[str, str],
    before: Mapping[str, str],
    progress: Progress = silent,
) -> None:
    """Give credentials and volumes the labels that all other objects are rendered with.

    Whoever may not change volumes is warned: for a label nothing is left half-way.

    Args:
        host: an open host.
        identity: the control plane.
        wanted: `labels` of its values.
        before: the same, as they were; what is no longer among them is taken off.
        progress: told about what this user may not change.

    Raises:
        K3kError: the host refuses or does not answer.
    """
    if not wanted and not before:
        return
    credentials = {identity.pki, identity.tokens, identity.etcd_pki, identity.kubeconfig}
    secrets, claims = await together(
        _list(host, SECRET, identity), _list(host, PERSISTENT_VOLUME_CLAIM, identity)
    )
    found = [(SECRET, item) for item in secrets if item["name"] in credentials]
    found += [(PERSISTENT_VOLUME_CLAIM, item) for item in claims]
    await all_of(
        _patch(host, resource, identity, item["name"], changes, progress)
        for resource, item in found
        if (changes := _changes(item.get("labels") or {}, wanted, before))
    )


def _changes(
    labels: Mapping[str, str], wanted: Mapping[str, str], before: Mapping[str, str]
) -> dict[str, Any]:
    stale: dict[str, Any] = {key: None for key in before if key not in wanted and key in labels}
    return stale | {key: value for key, value in wanted.items() if labels.get(key) != value}


async def _list(host: HostApi, resource: Resource, identity: ControlPlaneId) -> list[dict[str, Any]]:
    labels = f"{LABEL_CONTROL_PLANE}={identity.name}"
    listing = await host.list(resource, identity.namespace, labels=labels, metadata_only=True)
    return [item["metadata"] for item in listing.items]


async def _patch(
    host: HostApi,
    resource: Resource,
    identity: ControlPlaneId,
    name: str,
    labels: Mapping[str, Any],
    progress: Progress,
) -> None:
    try:
        await host.patch(resource, identity.namespace, name, {"metadata": {"labels": dict(labels)}})
    except NotFoundError:
        return
    except ForbiddenError as error:
        text = f"keeps the labels it has: {error.message}"
        progress(Step("labels", "warning", text, f"{resource.kind}/{name}"))
