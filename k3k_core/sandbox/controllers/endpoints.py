"""Endpoints and EndpointSlices of Services with a selector, from the pods that fit it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k3k_core.resources import POD, SERVICE, Resource
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, Client, owner_reference
from k3k_core.sandbox.controllers.kinds import ENDPOINT_SLICE, ENDPOINTS
from k3k_core.sandbox.controllers.pods import is_ready, is_terminating, matches, phase
from k3k_core.sandbox.controllers.runtime import Key

_SERVICE_NAME = "kubernetes.io/service-name"
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_HEADLESS = "service.kubernetes.io/headless"


class EndpointsController:
    """Keeps one Endpoints and one EndpointSlice object for each Service with a selector.

    Args:
        client: reads and writes.
    """

    watches: tuple[Resource, ...] = (SERVICE, POD, ENDPOINTS, ENDPOINT_SLICE)

    def __init__(self, client: Client) -> None:
        self._client = client
        self._store = client.store

    def keys(self, change: Change) -> Iterable[Key]:
        """The Service, or those whose selector fits a pod before or after its change."""
        meta = change.object["metadata"]
        namespace = meta.get("namespace", "")
        if change.resource == SERVICE:
            return ((namespace, meta["name"]),)
        if change.resource != POD:
            return self._of_removed(change)
        versions = [change.object, *([change.previous.object] if change.previous else [])]
        return [
            (namespace, service["metadata"]["name"])
            for service in self._store.list(SERVICE, namespace)
            if any(_selects(service, version) for version in versions)
        ]

    def _of_removed(self, change: Change) -> Iterable[Key]:
        if change.type != "DELETED":
            return ()
        meta = change.object["metadata"]
        name = meta["name"]
        if change.resource == ENDPOINT_SLICE:
            name = (meta.get("labels") or {}).get(_SERVICE_NAME, "")
        return ((meta["namespace"], name),)

    def reconcile(self, key: Key) -> float | None:
        """Bring the endpoints of one Service up to date."""
        service = self._store.get(SERVICE, key[0], key[1])
        if service is None:
            leftover = self._store.get(ENDPOINTS, key[0], key[1])
            if leftover is not None and (leftover["metadata"].get("labels") or {}).get(_MANAGED_BY):
                self._client.delete(ENDPOINTS, leftover)
            return None
        if not service["spec"].get("selector") or is_terminating(service):
            return None
        pods = [
            pod
            for pod in self._store.list(POD, key[0])
            if _selects(service, pod)
            and (pod.get("status") or {}).get("podIP")
            and phase(pod) not in {"Failed", "Succeeded"}
        ]
        self._write_endpoints(service, pods)
        self._write_slice(service, pods)
        return None

    def _write_endpoints(self, service: dict[str, Any], pods: list[dict[str, Any]]) -> None:
        always = bool(service["spec"].get("publishNotReadyAddresses"))
        ready = [_address(service, pod) for pod in pods if is_ready(pod) or always]
        waiting = [_address(service, pod) for pod in pods if not is_ready(pod) and not always]
        subset: dict[str, Any] = {}
        if ready:
            subset["addresses"] = ready
        if waiting:
            subset["notReadyAddresses"] = waiting
        if subset and service["spec"].get("ports"):
            subset["ports"] = [
                {"name": port["name"], "port": _target(port, pods), "protocol": port.get("protocol", "TCP")}
                if port.get("name")
                else {"port": _target(port, pods), "protocol": port.get("protocol", "TCP")}
                for port in service["spec"]["ports"]
            ]
        labels = {**(service["metadata"].get("labels") or {}), _MANAGED_BY: "endpoint-controller"}
        if service["spec"].get("clusterIP") == "None":
            labels[_HEADLESS] = ""
        meta = service["metadata"]
        wanted = {
            "metadata": {"name": meta["name"], "namespace": meta["namespace"], "labels": labels},
            "subsets": [subset] if subset else [],
        }
        self._write(ENDPOINTS, wanted, ("subsets",))

    def _write_slice(self, service: dict[str, Any], pods: list[dict[str, Any]]) -> None:
        meta = service["metadata"]
        labels = {
            **(meta.get("labels") or {}),
            _MANAGED_BY: "endpointslice-controller.k8s.io",
            _SERVICE_NAME: meta["name"],
        }
        if service["spec"].get("clusterIP") == "None":
            labels[_HEADLESS] = ""
        always = bool(service["spec"].get("publishNotReadyAddresses"))
        wanted = {
            "metadata": {
                "name": f"{meta['name']}-{meta['uid'][:5]}",
                "generateName": f"{meta['name']}-",
                "namespace": meta["namespace"],
                "labels": labels,
                "ownerReferences": [owner_reference(service, SERVICE)],
            },
            "addressType": "IPv4",
            # A slice without endpoints has no ports either.
            "endpoints": [_endpoint(service, pod, always=always) for pod in pods] or None,
            "ports": [
                {
                    "name": port.get("name", ""),
                    "port": _target(port, pods),
                    "protocol": port.get("protocol", "TCP"),
                }
                for port in (service["spec"].get("ports") or () if pods else ())
            ]
            or None,
        }
        self._write(ENDPOINT_SLICE, wanted, ("endpoints", "ports"))

    def _write(self, resource: Resource, wanted: dict[str, Any], fields: tuple[str, ...]) -> None:
        meta = wanted["metadata"]
        existing = self._store.get(resource, meta["namespace"], meta["name"])
        if existing is None:
            self._client.ensure(resource, wanted, manager=CONTROLLER_MANAGER)
            return

        def edit(changed: dict[str, Any]) -> None:
            changed["metadata"]["labels"] = dict(meta["labels"])
            for field in fields:
                changed[field] = wanted[field]

        self._client.change(resource, existing, edit, manager=CONTROLLER_MANAGER)


def _selects(service: dict[str, Any], pod: dict[str, Any]) -> bool:
    selector = service["spec"].get("selector")
    return bool(selector) and matches({"matchLabels": selector}, pod["metadata"].get("labels"))


def _target(port: dict[str, Any], pods: list[dict[str, Any]]) -> int:
    """Return the number of a target port, looked up in the pods when it is a name."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    for pod in pods:
        for container in pod["spec"].get("containers") or ():
            for each in container.get("ports") or ():
                if each.get("name") == target:
                    return int(each["containerPort"])
    return int(port["port"])


def _reference(pod: dict[str, Any]) -> dict[str, Any]:
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def _hostname(service: dict[str, Any], pod: dict[str, Any]) -> str:
    same = pod["spec"].get("subdomain") == service["metadata"]["name"]
    return str(pod["spec"].get("hostname", "")) if same else ""


def _address(service: dict[str, Any], pod: dict[str, Any]) -> dict[str, Any]:
    address = {
        "ip": pod["status"]["podIP"],
        "nodeName": pod["spec"].get("nodeName", ""),
        "targetRef": _reference(pod),
    }
    hostname = _hostname(service, pod)
    return {"hostname": hostname, **address} if hostname else address


def _endpoint(service: dict[str, Any], pod: dict[str, Any], *, always: bool) -> dict[str, Any]:
    ready = is_ready(pod) and not is_terminating(pod)
    endpoint = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": ready or always,
            "serving": is_ready(pod) or always,
            "terminating": is_terminating(pod),
        },
        "nodeName": pod["spec"].get("nodeName", ""),
        "targetRef": _reference(pod),
    }
    hostname = _hostname(service, pod)
    return {**endpoint, "hostname": hostname} if hostname else endpoint
