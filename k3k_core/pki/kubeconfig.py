"""Kubeconfig files."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from k3k_core.errors import K3kError
from k3k_core.pki.issue import certificate_expiry
from k3k_core.pki.model import Leaf


def kubeconfig(
    *,
    cluster_name: str,
    server: str,
    ca_pem: str,
    leaf: Leaf,
    user_name: str,
    context_name: str,
    namespace: str | None = None,
    tls_server_name: str | None = None,
) -> str:
    """Return a kubeconfig with everything embedded and TLS verified.

    Args:
        cluster_name: name of its cluster entry.
        server: URL of the API, e.g. "https://203.0.113.7:6443".
        ca_pem: what the server's certificate is verified against.
        leaf: the user's certificate and key.
        user_name: name of its user entry.
        context_name: name of its only, current context.
        namespace: namespace that commands act on by default.
        tls_server_name: name to expect in the server's certificate when `server` is not one of its names.

    Returns:
        YAML text (secret: it holds a private key).
    """
    import yaml

    cluster = {"server": server, "certificate-authority-data": _base64(ca_pem)}
    if tls_server_name:
        cluster["tls-server-name"] = tls_server_name
    context = {"cluster": cluster_name, "user": user_name}
    if namespace:
        context["namespace"] = namespace
    user = {"client-certificate-data": _base64(leaf.cert_pem), "client-key-data": _base64(leaf.key_pem)}
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster_name, "cluster": cluster}],
        "contexts": [{"name": context_name, "context": context}],
        "current-context": context_name,
        "users": [{"name": user_name, "user": user}],
    }
    return yaml.safe_dump(document, sort_keys=False)


def kubeconfig_expiry(document: str) -> datetime | None:
    """Return when the client certificate in a kubeconfig ends (UTC).

    Args:
        document: YAML text as `kubeconfig` returns it.

    Returns:
        None if there is no readable client certificate in it.
    """
    import yaml

    try:
        user = yaml.safe_load(document)["users"][0]["user"]
        return certificate_expiry(base64.b64decode(user["client-certificate-data"]).decode())
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError, K3kError):
        return None


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
