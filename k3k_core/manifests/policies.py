"""Who may talk to a control plane's pods, how many may be gone at once, and the identity they run under."""

from __future__ import annotations

from typing import Any

from k3k_core.manifests.blueprint import Blueprint, Manifest
from k3k_core.manifests.metadata import metadata, selector
from k3k_core.names import (
    API_PORT,
    COMPONENT_CONTROL_PLANE,
    COMPONENT_ETCD,
    COMPONENT_GREEN,
    COMPONENT_SERVER,
    ETCD_CLIENT_PORT,
    ETCD_METRICS_PORT,
    ETCD_PEER_PORT,
    EXPORTER_NAME,
    FIELD_MANAGER,
    LABEL_CONTROL_PLANE,
    LABEL_MANAGED_BY,
    LABEL_NAME,
    ControlPlaneId,
)

# Cloud metadata services answer on link-local addresses, and they hand out the node's credentials. Tenants
# can make their API server call any URL (webhooks, OIDC), so this is closed unless the values open it.
_ANYWHERE_ELSE = {"0.0.0.0/0": ["169.254.0.0/16"], "::/0": ["fe80::/10", "fd00:ec2::/32"]}


def namespace(identity: ControlPlaneId) -> Manifest:
    """Return the host namespace of a control plane, under the `restricted` Pod Security Standard."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": identity.namespace,
            "labels": {LABEL_MANAGED_BY: FIELD_MANAGER, "pod-security.kubernetes.io/enforce": "restricted"},
        },
    }


def service_account(blueprint: Blueprint) -> Manifest:
    """Return the pods' identity in the host, which has no token and no rights."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(blueprint.id, blueprint.id.root, COMPONENT_CONTROL_PLANE, blueprint.owner),
        "automountServiceAccountToken": False,
    }


def network_policy(blueprint: Blueprint) -> Manifest:
    """Return the policy of the k3s servers: in to the API only; out as the values say.

    By default they may call anything but link-local addresses: webhooks and kubelets are reached through
    tunnels that agents open inwards, but OIDC issuers and external datastores can be anywhere.
    """
    identity, policy = blueprint.id, blueprint.values.network_policy
    ingress: dict[str, Any] = {"ports": [_tcp(API_PORT)]}
    if policy.ingress_cidrs:
        own = {"podSelector": {"matchLabels": {LABEL_CONTROL_PLANE: identity.name}}}
        ingress["from"] = [own, _exporters(), *_blocks(policy.ingress_cidrs)]
    egress: list[dict[str, Any]] = [_dns()]
    if blueprint.values.datastore.kind == "etcd":
        egress.append({"ports": [_tcp(ETCD_CLIENT_PORT)], "to": [_pods(identity, COMPONENT_ETCD)]})
    if policy.egress_cidrs:
        egress.append({"to": _blocks(policy.egress_cidrs)})
    else:
        blocks = [
            {"ipBlock": {"cidr": all_of, "except": list(holes)}} for all_of, holes in _ANYWHERE_ELSE.items()
        ]
        egress.append({"to": blocks})
    return _policy(blueprint, identity.root, COMPONENT_SERVER, [ingress], egress)


def etcd_network_policy(blueprint: Blueprint) -> Manifest:
    """Return the policy of a dedicated etcd: clients are the k3s servers, peers its members; k3k reads metrics."""
    identity = blueprint.id
    components = (COMPONENT_SERVER, COMPONENT_GREEN, COMPONENT_ETCD)
    clients = [_pods(identity, component) for component in components]
    ingress = [
        {"ports": [_tcp(ETCD_CLIENT_PORT)], "from": clients},
        {"ports": [_tcp(ETCD_PEER_PORT)], "from": [_pods(identity, COMPONENT_ETCD)]},
        {"ports": [_tcp(ETCD_METRICS_PORT)], "from": [_exporters()]},
    ]
    to_members = {
        "ports": [_tcp(ETCD_CLIENT_PORT), _tcp(ETCD_PEER_PORT)],
        "to": [_pods(identity, COMPONENT_ETCD)],
    }
    egress = [_dns(), to_members]
    return _policy(blueprint, identity.etcd, COMPONENT_ETCD, ingress, egress)


def pod_disruption_budget(blueprint: Blueprint) -> Manifest:
    """Return the budget of several servers: one at a time may be evicted, and any that do not work anyway."""
    spec = {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
    return _budget(blueprint, blueprint.id.root, COMPONENT_SERVER, spec)


def etcd_pod_disruption_budget(blueprint: Blueprint) -> Manifest:
    """Return the budget of several etcd members: one at a time, and only while the others are healthy."""
    spec = {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "IfHealthyBudget"}
    return _budget(blueprint, blueprint.id.etcd, COMPONENT_ETCD, spec)


def _policy(
    blueprint: Blueprint,
    name: str,
    component: str,
    ingress: list[dict[str, Any]],
    egress: list[dict[str, Any]],
) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(blueprint.id, name, component, blueprint.owner),
        "spec": {
            "podSelector": {"matchLabels": selector(blueprint.id, component)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        },
    }


def _budget(blueprint: Blueprint, name: str, component: str, spec: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(blueprint.id, name, component, blueprint.owner),
        "spec": {"selector": {"matchLabels": selector(blueprint.id, component)}, **spec},
    }


def _pods(identity: ControlPlaneId, component: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": selector(identity, component)}}


def _exporters() -> dict[str, Any]:
    """Any `k3k exporter` that runs in the host, in whichever namespace."""
    return {"namespaceSelector": {}, "podSelector": {"matchLabels": {LABEL_NAME: EXPORTER_NAME}}}


def _blocks(cidrs: list[str]) -> list[dict[str, Any]]:
    return [{"ipBlock": {"cidr": str(cidr)}} for cidr in cidrs]


def _tcp(port: int) -> dict[str, Any]:
    return {"protocol": "TCP", "port": port}


def _dns() -> dict[str, Any]:
    """Name resolution, wherever the resolver runs: in a pod, on the node or on a link-local address."""
    return {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}
