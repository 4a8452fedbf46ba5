"""The flags of `k3s server` that `k3s.extra_args` may carry, and why it may not carry the others."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Final

from k3k_core.values.refusal import RefusedError

EXTRA_ARG_PATTERN: Final = r"^--?[a-z][-a-z0-9]*(=(.|\n)*)?$"

# k3s.md section 1, `k3s server --help` of 1.36 and of older versions still supported.
_FREE: Final = frozenset(
    """
    alsologtostderr default-local-storage-path disable-default-registry-endpoint disable-scheduler embedded-registry
    enable-pprof flannel-external-ip flannel-ipv6-masq helm-controller-arg helm-job-image kine-tls
    kube-apiserver-arg kube-cloud-controller-manager-arg kube-controller-manager-arg kube-scheduler-arg node-name
    secrets-encryption secrets-encryption-provider service-node-port-range servicelb-namespace supervisor-metrics
    system-default-registry tls-san-security vmodule
    """.split()
)
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
_EMBEDDED_ETCD = "the etcd inside k3s breaks when a pod's address changes; use `datastore.kind: etcd`"
_ADDRESS = "k3k sets it from the address of the Service"
_AGENT = "there is no agent in this pod; give it to `k3s agent` on the nodes"
_FILES = "the pod's file system is set up by k3k"
# Would break the pod or do nothing in it: flag -> reason.
_REFUSED: Final[Mapping[str, str]] = {
    "advertise-address": _ADDRESS,
    "advertise-port": _ADDRESS,
    "apiserver-bind-address": "the probes and the Service expect the API on port 6443",
    "apiserver-port": "the probes and the Service expect the API on port 6443",
    "bind-address": "the probes and the Service expect the API on every address of the pod",
    "https-listen-port": "the probes and the Service expect the API on port 6443",
    "supervisor-port": "the probes and the Service expect the API on port 6443",
    "config": "k3k writes the configuration file",
    "disable-apiserver": "nothing would be left to reach",
    "disable-controller-manager": "namespaces could not be deleted and service accounts would get no tokens",
    "log": "the output would go to a file and not to the pod's log",
    "rootless": "the pod runs without root rights already, and this flag moves the files that k3k mounts",
    "write-kubeconfig-group": _FILES,
    "write-kubeconfig-name": "k3k makes the kubeconfig",
    **dict.fromkeys(
        """
        cluster-init cluster-reset cluster-reset-restore-path disable-etcd etcd-arg etcd-disable-snapshots
        etcd-expose-metrics etcd-s3 etcd-s3-access-key etcd-s3-bucket etcd-s3-bucket-lookup-type
        etcd-s3-config-secret etcd-s3-endpoint etcd-s3-endpoint-ca etcd-s3-folder etcd-s3-insecure etcd-s3-proxy
        etcd-s3-region etcd-s3-retention etcd-s3-secret-key etcd-s3-session-token etcd-s3-skip-ssl-verify
        etcd-s3-timeout etcd-snapshot-compress etcd-snapshot-dir etcd-snapshot-name
        etcd-snapshot-reconcile-interval etcd-snapshot-retention etcd-snapshot-schedule-cron server
        """.split(),
        _EMBEDDED_ETCD,
    ),
    **dict.fromkeys(
        """
        airgap-extra-registry container-runtime-endpoint default-runtime disable-selinux docker flannel-cni-conf
        flannel-conf flannel-iface image-credential-provider-bin-dir image-credential-provider-config
        image-service-endpoint kube-proxy-arg kubelet-arg lb-server-port no-flannel node-external-dns
        node-external-ip node-internal-dns node-ip node-label node-taint nonroot-devices pause-image
        prefer-bundled-bin private-registry protect-kernel-defaults resolv-conf selinux snapshotter vpn-auth
        vpn-auth-file with-node-id
        """.split(),
        _AGENT,
    ),
}
_ALIASES: Final = {
    "c": "config",
    "d": "data-dir",
    "i": "node-ip",
    "l": "log",
    "o": "write-kubeconfig",
    "s": "server",
    "t": "token",
}
# Switches: k3s takes no value or true/false.
_SWITCHES: Final = frozenset(
    """
    alsologtostderr disable-default-registry-endpoint disable-scheduler embedded-registry enable-pprof
    flannel-external-ip flannel-ipv6-masq kine-tls secrets-encryption supervisor-metrics tls-san-security
    """.split()
)
# Arguments of the API server that k3k or k3s' own wiring depends on.
_APISERVER_OWNED: Final = {
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
KNOWN: Final = frozenset(_FREE | _OWNED.keys() | _REFUSED.keys())


def flag_name(argument: str) -> str:
    """Name of the flag in an argument, without dashes and value."""
    name = argument.split("=", 1)[0].lstrip("-")
    return _ALIASES.get(name, name)


def extra_arg(text: str) -> str:
    """One more flag for `k3s server`: `--flag` or `--flag=value`. The value is never repeated: it may be a secret."""
    head, equals, value = text.partition("=")
    name = flag_name(text)
    if not re.fullmatch(r"--?[a-z][-a-z0-9]*", head):
        bare = re.match(r"-*([a-z][-a-z0-9]*)", head)
        hint = (
            f"write `--{bare[1]}=VALUE`" if bare and bare[1] in KNOWN else "write `--flag` or `--flag=value`"
        )
        raise RefusedError("is not a single flag of k3s server", hint)
    if name in _OWNED:
        raise RefusedError(f"`--{name}` is set by k3k", f"use `{_OWNED[name]}`")
    if name in _REFUSED:
        raise RefusedError(f"`--{name}` cannot be used here: {_REFUSED[name]}", "leave it out")
    if name not in _FREE:
        raise RefusedError(f"`--{name}` is not a flag of k3s server", _did_you_mean(name))
    if name in _SWITCHES:
        if equals and value not in {"true", "false"}:
            raise RefusedError(f"`--{name}` is a switch", f"write `--{name}`, or `--{name}=false`")
    elif not value:
        raise RefusedError(f"`--{name}` needs a value", f"write `--{name}=VALUE`")
    if name == "kube-apiserver-arg":
        _check_apiserver_argument(value)
    return text


def _check_apiserver_argument(value: str) -> None:
    argument = re.split(r"[-+]?=", value.lstrip("-"), maxsplit=1)[0]
    if "=" not in value:
        raise RefusedError(
            "the argument for the API server has no value", "write `--kube-apiserver-arg=KEY=VALUE`"
        )
    if argument in _APISERVER_OWNED:
        raise RefusedError(
            f"the API server's `{argument}` cannot be changed: {_APISERVER_OWNED[argument]}", "leave it out"
        )


def _did_you_mean(name: str) -> str:
    close = difflib.get_close_matches(name, sorted(KNOWN - _REFUSED.keys()), n=1, cutoff=0.7)
    if not close:
        return "`k3s server --help` lists the flags"
    owner = _OWNED.get(close[0])
    return f"did you mean `--{close[0]}`? Then use `{owner}`" if owner else f"did you mean `--{close[0]}`?"
