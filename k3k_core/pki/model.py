"""What a control plane's public key infrastructure consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from k3k_core.errors import K3kError


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority.

    Attributes:
        cert_pem: its self-signed certificate.
        key_pem: its private key (secret).
    """

    cert_pem: str
    key_pem: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate that signs nothing, with its key.

    Attributes:
        cert_pem: the certificate.
        key_pem: its private key (secret).
    """

    cert_pem: str
    key_pem: str = field(repr=False)


# Attribute of ControlPlanePki -> file name without suffix in the Secret. k3s itself keeps the etcd ones in
# `tls/etcd/server-ca.*`; a Secret has no directories, so the init container splits the prefix off again.
_AUTHORITIES = {
    "server_ca": "server-ca",
    "client_ca": "client-ca",
    "request_header_ca": "request-header-ca",
    "etcd_server_ca": "etcd-server-ca",
    "etcd_peer_ca": "etcd-peer-ca",
}
_SERVICE_KEY = "service.key"


@dataclass(frozen=True, slots=True)
class ControlPlanePki:
    """The authorities and the service-account key that k3s is given before its first start.

    k3s uses files that exist in `<data-dir>/server/tls` as they are.

    Attributes:
        server_ca: signs what the control plane shows to its clients.
        client_ca: signs the identities of its clients.
        request_header_ca: signs the aggregation layer's proxy client.
        etcd_server_ca: signs etcd's server and client certificates.
        etcd_peer_ca: signs etcd's peer certificates.
        service_key_pem: signs service-account tokens (secret).
    """

    server_ca: Authority
    client_ca: Authority
    request_header_ca: Authority
    etcd_server_ca: Authority
    etcd_peer_ca: Authority
    service_key_pem: str = field(repr=False)

    def to_secret_data(self) -> dict[str, str]:
        """Return file names and contents as the PKI Secret holds them (not yet base64)."""
        data: dict[str, str] = {}
        for attribute, stem in _AUTHORITIES.items():
            authority: Authority = getattr(self, attribute)
            data[f"{stem}.crt"] = authority.cert_pem
            data[f"{stem}.key"] = authority.key_pem
        data[_SERVICE_KEY] = self.service_key_pem
        return data

    @classmethod
    def from_secret_data(cls, data: Mapping[str, str]) -> ControlPlanePki:
        """Read back what `to_secret_data` wrote.

        Args:
            data: decoded contents of the PKI Secret by file name.

        Raises:
            K3kError: a file is missing; the message names it.
        """
        wanted = [f"{stem}.{suffix}" for stem in _AUTHORITIES.values() for suffix in ("crt", "key")]
        missing = [name for name in [*wanted, _SERVICE_KEY] if not data.get(name)]
        if missing:
            raise K3kError(
                f"The PKI Secret lacks {', '.join(missing)}.",
                hint="Restore the Secret from a backup; new authorities would lock everybody out.",
            )
        authorities = {
            attribute: Authority(data[f"{stem}.crt"], data[f"{stem}.key"])
            for attribute, stem in _AUTHORITIES.items()
        }
        return cls(service_key_pem=data[_SERVICE_KEY], **authorities)
