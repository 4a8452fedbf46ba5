"""Every certificate of a control plane with its end: those in Secrets, and those that servers show and use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from k3k_core import manifests
from k3k_core.concurrency import together
from k3k_core.errors import K3kError, NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.supervisor import bearer, open_supervisor, running_servers
from k3k_core.names import LABEL_CONTROL_PLANE, TYPE_ROOT, ControlPlaneId
from k3k_core.pki import Tokens, certificate_expiry, kubeconfig_expiry
from k3k_core.pki.bundles import certificates_of
from k3k_core.resources import SECRET

CertificateKind = Literal["authority", "etcd", "kubeconfig", "server"]

# k3s makes leaves anew at a start in so many last days of their life (90 before May 2025).
RENEWAL_WINDOW = timedelta(days=120)
_EXPIRATION = re.compile(
    r"^k3s_certificate_expiration_seconds\{(?P<labels>[^}]*)\}\s+(?P<left>[-+0-9.eE]+)\s*$", re.MULTILINE
)
_SUBJECT = re.compile(r'subject="((?:[^"\\]|\\.)*)"')
_AUTHORITY_USAGE = 'usages="CertSign'


@dataclass(frozen=True, slots=True)
class CertificateEnd:
    """One certificate.

    Attributes:
        id: the control plane.
        name: what it is.
        holder: where it is: "Secret/NAME" or "Pod/NAME".
        kind: what it is for.
        expires_at: when it ends (UTC).
    """

    id: ControlPlaneId
    name: str
    holder: str
    kind: CertificateKind
    expires_at: datetime

    @property
    def renewed_by(self) -> str:
        """The command that makes it anew, without the program's name."""
        where = f"{self.id.name} -n {self.id.namespace}"
        return f"rotate {'ca' if self.kind == 'authority' else 'certificates'} {where}"

    def to_dict(self, now: datetime) -> dict[str, Any]:
        """Return the stable machine-readable form."""
        return {
            "namespace": self.id.namespace,
            "controlPlane": self.id.name,
            "name": self.name,
            "holder": self.holder,
            "kind": self.kind,
            "expiresAt": f"{self.expires_at:%Y-%m-%dT%H:%M:%SZ}",
            "secondsLeft": int((self.expires_at - now).total_seconds()),
            "renewedBy": f"k3k {self.renewed_by}",
        }


def stored_ends(identity: ControlPlaneId, secrets: Iterable[Mapping[str, Any]]) -> list[CertificateEnd]:
    """Return the certificates in the Secrets of a control plane; damaged ones are left out.

    Args:
        identity: the control plane.
        secrets: its Secrets, others are not looked at.
    """
    found: list[CertificateEnd] = []
    for secret in secrets:
        name = secret["metadata"]["name"]
        if name not in {identity.pki, identity.etcd_pki, identity.kubeconfig}:
            continue
        try:
            data = manifests.secret_data(secret)
        except K3kError:
            continue
        for key, text in sorted(data.items()):
            found += _ends_in(identity, name, key, text)
    return found


def _ends_in(identity: ControlPlaneId, secret: str, key: str, text: str) -> list[CertificateEnd]:
    holder = f"Secret/{secret}"
    if secret == identity.kubeconfig:
        ends = kubeconfig_expiry(text)
        return [CertificateEnd(identity, "admin kubeconfig", holder, "kubeconfig", ends)] if ends else []
    if not key.endswith(".crt"):
        return []
    stem = key.removesuffix(".crt")
    if secret == identity.etcd_pki:
        if stem in {"ca", "peer-ca"}:
            # The same as in the Secret of authorities.
            return []
        return _named(identity, f"etcd {stem}", holder, "etcd", text)[:1]
    return _named(identity, stem, holder, "authority", text)


def _named(
    identity: ControlPlaneId, name: str, holder: str, kind: CertificateKind, pem: str
) -> list[CertificateEnd]:
    ends = []
    for text in certificates_of(pem):
        try:
            ends.append(certificate_expiry(text))
        except K3kError:
            continue
    several = kind == "authority" and len(ends) > 1
    return [
        CertificateEnd(identity, f"{name} {number}" if several else name, holder, kind, end)
        for number, end in enumerate(ends, 1)
    ]


async def certificate_ends(
    host: HostApi, identity: ControlPlaneId, *, servers: bool = True, now: datetime
) -> tuple[list[CertificateEnd], list[str]]:
    """Return the certificates of a control plane, those that end first before others.

    Args:
        host: an open host.
        identity: the control plane.
        servers: whether its servers are asked for theirs, too.
        now: current time (UTC).

    Returns:
        The certificates, and why a server did not tell of its own.

    Raises:
        NotFoundError: it does not exist.
    """
    labels = f"{LABEL_CONTROL_PLANE}={identity.name}"
    listing = await host.list(SECRET, identity.namespace, labels=labels)
    if all(item["metadata"]["name"] != identity.root for item in listing.items):
        raise NotFoundError(
            f"control plane {identity} does not exist on host {host.name}, or was not made by k3k",
            hint="`k3k list` shows what there is.",
        )
    found = stored_ends(identity, listing.items)
    silent: list[str] = []
    if servers:
        asked, silent = await _server_ends(host, identity, listing.items, now)
        found += asked
    return in_order(found), silent


async def stored_ends_of_all(host: HostApi, namespace: str | None) -> list[CertificateEnd]:
    """Return the certificates in the Secrets of all control planes that k3k made.

    Args:
        host: an open host.
        namespace: only this namespace; None for all.
    """
    listing = await host.list(SECRET, namespace, labels=LABEL_CONTROL_PLANE, project=_without_keys)
    roots = {
        ControlPlaneId(item["metadata"]["namespace"], item["metadata"]["labels"][LABEL_CONTROL_PLANE])
        for item in listing.items
        if item.get("type") == TYPE_ROOT
    }
    by_namespace: dict[str, list[Mapping[str, Any]]] = {}
    for item in listing.items:
        by_namespace.setdefault(item["metadata"]["namespace"], []).append(item)
    return in_order(
        end for identity in roots for end in stored_ends(identity, by_namespace[identity.namespace])
    )


def in_order(ends: Iterable[CertificateEnd]) -> list[CertificateEnd]:
    """Return certificates by their end, then by control plane and name."""
    return sorted(ends, key=lambda each: (each.expires_at, str(each.id), each.holder, each.name))


def _without_keys(item: dict[str, Any]) -> dict[str, Any]:
    """Keep certificates and kubeconfigs alone: of a large fleet no authority's key is held in memory."""
    name = str(item["metadata"].get("name", ""))
    data = item.get("data") or {}
    wanted = name.endswith("-kubeconfig")
    kept = {key: text for key, text in data.items() if key.endswith(".crt") or wanted}
    metadata = {key: item["metadata"].get(key) for key in ("name", "namespace", "labels")}
    return {"metadata": metadata, "type": item.get("type", ""), "data": kept}


async def _server_ends(
    host: HostApi, identity: ControlPlaneId, secrets: Iterable[Mapping[str, Any]], now: datetime
) -> tuple[list[CertificateEnd], list[str]]:
    by_name = {item["metadata"]["name"]: item for item in secrets}
    try:
        tokens = Tokens.from_secret_data(manifests.secret_data(by_name[identity.tokens]))
        authority = manifests.secret_data(by_name[identity.pki])["server-ca.crt"]
    except (K3kError, KeyError):
        return [], ["its authorities or tokens are missing, so its servers cannot be asked"]
    pods = [str(pod["metadata"]["name"]) for pod in await running_servers(host, identity)]
    if not pods:
        return [], ["no server runs, so none can be asked"]
    asked = await together(
        *(server_certificates(host, identity, pod, authority, tokens.monitor, now) for pod in pods)
    )
    return [end for ends, _ in asked for end in ends], [why for _, why in asked if why]


async def server_certificates(
    host: HostApi, identity: ControlPlaneId, pod: str, authority: str, monitor: str, now: datetime
) -> tuple[list[CertificateEnd], str]:
    """Return what one server shows and uses: the certificate of its listener, and its leaves.

    k3s tells of its leaves at `/metrics` since v1.30 (`k3s_certificate_expiration_seconds`).

    Args:
        host: an open host.
        identity: the control plane.
        pod: name of the server.
        authority: what it is verified by (PEM).
        monitor: token that may read metrics (secret).
        now: current time (UTC).

    Returns:
        The certificates, and why there are none; empty when there are.
    """
    try:
        async with open_supervisor(host, identity, pod=pod, authority_pem=authority) as supervisor:
            shown = await supervisor.shown_until()
            page = await supervisor.ask("GET", "/metrics", authorization=bearer(monitor))
    except K3kError as error:
        return [], f"server {pod} was not asked: {error.message}"
    holder = f"Pod/{pod}"
    ends = [CertificateEnd(identity, "serving certificate", holder, "server", shown)] if shown else []
    if page.status != 200:
        return ends, f"server {pod} answers {page.status} when it is asked for its certificates"
    return ends + [
        CertificateEnd(identity, subject, holder, "server", end)
        for subject, end in leaves_on_page(page.text, now)
    ], ""


def leaves_on_page(page: str, now: datetime) -> list[tuple[str, datetime]]:
    """Return subject and end of the leaves on a metrics page of k3s; authorities are left out.

    Args:
        page: the page.
        now: when it was read.
    """
    found = []
    for match in _EXPIRATION.finditer(page):
        labels, subject = match["labels"], _SUBJECT.search(match["labels"])
        if subject is None or _AUTHORITY_USAGE in labels:
            continue
        found.append((subject[1], now + timedelta(seconds=float(match["left"]))))
    return found
