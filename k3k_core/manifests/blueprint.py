"""Everything the manifests of one control plane are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from k3k_core.names import API_PORT, ControlPlaneId
from k3k_core.pki import ControlPlanePki, EtcdPki, Tokens

if TYPE_CHECKING:
    from k3k_core.values import Values

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Address:
    """Where the API of a control plane is reached.

    Attributes:
        host: IP address or host name.
        port: TCP port.
        aliases: other names and addresses that lead to the same API and belong into its certificate.
    """

    host: str
    port: int = API_PORT
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnerReference:
    """The root Secret as the owner of everything else.

    Attributes:
        name: its name.
        uid: its UID in the host.
    """

    name: str
    uid: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as objects carry it; deleting the owner in the foreground waits for its dependents."""
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "name": self.name,
            "uid": self.uid,
            "controller": False,
            "blockOwnerDeletion": True,
        }


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One control plane, completely.

    Attributes:
        id: its identity.
        values: what the user asked for.
        pki: its authorities.
        tokens: its tokens.
        admin_kubeconfig: kubeconfig of its administrator (YAML, secret).
        address: where its API is reached; None while that is not known.
        owner: the root Secret; None when the manifests are not to be owned, as in GitOps.
        revision: number of the revision.
        etcd_pki: certificates of a dedicated etcd; only with `datastore.kind: etcd`.
        datastore_files: which of ca.crt, tls.crt, tls.key the user's own datastore Secret holds.
        expires_at: end of its life (RFC 3339), if it has one.
    """

    id: ControlPlaneId
    values: Values
    pki: ControlPlanePki = field(repr=False)
    tokens: Tokens = field(repr=False)
    admin_kubeconfig: str = field(repr=False)
    address: Address | None = None
    owner: OwnerReference | None = None
    revision: int = 1
    etcd_pki: EtcdPki | None = field(default=None, repr=False)
    datastore_files: frozenset[str] = frozenset()
    expires_at: str | None = None
