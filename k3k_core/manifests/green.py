"""The second set of servers of a blue-green upgrade: the same objects under other names and another component.

The first set is not touched by them: what the new servers read once at their start (their configuration) is a copy of
its own, and every selector is of their own component.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k3k_core.manifests.blueprint import Blueprint, Manifest
from k3k_core.manifests.metadata import labelled, metadata, selector
from k3k_core.names import API_PORT, COMPONENT_GREEN, COMPONENT_SERVER, LABEL_COMPONENT, ControlPlaneId

# What the second set needs for itself; Secrets, the etcd and the account are shared.
_COPIED = frozenset({"ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "StatefulSet"})


def green_objects(blueprint: Blueprint, applied: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """Return the objects of the second set in the order in which to apply them, its StatefulSet last.

    Args:
        blueprint: the control plane as it is to become.
        applied: its objects as `render_applied` returns them.
    """
    identity = blueprint.id
    found = [item for item in applied if item["kind"] in _COPIED and _of_servers(item)]
    originals = sorted(found, key=lambda item: bool(item["kind"] == "StatefulSet"))
    maps = {
        item["metadata"]["name"]: green_name(identity, item["metadata"]["name"])
        for item in originals
        if item["kind"] == "ConfigMap"
    }
    copies = [_copy(identity, item, maps) for item in originals]
    service = labelled(green_service(blueprint), blueprint.values.labels)
    return (*copies[:-1], service, copies[-1])


def green_service(blueprint: Blueprint) -> Manifest:
    """Return the Service through which the second set is reached before it takes over, inside the host.

    Args:
        blueprint: the control plane.
    """
    identity = blueprint.id
    port = {"name": "api", "protocol": "TCP", "port": API_PORT, "targetPort": API_PORT}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(identity, identity.green, COMPONENT_GREEN, blueprint.owner),
        "spec": {"type": "ClusterIP", "selector": selector(identity, COMPONENT_GREEN), "ports": [port]},
    }


def led_to(service: Mapping[str, Any], identity: ControlPlaneId, component: str) -> Manifest:
    """Return the front Service leading to one of the two sets.

    Args:
        service: as `front_service` returns it.
        identity: the control plane.
        component: `COMPONENT_SERVER` or `COMPONENT_GREEN`.
    """
    return {**service, "spec": {**service["spec"], "selector": selector(identity, component)}}


def green_name(identity: ControlPlaneId, name: str) -> str:
    """Return what the copy of an object of the first set is called.

    Args:
        identity: the control plane.
        name: of the object, which begins with the root's name.
    """
    own = {identity.server, identity.config, identity.root}
    return identity.green if name in own else f"{identity.green}{name.removeprefix(identity.root)}"


def _of_servers(item: Mapping[str, Any]) -> bool:
    return bool(item["metadata"]["labels"][LABEL_COMPONENT] == COMPONENT_SERVER)


def _copy(identity: ControlPlaneId, item: Mapping[str, Any], maps: Mapping[str, str]) -> Manifest:
    copy: Manifest = _relabelled(item)
    copy["metadata"]["name"] = green_name(identity, item["metadata"]["name"])
    if item["kind"] == "StatefulSet":
        copy["spec"]["serviceName"] = identity.green
        for volume in copy["spec"]["template"]["spec"]["volumes"]:
            source = volume.get("configMap")
            if source is not None:
                source["name"] = maps.get(source["name"], source["name"])
    return copy


def _relabelled(value: Any) -> Any:
    """Return a deep copy in which the servers' component is that of the second set."""
    if isinstance(value, Mapping):
        return {
            key: COMPONENT_GREEN if key == LABEL_COMPONENT and item == COMPONENT_SERVER else _relabelled(item)
            for key, item in value.items()
        }
    return [_relabelled(item) for item in value] if isinstance(value, list) else value
