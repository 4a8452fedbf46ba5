"""What a cluster has from the start: its own namespaces, built-in roles, the Service of its API."""

from __future__ import annotations

from functools import partial
from typing import Any

from k3k_core.resources import NAMESPACE, SERVICE
from k3k_core.sandbox.api.rbac import install_builtin_roles
from k3k_core.sandbox.controllers.client import Client
from k3k_core.sandbox.controllers.kinds import ENDPOINT_SLICE, ENDPOINTS

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_MANAGER = "kube-apiserver"


def furnish(client: Client, *, service_ip: str, address: str, port: int) -> None:
    """Make what is missing of a cluster's own objects.

    Args:
        client: writes.
        service_ip: cluster IP of the Service `kubernetes`.
        address: IP address of the API.
        port: its port.
    """
    for name in NAMESPACES:
        client.ensure(NAMESPACE, {"metadata": {"name": name}}, manager=_MANAGER)
    install_builtin_roles(client.store)
    if client.store.get(SERVICE, "default", "kubernetes") is None:
        # Past admission: the address is the first of a range that only this cluster knows.
        client.store.create(SERVICE, _service(service_ip, port))
    meta = {"name": "kubernetes", "namespace": "default"}
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    subsets = [{"addresses": [{"ip": address}], "ports": ports}]
    _publish(client, {"metadata": meta, "subsets": subsets})


def _publish(client: Client, endpoints: dict[str, Any]) -> None:
    """Write the address of the API, which may be another one after a restart."""
    subset = endpoints["subsets"][0]
    slice_fields = {
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": [entry["ip"]], "conditions": {"ready": True}} for entry in subset["addresses"]
        ],
        "ports": subset["ports"],
    }
    meta = endpoints["metadata"]
    slice_meta = {**meta, "labels": {"kubernetes.io/service-name": meta["name"]}}
    for resource, wanted in (
        (ENDPOINTS, endpoints),
        (ENDPOINT_SLICE, {"metadata": slice_meta, **slice_fields}),
    ):
        fields = {key: value for key, value in wanted.items() if key != "metadata"}
        existing = client.store.get(resource, meta["namespace"], meta["name"])
        if existing is None:
            client.ensure(resource, wanted, manager=_MANAGER)
        else:
            client.change(resource, existing, partial(_overwrite, fields), manager=_MANAGER)


def _overwrite(fields: dict[str, Any], obj: dict[str, Any]) -> None:
    obj.update(fields)


def _service(service_ip: str, port: int) -> dict[str, Any]:
    return {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": port}],
            "clusterIP": service_ip,
            "clusterIPs": [service_ip],
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster",
        },
        "status": {"loadBalancer": {}},
    }
