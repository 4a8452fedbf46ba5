"""Agents as pods of the host: k3s' own agent, which runs containers and therefore needs privileges.

This is the one place of k3k that does. What runs in an agent can take over the node of the host it is on, so agents
belong on nodes of their own; see docs/agents.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k3k_core.manifests.blueprint import Blueprint, Manifest
from k3k_core.manifests.metadata import checksum, labels, metadata, selector
from k3k_core.manifests.pods import mount, placement, pod_basics
from k3k_core.names import ANNOTATION_CHECKSUM, API_PORT, COMPONENT_AGENT
from k3k_core.pki.bundles import authority_hash
from k3k_core.pki.tokens import AGENT_KEY
from k3k_core.versions import K3sVersion

if TYPE_CHECKING:
    from k3k_core.values.model_agents import AgentToleration

REGISTRIES_KEY = "registries.yaml"
_CONTAINER = "k3s"
_PASSWORD = "AGENT_PASSWORD"  # noqa: S105 - the name of a variable
# The name of a node is let in again only with the password it first came with, so each pod makes the same one at
# every start; it follows from the token, which the pod holds anyway.
_PREPARE = """\
set -eu
umask 077
mkdir -p /etc/rancher/node
printf %s "k3k:$POD_NAME:$AGENT_PASSWORD" | sha256sum | cut -c1-32 > /etc/rancher/node/password
"""
# What kubelet, containerd and the network of an agent write, besides k3s itself.
_WRITTEN = {
    "data": "/var/lib/rancher/k3s",
    "kubelet": "/var/lib/kubelet",
    "cni": "/var/lib/cni",
    "log": "/var/log",
    "etc-rancher": "/etc/rancher",
    "run": "/run",
    "tmp": "/tmp",  # noqa: S108 - a path in the pod, on a volume of its own
}
# The kubelet listens on the loopback address of its pod only.
_HEALTHY = ["/bin/sh", "-c", "wget -q -O /dev/null http://127.0.0.1:10248/healthz"]


def agent_stateful_set(blueprint: Blueprint) -> Manifest:
    """Return the StatefulSet of agents.

    Args:
        blueprint: the control plane.
    """
    identity, values = blueprint.id, blueprint.values
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(
            identity, identity.agent, COMPONENT_AGENT, blueprint.owner, version=values.version
        ),
        "spec": {
            "replicas": values.agents.replicas,
            "serviceName": identity.agent,
            "selector": {"matchLabels": selector(identity, COMPONENT_AGENT)},
            # Agents do not need each other.
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "RollingUpdate"},
            "revisionHistoryLimit": 3,
            "template": {
                "metadata": {
                    "labels": labels(identity, COMPONENT_AGENT, version=values.version),
                    "annotations": {ANNOTATION_CHECKSUM: _checksum(blueprint)},
                },
                "spec": _pod(blueprint),
            },
        },
    }


def agent_pod(blueprint: Blueprint) -> Manifest:
    """Return one agent as a pod, to ask the host whether it lets such pods in.

    Args:
        blueprint: the control plane.
    """
    name = f"{blueprint.id.agent}-0"
    # The ServiceAccount may be yet to come, and the question is another.
    spec = {key: part for key, part in _pod(blueprint).items() if key != "serviceAccountName"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(blueprint.id, name, COMPONENT_AGENT, blueprint.owner),
        "spec": spec,
    }


def _pod(blueprint: Blueprint) -> dict[str, Any]:
    identity, values = blueprint.id, blueprint.values
    where = placement(values, selector(identity, COMPONENT_AGENT), values.agents.replicas)
    if values.agents.node_selector:
        where["nodeSelector"] = dict(values.agents.node_selector)
    if values.agents.tolerations:
        where["tolerations"] = [_toleration(each) for each in values.agents.tolerations]
    basics = pod_basics(identity, values)
    # An agent is root by its nature; the rest of what pods have in common stays.
    basics["securityContext"] = {}
    return {
        **basics,
        **where,
        "terminationGracePeriodSeconds": 30,
        "initContainers": [_node_password(blueprint)],
        "containers": [_agent(blueprint)],
        "volumes": _volumes(blueprint),
    }


def _toleration(toleration: AgentToleration) -> dict[str, Any]:
    parts: dict[str, str] = {
        "key": toleration.key,
        "operator": toleration.operator,
        "value": toleration.value,
        "effect": toleration.effect,
    }
    return {key: value for key, value in parts.items() if value}


def _image(blueprint: Blueprint) -> dict[str, Any]:
    image, version = blueprint.values.image, K3sVersion.parse(blueprint.values.version)
    return {"image": f"{image.repository}:{version.image_tag}", "imagePullPolicy": image.pull_policy}


def _environment(blueprint: Blueprint) -> list[dict[str, Any]]:
    """The token is put together in the pod: its hash of the authority is no secret, its password is in a Secret."""
    pinned = f"K10{authority_hash(blueprint.pki.server_ca.cert_pem)}::node:$({_PASSWORD})"
    source = {"secretKeyRef": {"name": blueprint.id.tokens, "key": AGENT_KEY}}
    return [
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": _PASSWORD, "valueFrom": source},
        {"name": "K3S_TOKEN", "value": pinned},
    ]


def _node_password(blueprint: Blueprint) -> dict[str, Any]:
    return {
        "name": "node-password",
        **_image(blueprint),
        "command": ["/bin/sh", "-c", _PREPARE, "node-password"],
        "env": _environment(blueprint)[:2],
        "resources": _resources(blueprint),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [mount("etc-rancher", "/etc/rancher")],
    }


def _agent(blueprint: Blueprint) -> dict[str, Any]:
    identity = blueprint.id
    server = f"https://{identity.service}.{identity.namespace}.svc:{API_PORT}"
    mounts = [mount(name, path) for name, path in _WRITTEN.items()]
    mounts.append(mount("modules", "/lib/modules", read_only=True))
    mounts.append(mount("registries", "/etc/rancher/k3s", read_only=True))
    probe = {"exec": {"command": _HEALTHY}, "periodSeconds": 10, "timeoutSeconds": 5}
    return {
        "name": _CONTAINER,
        **_image(blueprint),
        "args": ["agent", "--server", server, "--node-name", "$(POD_NAME)"],
        "env": _environment(blueprint),
        "resources": _resources(blueprint),
        "securityContext": {"privileged": True},
        "volumeMounts": mounts,
        "startupProbe": {**probe, "periodSeconds": 2, "failureThreshold": 300},
        "readinessProbe": {**probe, "failureThreshold": 3},
    }


def _resources(blueprint: Blueprint) -> dict[str, Any]:
    requests = blueprint.values.agents.requests
    return {"requests": requests.model_dump(mode="json", exclude_none=True)}


def _volumes(blueprint: Blueprint) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = [
        {"name": name, "emptyDir": {"medium": "Memory"} if name == "run" else {}} for name in _WRITTEN
    ]
    volumes.append({"name": "modules", "hostPath": {"path": "/lib/modules"}})
    registries = {
        "name": blueprint.id.config,
        "items": [{"key": REGISTRIES_KEY, "path": REGISTRIES_KEY}],
        "optional": True,
    }
    volumes.append({"name": "registries", "configMap": registries})
    return volumes


def _checksum(blueprint: Blueprint) -> str:
    """Return a digest of what an agent reads once: its token, by which it is known which authority it joins."""
    pinned = {"token": blueprint.tokens.agent, "authority": authority_hash(blueprint.pki.server_ca.cert_pem)}
    registries = {"registries": blueprint.values.k3s.registries}
    return checksum(pinned, registries)
