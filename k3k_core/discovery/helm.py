"""Control planes that the ayedo k3k Helm chart made: shown, never changed.

The chart leaves a Secret `RELEASE-k3k-kubeconfig` and Helm's usual labels and annotations on its objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from k3k_core.discovery.addresses import endpoint, service_essence
from k3k_core.discovery.control_plane import ControlPlane, parse_time
from k3k_core.discovery.source import Objects, Source
from k3k_core.discovery.verdict import judge
from k3k_core.discovery.workload import servers_of, workload_essence
from k3k_core.errors import ForbiddenError
from k3k_core.host import HostApi, Key
from k3k_core.names import LABEL_INSTANCE, LABEL_MANAGED_BY
from k3k_core.resources import DEPLOYMENT, SECRET, SERVICE, STATEFUL_SET

HELM = f"{LABEL_MANAGED_BY}=Helm"
KUBECONFIG_SUFFIX = "-k3k-kubeconfig"
RELEASE_ANNOTATION = "meta.helm.sh/release-name"

_PAGE = 100


def _secret_essence(secret: dict[str, Any]) -> dict[str, Any]:
    # Helm labels many Secrets; of those that are none of ours the name is enough.
    metadata = secret["metadata"]
    mine = ("labels", "annotations", "creationTimestamp", "resourceVersion")
    kept = ("name", "namespace", *(mine if is_release(secret) else ()))
    return {"metadata": {key: metadata[key] for key in kept if key in metadata}}


def _workload_essence(workload: dict[str, Any]) -> dict[str, Any]:
    template = workload.get("spec", {}).get("template", {}).get("spec", {})
    images = [{"image": container.get("image", "")} for container in template.get("containers") or ()]
    essence = workload_essence(workload)
    essence["metadata"] |= _belonging(workload)
    essence["spec"]["template"] = {"spec": {"containers": images}}
    return essence


def _service_essence(service: dict[str, Any]) -> dict[str, Any]:
    essence = service_essence(service)
    essence["metadata"] |= _belonging(service)
    return essence


def _belonging(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return of an object's metadata what names its release."""
    metadata = item["metadata"]
    names = {"annotations": RELEASE_ANNOTATION, "labels": LABEL_INSTANCE}
    return {
        part: {name: metadata[part][name]}
        for part, name in names.items()
        if name in (metadata.get(part) or {})
    }


RELEASES = Source(SECRET, _secret_essence, labels=HELM, metadata_only=True)
STATEFUL_SETS = Source(STATEFUL_SET, _workload_essence, labels=HELM, page_size=_PAGE)
DEPLOYMENTS = Source(DEPLOYMENT, _workload_essence, labels=HELM, page_size=_PAGE)
SERVICES = Source(SERVICE, _service_essence, labels=HELM, page_size=_PAGE)


def rows(
    host: str,
    releases: Objects,
    stateful_sets: Objects,
    deployments: Objects,
    services: Objects,
    *,
    now: datetime,
) -> Iterator[tuple[ControlPlane, Mapping[str, Any] | None]]:
    """Yield the control planes that the ayedo chart made, each with the Service in front of it.

    Args:
        host: name of the host.
        releases: of `RELEASES`.
        stateful_sets: of `STATEFUL_SETS`.
        deployments: of `DEPLOYMENTS`.
        services: of `SERVICES`.
        now: current time (UTC).
    """
    secrets = [secret for secret in releases.values() if is_release(secret)]
    if not secrets:
        return
    workloads = _by_release(deployments) | _by_release(stateful_sets)
    fronts = _by_release(services)
    for secret in secrets:
        key = Key(secret["metadata"]["namespace"], release_of(secret))
        front = fronts.get(key)
        yield _row(host, key, secret, workloads.get(key), front, now), front


def is_release(secret: Mapping[str, Any]) -> bool:
    """Tell whether a Secret of Helm's is one that the ayedo chart leaves."""
    return str(secret["metadata"]["name"]).endswith(KUBECONFIG_SUFFIX)


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


async def read_if_allowed(source: Source, host: HostApi, namespace: str | None) -> Objects:
    """List a source once; what this identity may not see is left out.

    Args:
        source: one of this module.
        host: an open host.
        namespace: only this namespace; None for all.

    Raises:
        K3kError: the host does not answer.
    """
    try:
        return await source.read(host, namespace)
    except ForbiddenError:
        return {}


def _by_release(objects: Objects) -> dict[Key, Mapping[str, Any]]:
    """Index objects by release.

    A release can hold several Services: the one with an address, or else the first, is the front.
    """
    found: dict[Key, Mapping[str, Any]] = {}
    for item in objects.values():
        key = Key(item["metadata"]["namespace"], release_of(item))
        if key not in found or (not endpoint(found[key]) and endpoint(item)):
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
    servers = servers_of(workload)
    verdict, reason = judge(servers, now=now, deleting=False, expires_at=None)
    if servers is None:
        verdict, reason = "Unknown", "the release's workload was not found"
    return ControlPlane(
        host=host,
        namespace=key.namespace,
        name=key.name,
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
        labels=secret["metadata"].get("labels") or {},
    )
