"""Certificates of a dedicated etcd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from k3k_core.errors import K3kError
from k3k_core.pki.issue import certificate_expiry, issue_client_certificate, issue_server_certificate
from k3k_core.pki.model import ControlPlanePki, Leaf

_LEAVES = ("server", "peer", "client")


@dataclass(frozen=True, slots=True)
class EtcdPki:
    """What the members of an etcd cluster and their client need.

    Attributes:
        ca_pem: certificate of the authority behind `server` and `client`.
        peer_ca_pem: certificate of the authority behind `peer`.
        server: what members show to clients.
        peer: what members show to each other.
        client: what k3s shows to etcd.
    """

    ca_pem: str
    peer_ca_pem: str
    server: Leaf = field(repr=False)
    peer: Leaf = field(repr=False)
    client: Leaf = field(repr=False)

    def to_secret_data(self) -> dict[str, str]:
        """Return file names and contents as the etcd PKI Secret holds them (not yet base64)."""
        data = {"ca.crt": self.ca_pem, "peer-ca.crt": self.peer_ca_pem}
        for name in _LEAVES:
            leaf: Leaf = getattr(self, name)
            data |= {f"{name}.crt": leaf.cert_pem, f"{name}.key": leaf.key_pem}
        return data

    @classmethod
    def from_secret_data(cls, data: Mapping[str, str]) -> EtcdPki:
        """Read back what `to_secret_data` wrote.

        Args:
            data: decoded contents of the etcd PKI Secret by file name.

        Raises:
            K3kError: a file is missing; the message names it.
        """
        wanted = ["ca.crt", "peer-ca.crt", *(f"{name}.{end}" for name in _LEAVES for end in ("crt", "key"))]
        if missing := [name for name in wanted if not data.get(name)]:
            raise K3kError(
                f"The etcd PKI Secret lacks {', '.join(missing)}.",
                hint="Delete the Secret and run the same command again; it is made anew.",
            )
        leaves = {name: Leaf(data[f"{name}.crt"], data[f"{name}.key"]) for name in _LEAVES}
        return cls(ca_pem=data["ca.crt"], peer_ca_pem=data["peer-ca.crt"], **leaves)


def new_etcd_pki(pki: ControlPlanePki, *, dns_names: Sequence[str], now: datetime) -> EtcdPki:
    """Issue the certificates of a dedicated etcd.

    They live as long as their authorities: nothing inside a pod renews them, and an etcd whose certificates
    end takes the control plane down with it.

    Args:
        pki: the control plane's authorities.
        dns_names: names of the members and of the Service in front of them. A member looks these up to check
        that a
            peer connects from where its certificate says, so every certificate holds all of them.
        now: current time (UTC).
    """

    def member(name: str) -> Leaf:
        authority = pki.etcd_server_ca if name == "server" else pki.etcd_peer_ca
        return issue_server_certificate(
            authority,
            common_name=f"etcd-{name}",
            dns_names=[*dns_names, "localhost"],
            ip_addresses=("127.0.0.1", "::1"),
            not_before=now,
            lifetime=certificate_expiry(authority.cert_pem) - now,
            client_auth=True,
        )

    return EtcdPki(
        ca_pem=pki.etcd_server_ca.cert_pem,
        peer_ca_pem=pki.etcd_peer_ca.cert_pem,
        server=member("server"),
        peer=member("peer"),
        client=issue_client_certificate(
            pki.etcd_server_ca,
            user="k3s",
            not_before=now,
            lifetime=certificate_expiry(pki.etcd_server_ca.cert_pem) - now,
        ),
    )
