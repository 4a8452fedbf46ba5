"""A dedicated etcd: its own StatefulSet with TLS everywhere, never k3s' embedded one.

k3s' embedded etcd binds its peer addresses to pod IPs and breaks when a pod moves. Here members are known by
DNS names that stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k3k_core.manifests.blueprint import Blueprint, Manifest
from k3k_core.manifests.config import etcd_member_names
from k3k_core.manifests.metadata import labels, metadata, selector
from k3k_core.manifests.pods import (
    container_security_context,
    mount,
    placement,
    pod_basics,
    secret_volume,
    volume_claim,
)
from k3k_core.manifests.scripts import command
from k3k_core.manifests.tasks import k3s_image
from k3k_core.names import (
    COMPONENT_ETCD,
    ETCD_CLIENT_PORT,
    ETCD_METRICS_PORT,
    ETCD_PEER_PORT,
    ControlPlaneId,
)

if TYPE_CHECKING:
    from k3k_core.values import Values

# Where a member's volume is mounted, and where its data is on that.
VOLUME_DIR = "/var/lib/etcd"
DATA_DIR = f"{VOLUME_DIR}/data"
# Keys of the ConfigMap `NAME-k3k-etcd`: "existing" once the cluster has formed; names of members that may start
# without data all the same, because they are to replace others.
STATE_KEY = "initial-cluster-state"
JOINING_KEY = "joining"
# The container that sees to that.
GUARD = "guard"
_GUARD_VARIABLES = {"STATE": STATE_KEY, "JOINING": JOINING_KEY}
_PKI_DIR = "/etc/k3k/pki"
_MOST_MEMBERS = 3
_FILES = ("ca.crt", "peer-ca.crt", "peer.crt", "peer.key", "server.crt", "server.key")


def etcd_dns_names(identity: ControlPlaneId) -> list[str]:
    """Return the names that an etcd's certificates hold: the Service and every member there can be.

    Args:
        identity: the control plane.
    """
    service = f"{identity.etcd}.{identity.namespace}"
    return [identity.etcd, service, f"{service}.svc", *etcd_member_names(identity, _MOST_MEMBERS)]


def etcd_stateful_set(blueprint: Blueprint) -> Manifest:
    """Return the StatefulSet of etcd members.

    All members start at once, because a new cluster needs its quorum to become ready; updates still take one
    member at a time and wait for it.

    Args:
        blueprint: the control plane.
    """
    identity, etcd = blueprint.id, blueprint.values.datastore.etcd
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(identity, identity.etcd, COMPONENT_ETCD, blueprint.owner),
        "spec": {
            "replicas": etcd.members,
            "serviceName": identity.etcd,
            "selector": {"matchLabels": selector(identity, COMPONENT_ETCD)},
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "RollingUpdate"},
            "revisionHistoryLimit": 3,
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "template": {
                "metadata": {"labels": labels(identity, COMPONENT_ETCD)},
                "spec": _pod(blueprint),
            },
            **_claims(blueprint),
        },
    }


def _claims(blueprint: Blueprint) -> dict[str, Any]:
    if not blueprint.values.persistence.enabled:
        return {}
    etcd = blueprint.values.datastore.etcd
    claim = volume_claim("data", labels(blueprint.id, COMPONENT_ETCD), etcd.size, etcd.storage_class)
    return {"volumeClaimTemplates": [claim]}


def _pod(blueprint: Blueprint) -> dict[str, Any]:
    identity, values = blueprint.id, blueprint.values
    etcd = values.datastore.etcd
    volumes = [secret_volume("pki", identity.etcd_pki, _FILES)]
    if not values.persistence.enabled:
        volumes.append({"name": "data", "emptyDir": {"sizeLimit": etcd.size}})
    return {
        **pod_basics(identity, values),
        **placement(values, selector(identity, COMPONENT_ETCD), etcd.members),
        "terminationGracePeriodSeconds": 30,
        "initContainers": [_guard(identity, values)],
        "containers": [_container(identity, values)],
        "volumes": volumes,
    }


def _guard(identity: ControlPlaneId, values: Values) -> dict[str, Any]:
    """Return what keeps a member from starting empty once its cluster has formed.

    etcd itself would take a member without data for the one it knows, though that one had promised things it now
    forgets; two of them together would even begin a new, empty cluster.
    """
    return {
        "name": GUARD,
        "image": values.datastore.etcd.guard_image or k3s_image(values),
        "imagePullPolicy": values.image.pull_policy,
        "command": command("guard-etcd-data", DATA_DIR),
        "env": [_pod_name(), *(_state(identity, name, key) for name, key in _GUARD_VARIABLES.items())],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        "securityContext": container_security_context(),
        "volumeMounts": [mount("data", VOLUME_DIR)],
    }


def _pod_name() -> dict[str, Any]:
    return {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}


def _state(identity: ControlPlaneId, variable: str, key: str) -> dict[str, Any]:
    """Return a variable from what k3k notes about the cluster; unset until it has formed."""
    reference = {"name": identity.etcd, "key": key, "optional": True}
    return {"name": variable, "valueFrom": {"configMapKeyRef": reference}}


def _container(identity: ControlPlaneId, values: Values) -> dict[str, Any]:
    return {
        "name": "etcd",
        "image": values.datastore.etcd.image,
        "imagePullPolicy": values.image.pull_policy,
        "command": ["etcd", *_flags(identity, values.datastore.etcd.members)],
        # Of a member that has data etcd takes no notice of it.
        "env": [_pod_name(), _state(identity, "ETCD_INITIAL_CLUSTER_STATE", STATE_KEY)],
        "ports": [
            {"name": "client", "containerPort": ETCD_CLIENT_PORT, "protocol": "TCP"},
            {"name": "peer", "containerPort": ETCD_PEER_PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": ETCD_METRICS_PORT, "protocol": "TCP"},
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        "securityContext": container_security_context(),
        "volumeMounts": [mount("data", VOLUME_DIR), mount("pki", _PKI_DIR, read_only=True)],
        "startupProbe": _probe("/readyz", period=1, failures=900),
        "readinessProbe": _probe("/readyz", period=5, failures=3),
        "livenessProbe": _probe("/livez", period=15, failures=6),
    }


def _flags(identity: ControlPlaneId, members: int) -> list[str]:
    """Return etcd's flags (https://etcd.io/docs/v3.6/op-guide/configuration/); $(POD_NAME) is filled in."""
    own = f"$(POD_NAME).{identity.etcd}.{identity.namespace}.svc"
    return [
        "--name=$(POD_NAME)",
        f"--data-dir={DATA_DIR}",
        f"--listen-client-urls=https://0.0.0.0:{ETCD_CLIENT_PORT}",
        f"--advertise-client-urls=https://{own}:{ETCD_CLIENT_PORT}",
        f"--listen-peer-urls=https://0.0.0.0:{ETCD_PEER_PORT}",
        f"--initial-advertise-peer-urls=https://{own}:{ETCD_PEER_PORT}",
        f"--initial-cluster={initial_cluster(identity, members)}",
        f"--initial-cluster-token={cluster_token(identity)}",
        "--client-cert-auth=true",
        f"--trusted-ca-file={_PKI_DIR}/ca.crt",
        f"--cert-file={_PKI_DIR}/server.crt",
        f"--key-file={_PKI_DIR}/server.key",
        "--peer-client-cert-auth=true",
        f"--peer-trusted-ca-file={_PKI_DIR}/peer-ca.crt",
        f"--peer-cert-file={_PKI_DIR}/peer.crt",
        f"--peer-key-file={_PKI_DIR}/peer.key",
        # Health and metrics without TLS: the kubelet has no client certificate to show.
        f"--listen-metrics-urls=http://0.0.0.0:{ETCD_METRICS_PORT}",
    ]


def initial_cluster(identity: ControlPlaneId, members: int) -> str:
    """Return the members an etcd begins with, as `--initial-cluster` takes them.

    Args:
        identity: the control plane.
        members: number of members.
    """
    names = etcd_member_names(identity, members)
    return ",".join(f"{name.partition('.')[0]}=https://{name}:{ETCD_PEER_PORT}" for name in names)


def cluster_token(identity: ControlPlaneId) -> str:
    """Return what keeps clusters apart that begin with members of the same names."""
    return f"{identity.namespace}-{identity.etcd}"


def _probe(path: str, *, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": ETCD_METRICS_PORT, "scheme": "HTTP"},
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": 5,
    }
