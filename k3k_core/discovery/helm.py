"""Control planes that the ayedo k3k Helm chart made: shown, never changed.

The chart leaves a Secret `RELEASE-k3k-kubeconfig` and Helm's usual labels and annotations on its objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from k3k_core.concurrency import together
from k3k_core.discovery.addresses import endpoint
from k3k_core.discovery.control_plane import ControlPlane, parse_time
from k3k_core.discovery.verdict import judge
from k3k_core.discovery.workload import servers_of
from k3k_core.errors import ForbiddenError
from k3k_core.host import HostApi
from k3k_core.names import LABEL_INSTANCE, LABEL_MANAGED_BY
from k3k_core.resources import DEPLOYMENT, SECRET, SERVICE, STATEFUL_SET, Resource

HELM = f"{LABEL_MANAGED_BY}=Helm"
KUBECONFIG_SUFFIX = "-k3k-kubeconfig"
RELEASE_ANNOTATION = "meta.helm.sh/release-name"

Key = tuple[str, str]


async def discover(host: HostApi, *, namespace: str | None, now: datetime) -> tuple[ControlPlane, ...]:
    """List the control planes that the ayedo chart made on one host.

    Args:
        host: an open host.
        namespace: only this namespace; None for all.
        now: current time (UTC).

    Raises:
        K3kError: the host refuses or does not answer.
    """
    secrets = await host.list(SECRET, namespace, labels=HELM, metadata_only=True)
    releases = {
        (item["metadata"]["namespace"], release_of(item)): item
        for item in secrets.items
        if item["metadata"]["name"].endswith(KUBECONFIG_SUFFIX)
    }
    if not releases:
        return ()
    stateful_sets, deployments, services = await together(
        _of_releases(host, STATEFUL_SET, namespace),
        _of_releases(host, DEPLOYMENT, namespace),
        _of_releases(host, SERVICE, namespace),
    )
    workloads = deployments | stateful_sets
    return tuple(
        _row(host.name, key, secret, workloads.get(key), services.get(key), now)
        for key, secret in releases.items()
    )


def release_of(item: Mapping[str, Any]) -> str:
    """Return the Helm release an object belongs to.

    Helm's own annotation names it; the instance label and the Secret's name stand in for it.
    """
    metadata = item["metadata"]
    return str(
        (metadata.get("annotations") or {}).get(RELEASE_ANNOTATION)
        or (metadata.get("labels") or {}).get(LABEL_INSTANCE)
        or metadata["name"].removesuffix(KUBECONFIG_SUFFIX)
    )


async def _of_releases(
    host: HostApi, resource: Resource, namespace: str | None
) -> dict[Key, Mapping[str, Any]]:
    """Index a kind's Helm objects by release; what this identity may not see is left out.

    A release can hold several Services: the one with an address, or else the first, is the front.
    """
    try:
        listing = await host.list(resource, namespace, labels=HELM)
    except ForbiddenError:
        return {}
    found: dict[Key, Mapping[str, Any]] = {}
    for item in listing.items:
        key = (item["metadata"]["namespace"], release_of(item))
        if key not in found or (resource is SERVICE and endpoint(item) and not endpoint(found[key])):
            found[key] = item
    return found


def version_of(workload: Mapping[str, Any] | None) -> str:
    """Read the k3s version off the image tag of a workload; empty when there is none."""
    template = (workload or {}).get("spec", {}).get("template", {}).get("spec", {})
    for container in template.get("containers") or ():
        image = str(container.get("image", "")).partition("@")[0]
        repository, _, tag = image.rpartition(":")
        if repository.endswith("k3s") and tag:
            return tag.replace("-k3s", "+k3s")
    return ""


def _row(
    host: str,
    key: Key,
    secret: Mapping[str, Any],
    workload: Mapping[str, Any] | None,
    service: Mapping[str, Any] | None,
    now: datetime,
) -> ControlPlane:
    namespace, release = key
    servers = servers_of(workload)
    verdict, reason = judge(servers, now=now, deleting=False, expires_at=None)
    if servers is None:
        verdict, reason = "Unknown", "the release's workload was not found"
    return ControlPlane(
        host=host,
        namespace=namespace,
        name=release,
        system="k3k",
        made_by="helm",
        version=version_of(workload),
        servers_ready=servers.ready if servers else 0,
        servers_wanted=servers.wanted if servers else 0,
        datastore="",
        verdict=verdict,
        reason=reason,
        endpoint=endpoint(service) if service else "",
        created_at=parse_time(secret["metadata"].get("creationTimestamp")),
        expires_at=None,
        read_only=True,
    )
