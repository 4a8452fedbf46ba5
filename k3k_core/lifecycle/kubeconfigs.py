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
    certificate_expiry,
    issue_admin_certificate,
    kubeconfig,
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
    try:
        parsed: Mapping[str, Any] = yaml.safe_load(document)
        cluster, user = parsed["clusters"][0]["cluster"], parsed["users"][0]["user"]
        certificate, authority = (
            _pem(user["client-certificate-data"]),
            _pem(cluster["certificate-authority-data"]),
        )
        return (
            cluster["server"] == url(address.host, address.port)
            and authority.strip() == pki.server_ca.cert_pem.strip()
            and certificate_expiry(certificate) - now > RENEW_BEFORE
        )
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError):
        return False


def client_certificate_expiry(document: str) -> datetime | None:
    """Return the end of the client certificate in a kubeconfig; None when it holds none that can be read."""
    try:
        parsed: Mapping[str, Any] = yaml.safe_load(document)
        return certificate_expiry(_pem(parsed["users"][0]["user"]["client-certificate-data"]))
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError):
        return None


def _pem(encoded: str) -> str:
    return base64.b64decode(encoded, validate=True).decode()
