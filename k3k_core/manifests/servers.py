"""The k3s servers.

What this renders was seen to run under the `restricted` Pod Security Standard on a real kubelet: an ordinary
user, a read-only root file system, no capabilities, no token of the host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k3k_core.manifests.blueprint import Blueprint, Manifest
from k3k_core.manifests.config import CONFIG_DIR, CONFIG_FILE, DATASTORE_DIR, TOKENS_DIR, k3s_config
from k3k_core.manifests.hardening import (
    MANIFESTS_DIR,
    extra_mounts,
    extra_volumes,
    hardening_parts,
    manifests_name,
)
from k3k_core.manifests.metadata import checksum, labels, metadata, selector
from k3k_core.manifests.pods import (
    container_security_context,
    mount,
    placement,
    pod_basics,
    resources,
    secret_volume,
    volume_claim,
)
from k3k_core.manifests.scripts import command
from k3k_core.names import ANNOTATION_CHECKSUM, API_PORT, COMPONENT_SERVER
from k3k_core.pki.tokens import DATASTORE_KEY
from k3k_core.versions import K3sVersion

if TYPE_CHECKING:
    from k3k_core.values import Values

_PKI_DIR = "/etc/k3k/pki"
_RANCHER_DIR = "/etc/rancher"
_DATASTORE_FILES = ("ca.crt", "tls.crt", "tls.key")
# Beside the server's files, on the same volume: what k3k sends while a server waits to be restored.
RESTORE_FOLDER = "restore"
# Where its init container can be found, and what tells it to wait.
PREPARE_CONTAINER = "pki"
RESTORE_KEY = "id"
# Versions before this one end when the file is missing.
_TAKES_PASSWD_ANEW = 24


def server_stateful_set(blueprint: Blueprint) -> Manifest:
    """Return the StatefulSet of k3s servers.

    With sqlite there is one server with its own volume: a StatefulSet never runs two pods of one number, so
    two processes never share the file. With any other datastore servers keep nothing and start at the same
    time.

    Args:
        blueprint: the control plane.
    """
    identity, values = blueprint.id, blueprint.values
    persistent = values.datastore.kind == "sqlite" and values.persistence.enabled
    spec: dict[str, Any] = {
        "replicas": values.servers,
        "serviceName": identity.servers_service,
        "selector": {"matchLabels": selector(identity, COMPONENT_SERVER)},
        # Ordered management would wait for ever for a broken pod instead of replacing it with a repaired one.
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "revisionHistoryLimit": 3,
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "template": {
            "metadata": {
                "labels": labels(identity, COMPONENT_SERVER, version=values.version),
                "annotations": {ANNOTATION_CHECKSUM: _checksum(blueprint)},
            },
            "spec": _pod(blueprint, persistent=persistent),
        },
    }
    if persistent:
        spec["volumeClaimTemplates"] = [
            volume_claim(
                "data",
                labels(identity, COMPONENT_SERVER),
                values.persistence.size,
                values.persistence.storage_class,
                one_pod=values.persistence.access_mode == "ReadWriteOncePod",
            )
        ]
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(
            identity, identity.server, COMPONENT_SERVER, blueprint.owner, version=values.version
        ),
        "spec": spec,
    }


def _pod(blueprint: Blueprint, *, persistent: bool) -> dict[str, Any]:
    identity, values = blueprint.id, blueprint.values
    return {
        **pod_basics(identity, values),
        **placement(values, selector(identity, COMPONENT_SERVER), values.servers),
        # k3s stops its datastore and gives up its leases first, which takes some seconds.
        "terminationGracePeriodSeconds": 30,
        "initContainers": [_init_container(blueprint)],
        "containers": [_container(blueprint)],
        "volumes": _volumes(blueprint, persistent=persistent),
    }


def _image(blueprint: Blueprint) -> dict[str, Any]:
    image = blueprint.values.image
    tag = K3sVersion.parse(blueprint.values.version).image_tag
    return {"image": f"{image.repository}:{tag}", "imagePullPolicy": image.pull_policy}


def _init_container(blueprint: Blueprint) -> dict[str, Any]:
    data_dir = blueprint.values.k3s.data_dir
    takes_anew = K3sVersion.parse(blueprint.values.version).minor >= _TAKES_PASSWD_ANEW
    return {
        "name": PREPARE_CONTAINER,
        **_image(blueprint),
        "command": command("prepare-server"),
        "env": [
            {
                "name": "RESTORE",
                "valueFrom": {
                    "configMapKeyRef": {"name": blueprint.id.restore, "key": RESTORE_KEY, "optional": True}
                },
            },
            {"name": "SERVER_DIR", "value": f"{data_dir}/server"},
            {"name": "RESTORE_DIR", "value": f"{data_dir}/{RESTORE_FOLDER}"},
            *([{"name": "PASSWD", "value": f"{data_dir}/server/cred/passwd"}] if takes_anew else ()),
            {"name": "PKI_DIR", "value": _PKI_DIR},
            {"name": "TLS_DIR", "value": f"{data_dir}/server/tls"},
            {"name": "TOKENS_DIR", "value": TOKENS_DIR},
            {"name": "NODE_DIR", "value": f"{_RANCHER_DIR}/node"},
            {"name": "MANIFESTS_DIR", "value": MANIFESTS_DIR},
            {"name": "K3S_MANIFESTS_DIR", "value": f"{data_dir}/server/manifests/k3k"},
        ],
        "resources": resources(blueprint.values),
        "securityContext": container_security_context(),
        "volumeMounts": [
            mount("pki", _PKI_DIR, read_only=True),
            mount("tokens", TOKENS_DIR, read_only=True),
            mount("data", data_dir),
            mount("etc-rancher", _RANCHER_DIR),
            *([mount("manifests", MANIFESTS_DIR, read_only=True)] if blueprint.values.k3s.manifests else ()),
        ],
    }


def _container(blueprint: Blueprint) -> dict[str, Any]:
    values = blueprint.values
    mounts = [
        mount("data", values.k3s.data_dir),
        mount("config", CONFIG_DIR, read_only=True),
        mount("tokens", TOKENS_DIR, read_only=True),
        # k3s keeps its node password here, also without an agent, and never starts where it cannot.
        mount("etc-rancher", _RANCHER_DIR),
        mount("tmp", "/tmp"),  # noqa: S108 - a path in the pod, on a volume of its own
    ]
    mounts += extra_mounts(values)
    if _datastore_volume(blueprint):
        mounts.append(mount("datastore", DATASTORE_DIR, read_only=True))
    return {
        "name": "k3s",
        **_image(blueprint),
        # The image's default is an agent.
        "args": ["server", "--config", f"{CONFIG_DIR}/{CONFIG_FILE}"],
        "env": _environment(blueprint),
        "ports": [{"name": "api", "containerPort": API_PORT, "protocol": "TCP"}],
        "resources": resources(values),
        "securityContext": container_security_context(),
        "volumeMounts": mounts,
        **_farewell(values),
        # k3s itself gives up on its datastore after 15 minutes; it must not be killed before.
        "startupProbe": _probe(blueprint, "/readyz", period=1, failures=900, timeout=2),
        "readinessProbe": _probe(blueprint, "/readyz", period=5, failures=3, timeout=5),
        "livenessProbe": _probe(blueprint, _liveness_path(blueprint), period=15, failures=6, timeout=10),
    }


def _farewell(values: Values) -> dict[str, Any]:
    """Have a server that others stand beside answer on until no new connections are led to it.

    The endpoints of a Service change at the same time as the server is told to stop, and reach the nodes later
    (https://kubernetes.io/docs/tutorials/services/pods-and-endpoint-termination-flow/).
    """
    if values.datastore.kind == "sqlite":
        return {}
    return {"lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", "sleep 3"]}}}}


def _liveness_path(blueprint: Blueprint) -> str:
    """A restart does not bring back a datastore that is elsewhere, it only makes recovery slower."""
    return "/livez" if blueprint.values.datastore.kind == "sqlite" else "/livez?exclude=etcd"


def _probe(blueprint: Blueprint, path: str, *, period: int, failures: int, timeout: int) -> dict[str, Any]:
    """Return a probe that shows the probe identity: anonymous requests are answered with 401."""
    return {
        "httpGet": {
            "path": path,
            "port": API_PORT,
            "scheme": "HTTPS",
            "httpHeaders": [{"name": "Authorization", "value": f"Bearer {blueprint.tokens.probe}"}],
        },
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": timeout,
    }


def _environment(blueprint: Blueprint) -> list[dict[str, Any]]:
    env: list[dict[str, Any]] = [{"name": "HOME", "value": "/tmp"}]  # noqa: S108 - a path in the pod
    datastore = blueprint.values.datastore
    if datastore.kind == "external":
        own = datastore.external.secret_name
        source = (
            {"name": own, "key": "endpoint"} if own else {"name": blueprint.id.tokens, "key": DATASTORE_KEY}
        )
        env.append({"name": "K3S_DATASTORE_ENDPOINT", "valueFrom": {"secretKeyRef": source}})
    return env


def _volumes(blueprint: Blueprint, *, persistent: bool) -> list[dict[str, Any]]:
    identity, values = blueprint.id, blueprint.values
    volumes: list[dict[str, Any]] = []
    if not persistent:
        # A limit keeps a tenant from filling the node's disk.
        limit = values.persistence.size if values.datastore.kind == "sqlite" else "1Gi"
        volumes.append({"name": "data", "emptyDir": {"sizeLimit": limit}})
    volumes += [
        {"name": "config", "configMap": {"name": identity.config}},
        secret_volume("tokens", identity.tokens),
        secret_volume("pki", identity.pki),
        {"name": "etc-rancher", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
    ]
    if values.k3s.manifests:
        volumes.append({"name": "manifests", "configMap": {"name": manifests_name(identity)}})
    volumes += extra_volumes(values)
    if datastore := _datastore_volume(blueprint):
        volumes.append(datastore)
    return volumes


def _datastore_volume(blueprint: Blueprint) -> dict[str, Any] | None:
    """Return the volume with TLS files for the datastore, if it may have any."""
    datastore = blueprint.values.datastore
    if datastore.kind == "etcd":
        volume = secret_volume("datastore", blueprint.id.etcd_pki)
        volume["secret"]["items"] = [
            {"key": "ca.crt", "path": "ca.crt"},
            {"key": "client.crt", "path": "tls.crt"},
            {"key": "client.key", "path": "tls.key"},
        ]
        return volume
    if datastore.kind == "external" and datastore.external.secret_name:
        return secret_volume("datastore", datastore.external.secret_name, _DATASTORE_FILES, optional=True)
    return None


def _checksum(blueprint: Blueprint) -> str:
    """Return a digest of what a server reads once, at its start.

    Certificates are not part of it: authorities are copied before the first start only, and k3s and etcd
    read the files of etcd's certificates again for every connection.
    """
    return checksum(
        k3s_config(blueprint),
        blueprint.tokens.to_secret_data(),
        *filter(None, [hardening_parts(blueprint.values)]),
    )
