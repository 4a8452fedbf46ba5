"""Address first: the Service is made before anything that has to know where it can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from k3k_core.discovery.addresses import api_port, load_balancer_host
from k3k_core.errors import ForbiddenError, NotReadyError
from k3k_core.host import HostApi, wait_for
from k3k_core.lifecycle.progress import Progress, Step
from k3k_core.manifests import Address
from k3k_core.resources import NODE, SERVICE


async def settle_address(
    host: HostApi, service: Mapping[str, Any], *, timeout: float, progress: Progress
) -> Address:
    """Return where a control plane's Service will be reached, waiting for a load balancer's answer.

    A host without a load-balancer controller never reports an address, so the wait is bounded: afterwards
    the address asked for in the values stands, or else the Service's own IP inside the host.

    Args:
        host: an open host.
        service: the Service as the host stored it.
        timeout: seconds to wait for a load balancer.
        progress: told about the address, and when it is not what was asked for.

    Returns:
        The address to put into certificates and the kubeconfig.
    """
    found = await _found(host, service, timeout=timeout, progress=progress)
    return replace(found, aliases=cluster_ips(service))


def cluster_ips(service: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the Service's own IPs: nodes and pods of the host reach it there, without DNS."""
    spec = service["spec"]
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP", "")]
    return tuple(address for address in addresses if address not in {"", "None"})


async def _found(host: HostApi, service: Mapping[str, Any], *, timeout: float, progress: Progress) -> Address:
    spec = service["spec"]
    if spec.get("type") == "NodePort":
        return await _node_address(host, service, progress)
    if spec.get("type") != "LoadBalancer":
        return _inside(service)
    wanted = spec.get("loadBalancerIP", "")
    found = load_balancer_host(service) or await _reported(host, service, timeout)
    name = f"Service/{service['metadata']['name']}"
    if found:
        if wanted and found != wanted:
            progress(
                Step("address", "warning", f"the load balancer gave {found}, not {wanted} as asked for", name)
            )
        return Address(found, api_port(service))
    if wanted:
        text = f"no load balancer has answered within {timeout:g} s; going on with {wanted} from the values"
        progress(Step("address", "warning", text, name))
        return Address(wanted, api_port(service))
    inside = _inside(service)
    text = (
        f"no load balancer has answered within {timeout:g} s; going on with {inside.host}, which is "
        "reachable inside the host only (a longer --address-timeout waits longer)"
    )
    progress(Step("address", "warning", text, name))
    return inside


async def _reported(host: HostApi, service: Mapping[str, Any], timeout: float) -> str:
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]

    def address(objects: Mapping[str, dict[str, Any]]) -> str | None:
        return (load_balancer_host(objects[name]) or None) if name in objects else None

    try:
        return await wait_for(
            host,
            SERVICE,
            namespace,
            address,
            fields=f"metadata.name={name}",
            timeout=timeout,
            what=f"The address of Service {namespace}/{name}",
        )
    except NotReadyError:
        return ""


async def await_other_address(
    host: HostApi, service: Mapping[str, Any], *, timeout: float
) -> Mapping[str, Any]:
    """Wait until a load balancer reports another address of a Service than it does now.

    Asked for another one, it goes on reporting the old one until it has moved.

    Args:
        host: an open host.
        service: the Service as the host stored it.
        timeout: seconds; a load balancer that cannot give the other address never moves.

    Returns:
        The Service with its other address; as it was when there is none in time.
    """
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
    old = load_balancer_host(service)

    def moved(objects: Mapping[str, dict[str, Any]]) -> dict[str, Any] | None:
        current = objects.get(name)
        return current if current and load_balancer_host(current) not in {"", old} else None

    try:
        return await wait_for(
            host,
            SERVICE,
            namespace,
            moved,
            fields=f"metadata.name={name}",
            timeout=timeout,
            what=f"Another address of Service {namespace}/{name}",
        )
    except NotReadyError:
        return service


async def _node_address(host: HostApi, service: Mapping[str, Any], progress: Progress) -> Address:
    ports = [port.get("nodePort") for port in service["spec"].get("ports") or ()]
    try:
        nodes = (await host.list(NODE)).items
    except ForbiddenError:
        nodes = []
    for kind in ("ExternalIP", "InternalIP"):
        for node in nodes:
            for address in node.get("status", {}).get("addresses") or ():
                if address.get("type") == kind and ports and ports[0]:
                    return Address(str(address["address"]), int(ports[0]))
    inside = _inside(service)
    text = f"no node address can be seen with these credentials; going on with {inside.host}"
    progress(Step("address", "warning", text, f"Service/{service['metadata']['name']}"))
    return inside


def _inside(service: Mapping[str, Any]) -> Address:
    metadata, addresses = service["metadata"], cluster_ips(service)
    name = f"{metadata['name']}.{metadata['namespace']}.svc"
    return Address(addresses[0] if addresses else name, api_port(service))
