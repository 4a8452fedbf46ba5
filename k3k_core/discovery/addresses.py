"""Where a control plane's Service can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k3k_core.names import API_PORT


def load_balancer_host(service: Mapping[str, Any]) -> str:
    """Return the first address or host name that a load balancer reported; empty while there is none."""
    for ingress in service.get("status", {}).get("loadBalancer", {}).get("ingress") or ():
        found = ingress.get("ip") or ingress.get("hostname")
        if found:
            return str(found)
    return ""


def api_port(service: Mapping[str, Any]) -> int:
    """Return the Service's port for the API."""
    ports = service.get("spec", {}).get("ports") or ()
    for port in ports:
        if port.get("name") == "api":
            return int(port["port"])
    return int(ports[0]["port"]) if ports else API_PORT


def url(host: str, port: int) -> str:
    """Return an https URL; IPv6 addresses are put in brackets."""
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def endpoint(service: Mapping[str, Any]) -> str:
    """Return the URL under which a Service's API is meant to be used; empty while it has none."""
    host = load_balancer_host(service)
    if host:
        return url(host, api_port(service))
    spec = service.get("spec", {})
    if spec.get("type") == "LoadBalancer":
        return ""
    cluster_ip = spec.get("clusterIP", "")
    return url(cluster_ip, api_port(service)) if cluster_ip not in {"", "None"} else ""


def service_essence(service: dict[str, Any]) -> dict[str, Any]:
    """Return what `endpoint` needs of a Service, and its name."""
    metadata, spec = service["metadata"], service.get("spec", {})
    ports = [
        {key: port[key] for key in ("name", "port", "nodePort") if key in port}
        for port in spec.get("ports") or ()
    ]
    return {
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": {"type": spec.get("type", ""), "clusterIP": spec.get("clusterIP", ""), "ports": ports},
        "status": {"loadBalancer": service.get("status", {}).get("loadBalancer", {})},
    }
