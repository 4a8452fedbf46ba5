"""Manifests for GitOps: the same objects a create applies, without a host."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, Literal

from k3k_core import manifests
from k3k_core.discovery.control_plane import format_time
from k3k_core.lifecycle.kubeconfigs import admin_kubeconfig
from k3k_core.manifests import Address, Blueprint
from k3k_core.names import ControlPlaneId, validate_name, validate_namespace
from k3k_core.pki import ControlPlanePki, EtcdPki, Tokens, new_etcd_pki, new_pki, new_tokens
from k3k_core.values import LoadedValues, Values

Secrets = Literal["inline", "omit"]


def render(
    identity: ControlPlaneId, values: LoadedValues, *, secrets: Secrets, now: datetime
) -> tuple[dict[str, Any], ...]:
    """Return every object of a control plane, in the order in which to apply them.

    The namespace comes first, unless it is one that every cluster has: that is nobody's to make, label or prune.
    Without a host there is no load balancer to ask: the address is the one in the values, or the Service's
    own name. Nothing has an owner, for whatever applies the manifests owns them.

    Args:
        identity: the control plane.
        values: checked values.
        secrets: "inline" generates authorities, tokens and the kubeconfig and includes them; "omit" leaves
            their Secrets out, and the end of a time to live, and gives the same output every time.
        now: current time (UTC), the start of every certificate.
    """
    validate_name(identity.name)
    validate_namespace(identity.namespace)
    wanted = values.values
    pki = new_pki(now)
    tokens = new_tokens(
        wanted.k3s.token, wanted.k3s.agent_token, datastore_endpoint=wanted.datastore.external.endpoint
    )
    if secrets == "omit":
        tokens = Tokens(server="", agent="", probe=derived_probe_token(identity), monitor="")
    address = expected_address(identity, values)
    blueprint = Blueprint(
        id=identity,
        values=wanted,
        pki=pki,
        tokens=tokens,
        admin_kubeconfig=admin_kubeconfig(identity, pki, address, now=now),
        address=address,
        etcd_pki=_etcd_pki(identity, wanted, pki, now),
        expires_at=_expires_at(wanted, now) if secrets == "inline" else None,
    )
    own = [] if _belongs_to_the_cluster(identity.namespace) else [manifests.namespace(identity)]
    rendered = (*own, *manifests.render(blueprint))
    if secrets == "inline":
        return rendered
    left_out = set(omitted(identity))
    return tuple(item for item in rendered if (item["kind"], item["metadata"]["name"]) not in left_out)


def _belongs_to_the_cluster(namespace: str) -> bool:
    return namespace == "default" or namespace.startswith("kube-")


def _expires_at(values: Values, now: datetime) -> str | None:
    lifetime = values.ttl_seconds
    return format_time(now + timedelta(seconds=lifetime)) if lifetime else None


def _etcd_pki(
    identity: ControlPlaneId, values: Values, pki: ControlPlanePki, now: datetime
) -> EtcdPki | None:
    if values.datastore.kind != "etcd":
        return None
    return new_etcd_pki(pki, dns_names=manifests.etcd_dns_names(identity), now=now)


def omitted(identity: ControlPlaneId) -> tuple[tuple[str, str], ...]:
    """Return (kind, name) of the objects that `--secrets omit` leaves to somebody else."""
    names = (identity.pki, identity.tokens, identity.kubeconfig, identity.etcd_pki)
    return tuple(("Secret", name) for name in names)


def derived_probe_token(identity: ControlPlaneId) -> str:
    """Return the probe token that manifests without secrets carry.

    The kubelet's probe header stands in the pod template, so it must be known when the rest is not. It opens
    `/readyz`, `/livez` and `/version` only; whoever provides the tokens Secret puts it into `identities.csv`.
    """
    return hashlib.sha256(f"k3k:probe:{identity}".encode()).hexdigest()[:32]


def expected_address(identity: ControlPlaneId, values: LoadedValues) -> Address:
    """Return where a control plane will be as far as its values tell."""
    balancer = values.values.loadbalancer
    if balancer.enabled and balancer.ip:
        return Address(balancer.ip)
    return Address(f"{identity.service}.{identity.namespace}.svc")
