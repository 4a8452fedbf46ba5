"""Cluster IPs and node ports of Services."""

from __future__ import annotations

import ipaddress
import random
from typing import Any

from k3k_core.resources import SERVICE, Resource
from k3k_core.sandbox.api.statuses import FieldError, invalid, invalid_value
from k3k_core.sandbox.api.store import Store

Json = dict[str, Any]

SERVICE_NETWORK = ipaddress.IPv4Network("10.96.0.0/12")
NODE_PORTS = range(30000, 32768)


def carry_over(resource: Resource, obj: Json, old: Json) -> None:
    """Copy allocated values that the client left out from the stored Service, and drop those it needs no more."""
    if resource != SERVICE:
        return
    spec, before = obj.get("spec") or {}, old["spec"]
    if _needs_ip(spec) and _needs_ip(before):
        _keep_addresses(spec, before)
    if _needs_node_ports(before):
        _keep_node_ports(spec, before, needed=_needs_node_ports(spec))
    if not _needs_node_ports(spec):
        spec.pop("externalTrafficPolicy", None)
    if spec.get("type") != "LoadBalancer":
        if before.get("type") == "LoadBalancer":
            spec.pop("allocateLoadBalancerNodePorts", None)
        if (obj.get("status") or {}).get("loadBalancer"):
            obj["status"]["loadBalancer"] = {}


def _keep_addresses(spec: Json, before: Json) -> None:
    for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if not spec.get(name) and before.get(name):
            spec[name] = before[name]
    if spec.get("clusterIP") != before.get("clusterIP") and spec.get("clusterIPs") == before.get(
        "clusterIPs"
    ):
        spec["clusterIPs"] = [spec["clusterIP"]]


def _keep_node_ports(spec: Json, before: Json, *, needed: bool) -> None:
    known = {port.get("name", ""): port.get("nodePort") for port in before.get("ports") or ()}
    for port in spec.get("ports") or ():
        same = known.get(port.get("name", ""))
        if needed and not port.get("nodePort") and same:
            port["nodePort"] = same
        elif not needed and port.get("nodePort") == same:
            port.pop("nodePort", None)


def _needs_ip(spec: Json) -> bool:
    return bool(spec.get("type", "ClusterIP") != "ExternalName")


def _needs_node_ports(spec: Json) -> bool:
    return spec.get("type") == "NodePort" or (
        spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True) is not False
    )


def allocate(resource: Resource, obj: Json, old: Json | None, store: Store, chooser: random.Random) -> None:
    """Give a Service the cluster IP and node ports it lacks.

    Raises:
        ApiError: 422, an address or port asked for is taken or out of range.
    """
    if resource != SERVICE:
        return
    spec = obj["spec"]
    name = obj["metadata"].get("name", "")
    if _needs_ip(spec):
        _cluster_ip(spec, old, store, chooser, name)
    if _needs_node_ports(spec):
        _node_ports(spec, obj, store, chooser, name)


def _cluster_ip(spec: Json, old: Json | None, store: Store, chooser: random.Random, name: str) -> None:
    both = spec.get("clusterIP") == "None" and not spec.get("selector")
    if both and not spec.get("ipFamilyPolicy") and not spec.get("ipFamilies"):
        # A headless Service without a selector may point anywhere.
        spec |= {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack"}
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    wanted = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or ()), "")
    if wanted and old is not None and old["spec"].get("clusterIP") == wanted:
        return
    used = {service["spec"].get("clusterIP") for service in store.list(SERVICE)}
    if wanted in used and wanted != "None":
        raise _refused(
            name,
            "spec.clusterIPs",
            [wanted],
            f"failed to allocate IP {wanted}: provided IP is already allocated",
        )
    if wanted and wanted != "None" and ipaddress.ip_address(wanted) not in SERVICE_NETWORK:
        detail = f"failed to allocate IP {wanted}: the provided network does not match the current range"
        raise _refused(name, "spec.clusterIPs", [wanted], detail)
    while not wanted:
        # The first addresses are kept for well-known Services.
        candidate = str(SERVICE_NETWORK[chooser.randrange(256, SERVICE_NETWORK.num_addresses - 1)])
        wanted = "" if candidate in used else candidate
    spec["clusterIP"], spec["clusterIPs"] = wanted, [wanted]


def _node_ports(spec: Json, obj: Json, store: Store, chooser: random.Random, name: str) -> None:
    uid = obj["metadata"].get("uid")
    used = {
        (port.get("nodePort"), port.get("protocol"))
        for service in store.list(SERVICE)
        if service["metadata"]["uid"] != uid
        for port in service["spec"].get("ports") or ()
    }
    for position, port in enumerate(spec.get("ports") or ()):
        wanted = port.get("nodePort")
        field = f"spec.ports[{position}].nodePort"
        if wanted and wanted not in NODE_PORTS:
            bounds = f"{NODE_PORTS[0]}-{NODE_PORTS[-1]}"
            detail = f"provided port is not in the valid range. The range of valid ports is {bounds}"
            raise _refused(name, field, wanted, detail)
        if wanted and (wanted, port.get("protocol")) in used:
            raise _refused(name, field, wanted, "provided port is already allocated")
        while not wanted:
            candidate = chooser.choice(NODE_PORTS)
            wanted = 0 if (candidate, port.get("protocol")) in used else candidate
        port["nodePort"] = wanted
        used.add((wanted, port.get("protocol")))


def _refused(name: str, field: str, value: Any, detail: str) -> Exception:
    error: FieldError = invalid_value(field, value, detail)
    return invalid("", "Service", name, [error])
