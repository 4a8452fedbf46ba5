"""The configuration file of the k3s servers. It holds no secret: those are files beside it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from k3k_core.manifests.arguments import merge_extra_args
from k3k_core.manifests.blueprint import Address, Blueprint, Manifest
from k3k_core.manifests.hardening import apiserver_arguments, hardening_files, secrets_encryption
from k3k_core.manifests.metadata import metadata
from k3k_core.names import COMPONENT_SERVER, ETCD_CLIENT_PORT, ControlPlaneId
from k3k_core.versions import K3sVersion, supports

if TYPE_CHECKING:
    from k3k_core.values import Values

CONFIG_FILE = "config.yaml"
CONFIG_DIR = "/etc/k3k/config"
TOKENS_DIR = "/etc/k3k/tokens"
DATASTORE_DIR = "/etc/k3k/datastore"
_UNFOLDED = 10_000
# A server that scales from one to three must not be restarted for its certificate's sake.
_NAMED_SERVERS = 3

_DATASTORE_FLAGS = {
    "ca.crt": "datastore-cafile",
    "tls.crt": "datastore-certfile",
    "tls.key": "datastore-keyfile",
}


def config_map(blueprint: Blueprint) -> Manifest:
    """Return the ConfigMap with k3s' config.yaml, and what it names beside it."""
    import yaml

    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(blueprint.id, blueprint.id.config, COMPONENT_SERVER, blueprint.owner),
        "data": {
            CONFIG_FILE: yaml.safe_dump(k3s_config(blueprint), sort_keys=True, width=_UNFOLDED),
            **hardening_files(blueprint.values),
        },
    }


def k3s_config(blueprint: Blueprint) -> dict[str, Any]:
    """Return the configuration of `k3s server` for a control plane.

    Keys are flag names without dashes (https://docs.k3s.io/cli/server). Keys that the version does not know
    are left out, since k3s would only skip them.

    Args:
        blueprint: the control plane.
    """
    values = blueprint.values
    version = K3sVersion.parse(values.version)
    config: dict[str, Any] = {
        "data-dir": values.k3s.data_dir,
        "cluster-cidr": values.k3s.cluster_cidr,
        "service-cidr": values.k3s.service_cidr,
        "cluster-dns": values.k3s.cluster_dns,
        "cluster-domain": values.k3s.cluster_domain,
        "egress-selector-mode": values.k3s.egress_selector_mode,
        "v": int(values.k3s.log_level),
        "token-file": f"{TOKENS_DIR}/server",
        "agent-token-file": f"{TOKENS_DIR}/agent",
        "kube-apiserver-arg": [
            f"token-auth-file={TOKENS_DIR}/identities.csv",
            *apiserver_arguments(values, CONFIG_DIR),
        ],
        "tls-san": tls_sans(blueprint),
        # For `kubectl exec` into the pod; users get the kubeconfig of the Secret.
        "write-kubeconfig": "/tmp/kubeconfig.yaml",  # noqa: S108 - a path in the pod, on a volume of its own
        "write-kubeconfig-mode": values.k3s.kubeconfig.mode,
        **_switches(values),
        **_advertised(blueprint.address),
        **_datastore(blueprint),
        **secrets_encryption(values),
    }
    if values.k3s.debug:
        config["debug"] = True
    known = {key: value for key, value in config.items() if supports(version, key)}
    return merge_extra_args(known, values.k3s.extra_args)


def tls_sans(blueprint: Blueprint) -> list[str]:
    """Return every name under which the API is reached.

    Args:
        blueprint: the control plane.
    """
    identity, values = blueprint.id, blueprint.values
    service = f"{identity.service}.{identity.namespace}"
    names = ["127.0.0.1", "localhost", identity.service, service, f"{service}.svc"]
    several = values.datastore.kind != "sqlite"
    names += [
        f"{identity.server}-{number}.{identity.servers_service}.{identity.namespace}.svc"
        for number in range(max(values.servers, _NAMED_SERVERS) if several else 1)
    ]
    names += [values.loadbalancer.ip if values.loadbalancer.enabled else ""]
    if blueprint.address:
        names += [blueprint.address.host, *blueprint.address.aliases]
    names += values.k3s.tls_sans
    return [name for name in dict.fromkeys(names) if name]


def etcd_endpoints(identity: ControlPlaneId, members: int) -> str:
    """Return the addresses of a dedicated etcd as k3s takes them.

    Args:
        identity: the control plane.
        members: number of members.
    """
    return ",".join(f"https://{name}:{ETCD_CLIENT_PORT}" for name in etcd_member_names(identity, members))


def etcd_member_names(identity: ControlPlaneId, members: int) -> list[str]:
    """Return the DNS name of each etcd member."""
    return [f"{identity.etcd}-{number}.{identity.etcd}.{identity.namespace}.svc" for number in range(members)]


def _switches(values: Values) -> dict[str, Any]:
    disable = values.k3s.disable
    packaged = {
        "traefik": disable.traefik,
        "servicelb": disable.servicelb,
        "local-storage": disable.localstorage,
    }
    switches = {
        "disable-agent": disable.agent,
        "disable-cloud-controller": disable.cloud_controller,
        "disable-helm-controller": disable.helm_controller,
        "disable-kube-proxy": disable.kube_proxy,
        "disable-network-policy": disable.network_policy,
    }
    result: dict[str, Any] = {key: True for key, on in switches.items() if on}
    if disable.flannel:
        result["flannel-backend"] = "none"
    if names := [name for name, on in packaged.items() if on]:
        result["disable"] = names
    return result


def _advertised(address: Address | None) -> dict[str, Any]:
    """Return where agents are sent: they replace the address they joined by with this one.

    The API server takes an IP address only, and refuses one that cannot be an endpoint of a Service.
    """
    if address is None:
        return {}
    try:
        ip = ipaddress.ip_address(address.host)
    except ValueError:
        return {}
    if ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return {}
    return {"advertise-address": address.host, "advertise-port": address.port}


def _datastore(blueprint: Blueprint) -> dict[str, Any]:
    """Return the flags of a datastore outside the server; an external one's DSN is in the environment."""
    datastore = blueprint.values.datastore
    if datastore.kind == "etcd":
        return {
            "datastore-endpoint": etcd_endpoints(blueprint.id, datastore.etcd.members),
            **{flag: f"{DATASTORE_DIR}/{name}" for name, flag in _DATASTORE_FLAGS.items()},
        }
    if datastore.kind == "external" and datastore.external.secret_name:
        return {
            flag: f"{DATASTORE_DIR}/{name}"
            for name, flag in _DATASTORE_FLAGS.items()
            if name in blueprint.datastore_files
        }
    return {}
