"""Kubeconfigs for a control plane, made from its authorities and its address."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import yaml

from k3k_core.discovery.addresses import url
from k3k_core.manifests import Address
from k3k_core.names import ControlPlaneId
from k3k_core.pki import (
    ADMIN_LIFETIME,
    ControlPlanePki,
    Leaf,
    issue_admin_certificate,
    kubeconfig,
    kubeconfig_expiry,
)

# A kubeconfig nearer to its end than this is made anew by the next create.
RENEW_BEFORE = timedelta(days=30)


def admin_kubeconfig(
    identity: ControlPlaneId,
    pki: ControlPlanePki,
    address: Address,
    *,
    now: datetime,
    lifetime: timedelta = ADMIN_LIFETIME,
) -> str:
    """Return a kubeconfig with full rights over a control plane.

    Args:
        identity: the control plane.
        pki: its authorities.
        address: where its API is.
        now: current time (UTC).
        lifetime: how long the client certificate in it is good for.
    """
    leaf = issue_admin_certificate(pki, now=now, lifetime=lifetime)
    return compose_kubeconfig(identity, pki, url(address.host, address.port), leaf, user="admin")


def compose_kubeconfig(
    identity: ControlPlaneId, pki: ControlPlanePki, server: str, leaf: Leaf, *, user: str
) -> str:
    """Return a kubeconfig for a client certificate; its context bears the control plane's name.

    Args:
        identity: the control plane.
        pki: its authorities.
        server: URL of its API.
        leaf: the client certificate.
        user: name of the user.
    """
    return kubeconfig(
        cluster_name=identity.name,
        server=server,
        ca_pem=pki.server_ca.cert_pem,
        leaf=leaf,
        user_name=f"{user}@{identity.name}",
        context_name=identity.name,
    )


def still_good(document: str, address: Address, pki: ControlPlanePki, now: datetime) -> bool:
    """Tell whether a stored admin kubeconfig can stay: right address, right authority, far from its end."""
    expires_at = kubeconfig_expiry(document)
    if expires_at is None or expires_at - now <= RENEW_BEFORE:
        return False
    try:
        cluster: Mapping[str, Any] = yaml.safe_load(document)["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"], validate=True).decode()
        same_server = cluster["server"] == url(address.host, address.port)
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError):
        return False
    return same_server and authority.strip() == pki.server_ca.cert_pem.strip()
