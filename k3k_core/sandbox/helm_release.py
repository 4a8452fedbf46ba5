"""A control plane in the form in which the ayedo Helm chart leaves its own, as far as k3k looks at it.

What the chart's user and its job do is done here: the authorities are given to the server before its first start
(https://docs.k3s.io/cli/certificate, "Using Custom CA Certificates"), and when it is ready, the administrator's
kubeconfig is put into the Secret of the release.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from k3k_core.errors import ConflictError
from k3k_core.host import HostApi, wait_for
from k3k_core.lifecycle.addressing import settle_address
from k3k_core.lifecycle.kubeconfigs import admin_kubeconfig
from k3k_core.lifecycle.progress import silent
from k3k_core.lifecycle.readiness import is_ready
from k3k_core.manifests import Address
from k3k_core.manifests.metadata import secret, secret_data
from k3k_core.names import API_PORT, LABEL_INSTANCE, LABEL_MANAGED_BY, LABEL_NAME, ControlPlaneId
from k3k_core.pki import ControlPlanePki, new_pki
from k3k_core.resources import SECRET, STATEFUL_SET, Resource, resource_of

VERSION = "v1.33.4+k3s1"
KUBECONFIG_KEY = "kubeconfig.yaml"
_DATA_DIR = "/var/lib/rancher/k3s"
_AUTHORITIES_DIR = "/authorities"
_COPY = (
    f"set -eu; mkdir -p {_DATA_DIR}/server/tls/etcd; cd {_AUTHORITIES_DIR}; for file in *; do "
    f"case $file in etcd-*) to=etcd/${{file#etcd-}} ;; *) to=$file ;; esac; "
    f'cp "$file" "{_DATA_DIR}/server/tls/$to"; done'
)


async def install(host: HostApi, identity: ControlPlaneId, *, timeout: float) -> None:
    """Make a release and wait until its kubeconfig can be used; what is there already stays.

    Args:
        host: an open host.
        identity: namespace and name of the release.
        timeout: seconds for the address, and again for the server.

    Raises:
        K3kError: the host refuses something, or the server is not ready in time.
    """
    now = datetime.now(UTC)
    await _ensure(host, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": identity.namespace}})
    given = await _ensure(host, authorities(identity, new_pki(now)))
    pki = ControlPlanePki.from_secret_data(secret_data(given))
    service = await _ensure(host, front(identity))
    # The server's certificate has to hold the address at which the kubeconfig will look for it.
    address = await settle_address(host, service, timeout=timeout, progress=silent)
    await _ensure(host, kubeconfig_secret(identity))
    await _ensure(host, stateful_set(identity, address))
    await _ready(host, identity, timeout)
    document = admin_kubeconfig(identity, pki, address, now=now)
    await host.patch(
        SECRET, identity.namespace, identity.kubeconfig, {"stringData": {KUBECONFIG_KEY: document}}
    )


async def _ensure(host: HostApi, manifest: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return await host.create(manifest)
    except ConflictError as error:
        if error.reason != "AlreadyExists":
            raise
    resource: Resource = resource_of(manifest)
    metadata = manifest["metadata"]
    return await host.get(resource, metadata.get("namespace"), metadata["name"])


async def _ready(host: HostApi, identity: ControlPlaneId, timeout: float) -> None:
    def ready(objects: Mapping[str, dict[str, Any]]) -> bool | None:
        found = objects.get(identity.root)
        return True if found is not None and is_ready(found, 1) else None

    await wait_for(
        host,
        STATEFUL_SET,
        identity.namespace,
        ready,
        fields=f"metadata.name={identity.root}",
        timeout=timeout,
        what=f"Helm release {identity}",
    )


def _metadata(identity: ControlPlaneId, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": identity.namespace,
        "labels": {**_pods(identity), LABEL_MANAGED_BY: "Helm"},
        "annotations": {
            "meta.helm.sh/release-name": identity.name,
            "meta.helm.sh/release-namespace": identity.namespace,
        },
    }


def _pods(identity: ControlPlaneId) -> dict[str, str]:
    return {LABEL_NAME: "k3k", LABEL_INSTANCE: identity.name}


def _authorities_name(identity: ControlPlaneId) -> str:
    return f"{identity.root}-authorities"


def authorities(identity: ControlPlaneId, pki: ControlPlanePki) -> dict[str, Any]:
    """Return the Secret that gives the server its authorities.

    Args:
        identity: the release.
        pki: the authorities.
    """
    return secret(_metadata(identity, _authorities_name(identity)), pki.to_secret_data())


def front(identity: ControlPlaneId) -> dict[str, Any]:
    """Return the Service in front of the server.

    Args:
        identity: the release.
    """
    port = {"name": "https", "port": API_PORT, "protocol": "TCP"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(identity, identity.service),
        "spec": {"type": "LoadBalancer", "selector": _pods(identity), "ports": [port]},
    }


def kubeconfig_secret(identity: ControlPlaneId) -> dict[str, Any]:
    """Return the Secret of the kubeconfig as the chart renders it: nothing is in it before the server is ready.

    Args:
        identity: the release.
    """
    return secret(_metadata(identity, identity.kubeconfig), {})


def stateful_set(identity: ControlPlaneId, address: Address) -> dict[str, Any]:
    """Return the server.

    Args:
        identity: the release.
        address: where the Service is reached.
    """
    pods = _pods(identity)
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": _metadata(identity, identity.root),
        "spec": {
            "serviceName": identity.service,
            "replicas": 1,
            "selector": {"matchLabels": pods},
            "template": {"metadata": {"labels": pods}, "spec": _pod(identity, address)},
        },
    }


def _pod(identity: ControlPlaneId, address: Address) -> dict[str, Any]:
    image = f"rancher/k3s:{VERSION.replace('+', '-')}"
    data = {"name": "data", "mountPath": _DATA_DIR}
    given = {"name": "authorities", "mountPath": _AUTHORITIES_DIR, "readOnly": True}
    names = (f"{identity.service}.{identity.namespace}.svc", address.host, *address.aliases)
    server = {
        "name": "k3s",
        "image": image,
        "args": ["server", "--disable-agent", "--token=demo", *(f"--tls-san={name}" for name in names)],
        "ports": [{"name": "https", "containerPort": API_PORT}],
        "readinessProbe": {
            "httpGet": {"scheme": "HTTPS", "path": "/ping", "port": API_PORT},
            "periodSeconds": 5,
        },
        "volumeMounts": [data],
    }
    copy = {
        "name": "authorities",
        "image": image,
        "command": ["/bin/sh", "-c", _COPY],
        "volumeMounts": [data, given],
    }
    return {
        "initContainers": [copy],
        "containers": [server],
        "volumes": [
            {"name": "data", "emptyDir": {}},
            {"name": "authorities", "secret": {"secretName": _authorities_name(identity)}},
        ],
    }
