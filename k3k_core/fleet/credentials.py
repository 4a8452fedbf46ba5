"""What it takes to read a control plane's pages: its authority and an identity that may. Kept in memory alone."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from k3k_core.concurrency import together
from k3k_core.errors import K3kError
from k3k_core.host import Key
from k3k_core.names import API_PORT, ControlPlaneId
from k3k_core.nesting import nested_too_deeply
from k3k_core.pki import Tokens, certificate_expiry

_SERVER_CA = "server-ca.crt"


class SecretReader(Protocol):
    """Reads Secrets of a host."""

    async def secret(self, key: Key) -> dict[str, str]:
        """Return a Secret's contents, decoded.

        Args:
            key: which one.

        Raises:
            K3kError: it cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """How to be let in by a control plane, and how to know that it is the right one.

    Attributes:
        ca_pem: what its servers' certificates are verified against.
        tls_server_name: a name that they hold.
        token: bearer token of its monitoring identity (secret); empty for none.
        client_certificate: PEM; empty for none.
        client_key: its key, PEM (secret).
        authorities: expiry of the certificates in the host's Secrets, (name, seconds since 1970).
        server: host and port that a kubeconfig names; the host is empty without one.
    """

    ca_pem: str
    tls_server_name: str
    token: str = field(default="", repr=False)
    client_certificate: str = field(default="", repr=False)
    client_key: str = field(default="", repr=False)
    authorities: tuple[tuple[str, float], ...] = ()
    server: tuple[str, int] = ("", 0)


def secrets_of(identity: ControlPlaneId, *, made_by: str, datastore: str) -> tuple[Key, ...]:
    """Return the Secrets that `read_access` reads.

    Args:
        identity: the control plane.
        made_by: "k3k" or "helm".
        datastore: "etcd" for a dedicated etcd.
    """
    names = [identity.pki, identity.tokens] if made_by == "k3k" else [identity.kubeconfig]
    if made_by == "k3k" and datastore == "etcd":
        names.append(identity.etcd_pki)
    return tuple(Key(identity.namespace, name) for name in names)


async def read_access(
    host: SecretReader, identity: ControlPlaneId, *, made_by: str, datastore: str
) -> Access:
    """Read a control plane's credentials.

    Args:
        host: where they are.
        identity: the control plane.
        made_by: "k3k" or "helm".
        datastore: "etcd" for a dedicated etcd.

    Raises:
        K3kError: they cannot be read, or not be used.
    """
    if made_by != "k3k":
        secret = await host.secret(Key(identity.namespace, identity.kubeconfig))
        return access_of_kubeconfig(identity, secret)
    pki, tokens = await together(
        host.secret(Key(identity.namespace, identity.pki)),
        host.secret(Key(identity.namespace, identity.tokens)),
    )
    if not pki.get(_SERVER_CA):
        raise K3kError(
            f"Secret {identity.namespace}/{identity.pki} lacks {_SERVER_CA}, which its servers are known by.",
            hint="Restore the Secret from a backup.",
        )
    try:
        certificate_expiry(pki[_SERVER_CA])
    except K3kError:
        raise K3kError(
            f"Secret {identity.namespace}/{identity.pki} holds a {_SERVER_CA} that is no certificate.",
            hint="Restore the Secret from a backup.",
        ) from None
    etcd = await host.secret(Key(identity.namespace, identity.etcd_pki)) if datastore == "etcd" else {}
    return Access(
        ca_pem=pki[_SERVER_CA],
        # Every certificate that k3k asks k3s for holds it: see `manifests.tls_sans`.
        tls_server_name=f"{identity.service}.{identity.namespace}.svc",
        token=Tokens.from_secret_data(tokens).monitor,
        authorities=(*_expiries(pki), *_expiries(etcd, prefix="dedicated-etcd-")),
    )


def _expiries(secret: Mapping[str, str], *, prefix: str = "") -> tuple[tuple[str, float], ...]:
    found = []
    for name, text in sorted(secret.items()):
        if name.endswith(".crt"):
            try:
                ends = certificate_expiry(text).timestamp()
            except K3kError:
                # One that cannot be read says nothing of the others; the handshake tells what is wrong.
                continue
            found.append((prefix + name.removesuffix(".crt"), ends))
    return tuple(found)


def access_of_kubeconfig(identity: ControlPlaneId, secret: Mapping[str, str]) -> Access:
    """Return what a kubeconfig gives, of the first document in a Secret that is one.

    Files that it names are not read, and programs that it names are not run: it is not ours.

    Args:
        identity: the control plane.
        secret: contents of its kubeconfig Secret.

    Raises:
        K3kError: it holds nothing that can be used.
    """
    for text in secret.values():
        found = _access(text) if "clusters" in text else None
        if found is not None:
            return found
    raise K3kError(
        f"Secret {identity.namespace}/{identity.kubeconfig} holds no kubeconfig with an authority and a client "
        "certificate or token.",
        hint="Its metrics cannot be read without; the Helm release has to write one into it.",
    )


def _access(text: str) -> Access | None:
    import yaml

    try:
        if nested_too_deeply(text, loader=yaml.CSafeLoader):
            return None
        document = yaml.load(text, Loader=yaml.CSafeLoader)
        context = _named(document["contexts"], document["current-context"])["context"]
        cluster = _named(document["clusters"], context["cluster"])["cluster"]
        user = _named(document["users"], context["user"])["user"]
        server = urlsplit(str(cluster["server"]))
        access = Access(
            ca_pem=_decoded(cluster, "certificate-authority-data"),
            tls_server_name=str(cluster.get("tls-server-name") or server.hostname or ""),
            token=str(user.get("token") or ""),
            client_certificate=_decoded(user, "client-certificate-data"),
            client_key=_decoded(user, "client-key-data"),
            server=(server.hostname or "", server.port or API_PORT),
        )
    except (yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError):
        return None
    usable = access.ca_pem and (access.token or (access.client_certificate and access.client_key))
    return access if usable else None


def _named(entries: Any, name: object) -> Any:
    for entry in entries:
        if entry["name"] == name:
            return entry
    raise KeyError(name)


def _decoded(entry: Mapping[str, Any], key: str) -> str:
    try:
        return base64.b64decode(str(entry.get(key) or ""), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
