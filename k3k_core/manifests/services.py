"""Services: how the API is reached, and stable names for the pods behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k3k_core.manifests.blueprint import Blueprint, Manifest, OwnerReference
from k3k_core.manifests.metadata import labelled, metadata, selector
from k3k_core.names import (
    API_PORT,
    COMPONENT_ETCD,
    COMPONENT_SERVER,
    ETCD_CLIENT_PORT,
    ETCD_PEER_PORT,
    ControlPlaneId,
)

if TYPE_CHECKING:
    from k3k_core.values import Values


def front_service(identity: ControlPlaneId, values: Values, owner: OwnerReference | None) -> Manifest:
    """Return the Service through which the API is used: LoadBalancer, NodePort or ClusterIP.

    Args:
        identity: the control plane.
        values: `loadbalancer` and `service`.
        owner: the root Secret.
    """
    port: dict[str, Any] = {"name": "api", "protocol": "TCP", "port": API_PORT, "targetPort": API_PORT}
    annotations: dict[str, str] = {}
    if values.loadbalancer.enabled:
        spec: dict[str, Any] = {"type": "LoadBalancer"}
        if values.loadbalancer.class_name:
            spec["loadBalancerClass"] = values.loadbalancer.class_name
        if values.loadbalancer.ip:
            spec["loadBalancerIP"] = values.loadbalancer.ip
        if values.loadbalancer.source_ranges:
            spec["loadBalancerSourceRanges"] = list(values.loadbalancer.source_ranges)
        annotations = dict(values.loadbalancer.annotations)
    else:
        spec = {"type": values.service.type}
        if values.service.type == "NodePort" and values.service.node_port:
            port["nodePort"] = values.service.node_port
    spec |= {"selector": selector(identity, COMPONENT_SERVER), "ports": [port]}
    meta = metadata(identity, identity.service, COMPONENT_SERVER, owner, annotations=annotations)
    return labelled({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}, values.labels)


def servers_service(blueprint: Blueprint) -> Manifest:
    """Return the headless Service that gives every server a stable name, also before it is ready."""
    identity = blueprint.id
    ports = [{"name": "api", "protocol": "TCP", "port": API_PORT, "targetPort": API_PORT}]
    return _headless(blueprint, identity.servers_service, COMPONENT_SERVER, ports)


def etcd_service(blueprint: Blueprint) -> Manifest:
    """Return the headless Service by which etcd members find each other and k3s finds them."""
    ports = [
        {"name": "client", "protocol": "TCP", "port": ETCD_CLIENT_PORT, "targetPort": ETCD_CLIENT_PORT},
        {"name": "peer", "protocol": "TCP", "port": ETCD_PEER_PORT, "targetPort": ETCD_PEER_PORT},
    ]
    return _headless(blueprint, blueprint.id.etcd, COMPONENT_ETCD, ports)


def _headless(blueprint: Blueprint, name: str, component: str, ports: list[dict[str, Any]]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(blueprint.id, name, component, blueprint.owner),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": selector(blueprint.id, component),
            "ports": ports,
        },
    }
