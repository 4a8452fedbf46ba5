"""Certificate authorities, certificates, kubeconfigs and tokens of a control plane.

Importing this costs nothing: `cryptography` is loaded when a key or certificate is first made or read.
"""

from __future__ import annotations

from k3k_core.pki.etcd import EtcdPki, new_etcd_pki
from k3k_core.pki.issue import (
    ADMIN_LIFETIME,
    CA_LIFETIME,
    certificate_expiry,
    issue_admin_certificate,
    issue_client_certificate,
    issue_server_certificate,
    new_authority,
    new_pki,
)
from k3k_core.pki.kubeconfig import kubeconfig, kubeconfig_expiry
from k3k_core.pki.model import Authority, ControlPlanePki, Leaf
from k3k_core.pki.tokens import Tokens, new_tokens

__all__ = [
    "ADMIN_LIFETIME",
    "CA_LIFETIME",
    "Authority",
    "ControlPlanePki",
    "EtcdPki",
    "Leaf",
    "Tokens",
    "certificate_expiry",
    "issue_admin_certificate",
    "issue_client_certificate",
    "issue_server_certificate",
    "kubeconfig",
    "kubeconfig_expiry",
    "new_authority",
    "new_etcd_pki",
    "new_pki",
    "new_tokens",
]
