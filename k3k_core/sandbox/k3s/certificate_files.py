"""The certificates of a simulated server: authorities as they are, leaves as k3s makes them when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from k3k_core.sandbox.fault_catalogue import argument_of, name_of

if TYPE_CHECKING:
    from k3k_core.sandbox.fault_board import Spells

LIFETIME = timedelta(days=365)
_YESTERDAY = timedelta(days=1)
_MOMENT = timedelta(seconds=2)
_EXPIRING = "certificates-expiring"
_FILES_EXPIRED, _SERVING_EXPIRED = "certificate-expired", "serving-certificate-expired"
_AUTHORITIES_EXPIRING = "authorities-expiring"
# Subjects of the files below server/tls, as k3s names them (pkg/daemons/control/deps).
_LEAVES = (
    ("CN=system:admin,O=system:masters", "ClientAuth"),
    ("CN=system:k3s-supervisor,O=system:masters", "ClientAuth"),
    ("CN=system:apiserver,O=system:masters", "ClientAuth"),
    ("CN=system:kube-controller-manager", "ClientAuth"),
    ("CN=system:kube-scheduler", "ClientAuth"),
    ("CN=k3s-cloud-controller-manager", "ClientAuth"),
    ("CN=system:auth-proxy", "ClientAuth"),
    ("CN=system:kube-proxy", "ClientAuth"),
    ("CN=system:k3s-controller", "ClientAuth"),
    ("CN=kube-apiserver", "ServerAuth"),
    ("CN=kube-scheduler", "ServerAuth"),
    ("CN=kube-controller-manager", "ServerAuth"),
)
_AUTHORITIES = ("client-ca.crt", "server-ca.crt", "request-header-ca.crt")


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """One certificate.

    Attributes:
        subject: as Go writes it.
        usages: as k3s writes them.
        ends_at: when it ends, without faults.
        renewed: whether it is a leaf, which faults change.
    """

    subject: str
    usages: str
    ends_at: datetime
    renewed: bool = True

    def ends(self, spells: Spells, at: datetime) -> datetime:
        """Return when it ends.

        Args:
            spells: when the server had which fault.
            at: the current time.
        """
        shortened = _file_ends(spells, at) if self.renewed else _end(spells, at, _AUTHORITIES_EXPIRING)
        return self.ends_at if shortened is None else min(shortened, self.ends_at)


def _file_ends(spells: Spells, at: datetime) -> datetime | None:
    """Return when a fault lets the leaves below `server/tls` end, None without such a fault."""
    expired = spells.since(_FILES_EXPIRED, at.timestamp())
    if expired is not None:
        return datetime.fromtimestamp(expired, at.tzinfo) - _YESTERDAY
    return _end(spells, at, _EXPIRING)


def serving_ends(spells: Spells, at: datetime) -> datetime | None:
    """Return when a fault lets the certificate of the listener end, None without such a fault.

    Args:
        spells: when the server had which fault.
        at: the current time.
    """
    expired = spells.since(_SERVING_EXPIRED, at.timestamp())
    if expired is not None:
        # Not a day ago, for it must not end before its authority began.
        return datetime.fromtimestamp(expired, at.tzinfo) - _MOMENT
    return _end(spells, at, _EXPIRING)


def _end(spells: Spells, at: datetime, name: str) -> datetime | None:
    """Return when the certificates end that a fault gives some more days."""
    ends = [
        datetime.fromtimestamp(since, at.tzinfo) + timedelta(days=float(argument_of([fault], name) or 0))
        for fault in spells.seen()
        if name_of(fault) == name and (since := spells.since(fault, at.timestamp())) is not None
    ]
    return min(ends, default=None)


def certificate_files(files: Mapping[str, str], started: datetime) -> tuple[CertificateFile, ...]:
    """Return the certificates of a server that has just started.

    Args:
        files: PEM texts by the names k3s gives them below `server/tls`.
        started: the current time.
    """
    leaves = (CertificateFile(subject, usages, started + LIFETIME) for subject, usages in _LEAVES)
    authorities = (_authority(files[name]) for name in _AUTHORITIES if files.get(name))
    return (*leaves, *authorities)


def _authority(pem: str) -> CertificateFile:
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(pem.encode())
    return CertificateFile(
        certificate.subject.rfc4514_string(), "CertSign", certificate.not_valid_after_utc, renewed=False
    )
