"""Exchanging the authorities in the datastore, with the checks that k3s makes (`k3s certificate rotate-ca`)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from k3k_core.pki.bundles import certificates_of, keys_of

if TYPE_CHECKING:
    from cryptography import x509

# Names of the bootstrap data -> files below `server/tls` (pkg/daemons/config/types.go, ControlRuntimeBootstrap).
_AUTHORITIES = {
    "ServerCA": "server-ca",
    "ClientCA": "client-ca",
    "RequestHeaderCA": "request-header-ca",
    "ETCDServerCA": "etcd/server-ca",
    "ETCDPeerCA": "etcd/peer-ca",
}


class RefusedError(Exception):
    """k3s would not take what was sent."""


def replaced_authorities(
    current: Mapping[str, str], sent: Mapping[str, Mapping[str, Any]], *, force: bool
) -> dict[str, str]:
    """Return the files that change when authorities are sent.

    Args:
        current: certificate files by name below `server/tls`.
        sent: bootstrap data: name -> `Content` in base64.
        force: whether to take them without checks.

    Raises:
        RefusedError: they are not fit.
    """
    changed: dict[str, str] = {}
    for name, stem in _AUTHORITIES.items():
        certificate, key = _content(sent, name), _content(sent, f"{name}Key")
        if not certificate:
            continue
        if not force:
            _check_chain(name, current.get(f"{stem}.crt", ""), certificate)
            _check_key(name, certificate, key)
        changed[f"{stem}.crt"], changed[f"{stem}.key"] = certificate, key
    return changed


def _content(sent: Mapping[str, Mapping[str, Any]], name: str) -> str:
    entry = sent.get(name)
    return base64.b64decode(entry["Content"]).decode() if entry else ""


def _loaded(pem: str) -> list[x509.Certificate]:
    from cryptography import x509

    return [x509.load_pem_x509_certificate(text.encode()) for text in certificates_of(pem)]


def _check_chain(name: str, old_pem: str, new_pem: str) -> None:
    """The new authority has to be trusted by whoever trusts the roots there are now."""
    old, new = _loaded(old_pem), _loaded(new_pem)
    if len(new) < 2:
        raise RefusedError(f"{name}: new CA bundle contains only a single certificate")
    # Two generations of one second have the same names: only the signature tells a root from one it signed.
    roots = [each for each in old if _signed(each, each)]
    between = [each for each in (*old, *new[1:]) if not _signed(each, each)]
    if not _reaches(new[0], roots, between, 8):
        raise RefusedError(f"{name}: new CA cert cannot be verified using old CA chain")


def _reaches(
    certificate: x509.Certificate,
    roots: Iterable[x509.Certificate],
    between: Iterable[x509.Certificate],
    depth: int,
) -> bool:
    if any(_signed(certificate, root) for root in roots):
        return True
    if depth == 0:
        return False
    return any(_signed(certificate, each) and _reaches(each, roots, between, depth - 1) for each in between)


def _signed(certificate: x509.Certificate, signer: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(signer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _check_key(name: str, certificate_pem: str, key_pem: str) -> None:
    from cryptography.hazmat.primitives import serialization

    first = next(iter(keys_of(key_pem)), "")
    try:
        key = serialization.load_pem_private_key(first.encode(), password=None)
    except ValueError:
        raise RefusedError(f"{name}Key: no usable key") from None
    if key.public_key() != _loaded(certificate_pem)[0].public_key():
        raise RefusedError(f"{name}Key: private key does not match public key")
