"""An HTTP client for the cluster of a kubeconfig, as a program that knows nothing of k3k would have it."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml


def tls_of(kubeconfig: str, directory: Path) -> tuple[str, ssl.SSLContext]:
    """Return the server's URL and TLS settings with the client certificate.

    Args:
        kubeconfig: YAML text with embedded certificates.
        directory: for the certificate file that the ssl module needs.
    """
    parsed: dict[str, Any] = yaml.safe_load(kubeconfig)
    cluster = parsed["clusters"][0]["cluster"]
    user = parsed["users"][0]["user"]
    context = ssl.create_default_context(
        cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
    )
    path = directory / "client.pem"
    path.write_bytes(
        base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"])
    )
    context.load_cert_chain(path)
    return cluster["server"], context


@asynccontextmanager
async def kube_client(kubeconfig: str, directory: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client with the identity of a kubeconfig.

    Args:
        kubeconfig: YAML text with embedded certificates.
        directory: for the certificate file.
    """
    server, context = tls_of(kubeconfig, directory)
    async with httpx.AsyncClient(base_url=server, verify=context, timeout=30) as client:
        yield client
