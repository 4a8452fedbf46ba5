"""The flags of `k3s server` that `k3s.extra_args` may carry, and why it may not carry the others."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Final

from k3k_core.values.refusal import RefusedError, shown

EXTRA_ARG_PATTERN: Final = r"^--?[a-z][-a-z0-9]*(=(.|\n)*)?$"

# What `k3s server --help` of 1.36 lists, hidden flags included (pkg/cli/cmds/server.go), in four groups.
_SWITCHES: Final = frozenset(
    {
        "alsologtostderr",
        "disable-scheduler",
        "embedded-registry",
        "enable-pprof",
        "flannel-external-ip",
        "flannel-ipv6-masq",
        "kine-tls",
        "secrets-encryption",
        "supervisor-metrics",
        "tls-san-security",
    }
)
_OPTIONS: Final = frozenset(
    {
        "default-local-storage-path",
        "helm-controller-arg",
        "helm-job-image",
        "kube-apiserver-arg",
        "kube-cloud-controller-manager-arg",
        "kube-controller-manager-arg",
        "kube-scheduler-arg",
        "node-name",
        "secrets-encryption-provider",
        "service-node-port-range",
        "servicelb-namespace",
        "system-default-registry",
        "vmodule",
    }
)
_FREE: Final = _SWITCHES | _OPTIONS
# Set by k3k itself: flag -> the value that governs it.
_OWNED: Final[Mapping[str, str]] = {
    "agent-token": "k3s.agent_token",
    "agent-token-file": "k3s.agent_token",
    "cluster-cidr": "k3s.cluster_cidr",
    "cluster-dns": "k3s.cluster_dns",
    "cluster-domain": "k3s.cluster_domain",
    "data-dir": "k3s.data_dir",
    "datastore-cafile": "datastore.external",
    "datastore-certfile": "datastore.external",
    "datastore-endpoint": "datastore.external",
    "datastore-keyfile": "datastore.external",
    "debug": "k3s.debug",
    "disable": "k3s.disable",
    "disable-agent": "k3s.disable.agent",
    "disable-cloud-controller": "k3s.disable.cloud_controller",
    "disable-helm-controller": "k3s.disable.helm_controller",
    "disable-kube-proxy": "k3s.disable.kube_proxy",
    "disable-network-policy": "k3s.disable.network_policy",
    "egress-selector-mode": "k3s.egress_selector_mode",
    "flannel-backend": "k3s.disable.flannel",
    "service-cidr": "k3s.service_cidr",
    "tls-san": "k3s.tls_sans",
    "token": "k3s.token",
    "token-file": "k3s.token",
    "v": "k3s.log_level",
    "write-kubeconfig": "k3s.kubeconfig.filename",
    "write-kubeconfig-mode": "k3s.kubeconfig.mode",
}
_ADDRESS = "k3k sets it from the address of the Service"
_PORT = "the probes and the Service expect the API on port 6443 of the pod"
# Would break the pod: flag -> reason.
_HARMFUL: Final[Mapping[str, str]] = {
    "advertise-address": _ADDRESS,
    "advertise-port": _ADDRESS,
    "apiserver-bind-address": _PORT,
    "apiserver-port": _PORT,
    "bind-address": _PORT,
    "https-listen-port": _PORT,
    "supervisor-port": _PORT,
    "config": "k3k writes the configuration file",
    "disable-apiserver": "nothing would be left to reach",
    "disable-controller-manager": "namespaces could not be deleted and service accounts would get no tokens",
    "log": "the output would go to a file and not to the pod's log",
    "rootless": "the pod has no root rights anyway, and this flag moves the files that k3k mounts",
    "write-kubeconfig-group": "the pod runs with one group only",
    "write-kubeconfig-name": "k3k makes the kubeconfig",
}
_EMBEDDED_ETCD: Final = frozenset(
    {
        "cluster-init",
        "cluster-reset",
        "cluster-reset-restore-path",
        "disable-etcd",
        "etcd-arg",
        "etcd-disable-snapshots",
        "etcd-expose-metrics",
        "etcd-s3",
        "etcd-s3-access-key",
        "etcd-s3-bucket",
        "etcd-s3-bucket-lookup-type",
        "etcd-s3-config-secret",
        "etcd-s3-endpoint",
        "etcd-s3-endpoint-ca",
        "etcd-s3-folder",
        "etcd-s3-insecure",
        "etcd-s3-proxy",
        "etcd-s3-region",
        "etcd-s3-retention",
        "etcd-s3-secret-key",
        "etcd-s3-session-token",
        "etcd-s3-skip-ssl-verify",
        "etcd-s3-timeout",
        "etcd-snapshot-compress",
        "etcd-snapshot-dir",
        "etcd-snapshot-name",
        "etcd-snapshot-reconcile-interval",
        "etcd-snapshot-retention",
        "etcd-snapshot-schedule-cron",
        "server",
    }
)
_AGENT: Final = frozenset(
    {
        "airgap-extra-registry",
        "container-runtime-endpoint",
        "default-runtime",
        "disable-default-registry-endpoint",
        "disable-selinux",
        "docker",
        "flannel-cni-conf",
        "flannel-conf",
        "flannel-iface",
        "image-credential-provider-bin-dir",
        "image-credential-provider-config",
        "image-service-endpoint",
        "kube-proxy-arg",
        "kubelet-arg",
        "lb-server-port",
        "no-flannel",
        "node-external-dns",
        "node-external-ip",
        "node-internal-dns",
        "node-ip",
        "node-label",
        "node-taint",
        "nonroot-devices",
        "pause-image",
        "prefer-bundled-bin",
        "private-registry",
        "protect-kernel-defaults",
        "resolv-conf",
        "selinux",
        "snapshotter",
        "vpn-auth",
        "vpn-auth-file",
        "with-node-id",
    }
)
KNOWN: Final = frozenset(_FREE | _OWNED.keys() | _HARMFUL.keys() | _EMBEDDED_ETCD | _AGENT)
_ALIASES: Final[Mapping[str, str]] = {
    "c": "config",
    "d": "data-dir",
    "i": "node-ip",
    "l": "log",
    "o": "write-kubeconfig",
    "s": "server",
    "t": "token",
}
# Arguments of the API server that k3k, or the wiring of k3s, depends on.
_APISERVER_OWNED: Final[Mapping[str, str]] = {
    "token-auth-file": "it holds the identities of the probes",
    "service-cluster-ip-range": "use `k3s.service_cidr`",
    "advertise-address": _ADDRESS,
    "advertise-port": _ADDRESS,
    "bind-address": "k3s binds it to the loopback address",
    "secure-port": "k3s chooses it",
    "etcd-servers": "use `datastore`",
    "client-ca-file": "it must be the CA that k3k made",
    "tls-cert-file": "it must be from the CA that k3k made",
    "tls-private-key-file": "it must be from the CA that k3k made",
    "service-account-key-file": "it must be the key that k3k made",
    "service-account-signing-key-file": "it must be the key that k3k made",
}
_TLS_VERSIONS: Final = ("VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13")


def flag_name(argument: str) -> str:
    """Name of the flag in an argument, without dashes and value.

    Args:
        argument: e.g. "--vmodule=raft=4".
    """
    name = argument.split("=", 1)[0].lstrip("-")
    return _ALIASES.get(name, name)


def extra_arg(text: str) -> str:
    """One more flag for `k3s server`: `--flag` or `--flag=value`.

    Args:
        text: the flag. Its value is never repeated, for it may be a secret.

    Raises:
        RefusedError: it is no flag, or not one that may be set here.
    """
    head, equals, value = text.partition("=")
    name = flag_name(text)
    if not re.fullmatch(r"--?[a-z][-a-z0-9]*", head):
        bare = re.match(r"-*([a-z][-a-z0-9]*)", head)
        hint = "write `--flag` or `--flag=value`, each as an entry of its own"
        if bare and bare[1] in KNOWN and bare.end() == len(head):
            hint = f"write `--{bare[1]}=VALUE`"
        raise RefusedError("is not one flag of `k3s server`", hint)
    if name not in _FREE:
        raise _refusal(name)
    if name in _SWITCHES and equals and value not in {"true", "false"}:
        raise RefusedError(f"`--{name}` is a switch", f"write `--{name}`, or `--{name}=false`")
    if name in _OPTIONS and not value:
        raise RefusedError(f"`--{name}` needs a value", f"write `--{name}=VALUE`")
    if name in _VALUE_CHECKS:
        _VALUE_CHECKS[name](value)
    return text


def _refusal(name: str) -> RefusedError:
    """Why a flag may not be set."""
    if name in _OWNED:
        return RefusedError(f"`--{name}` is set by k3k", f"use `{_OWNED[name]}`")
    if name in _EMBEDDED_ETCD:
        reason = "the etcd inside k3s does not survive a pod that changes its address"
        return RefusedError(f"`--{name}` cannot be used here: {reason}", "use `datastore.kind: etcd`")
    if name in _AGENT:
        reason = "there is no agent in this pod"
        return RefusedError(
            f"`--{name}` cannot be used here: {reason}", "give it to `k3s agent` on the nodes"
        )
    if name in _HARMFUL:
        return RefusedError(f"`--{name}` cannot be used here: {_HARMFUL[name]}", "take it out")
    what = f"`--{name}`" if len(name) <= 40 else "this"
    return RefusedError(f"{what} is not a flag of `k3s server`", _did_you_mean(name))


def _did_you_mean(name: str) -> str:
    close = difflib.get_close_matches(name, sorted(_FREE | _OWNED.keys()), n=1, cutoff=0.7)
    if not close:
        return "`k3s server --help` lists the flags"
    owner = _OWNED.get(close[0])
    return f"did you mean `--{close[0]}`? Then use `{owner}`" if owner else f"did you mean `--{close[0]}`?"


def _check_apiserver_argument(value: str) -> None:
    _check_component_argument(value)
    name, _, setting = value.lstrip("-").partition("=")
    name = name.rstrip("+-")
    if name in _APISERVER_OWNED:
        raise RefusedError(
            f"the API server's `{name}` cannot be changed: {_APISERVER_OWNED[name]}", "take it out"
        )
    if name == "tls-min-version" and setting not in _TLS_VERSIONS:
        raise RefusedError("k3s knows no such `tls-min-version`", f"use one of {', '.join(_TLS_VERSIONS)}")


def _check_component_argument(value: str) -> None:
    if not re.match(r"(--)?[a-z][-a-z0-9]*[-+]?=", value):
        raise RefusedError(
            "the argument for the component is not understood", "write `KEY=VALUE` after the first `=`"
        )


def _check_port_range(value: str) -> None:
    match = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", value)
    if match is None or not 0 < int(match[1]) <= int(match[2]) <= 65535:
        raise RefusedError("is not a range of ports", "write e.g. `--service-node-port-range=30000-32767`")


def _check_encryption(value: str) -> None:
    if value not in {"aescbc", "secretbox"}:
        raise RefusedError("k3s knows no such provider", "use `aescbc` or `secretbox`")


def _check_node_name(value: str) -> None:
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", value):
        raise RefusedError(
            f"{shown(value)} cannot be the name of a node", "use lower-case letters, digits and `-`"
        )


_VALUE_CHECKS: Final[Mapping[str, Callable[[str], None]]] = {
    "kube-apiserver-arg": _check_apiserver_argument,
    "kube-cloud-controller-manager-arg": _check_component_argument,
    "kube-controller-manager-arg": _check_component_argument,
    "kube-scheduler-arg": _check_component_argument,
    "helm-controller-arg": _check_component_argument,
    "node-name": _check_node_name,
    "secrets-encryption-provider": _check_encryption,
    "service-node-port-range": _check_port_range,
}
