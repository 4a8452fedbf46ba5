"""Authorities as bundles: PEM texts of several certificates, as k3s takes them while authorities are exchanged.

The first certificate signs; the others lead to every root that is still trusted, and those are the ones that name
themselves as their issuer.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from k3k_core.errors import K3kError

if TYPE_CHECKING:
    from cryptography import x509

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----\n?", re.DOTALL)


def certificates_of(pem: str) -> tuple[str, ...]:
    """Return the certificates of a bundle, one PEM text each.

    Args:
        pem: the bundle.
    """
    return tuple(_ended(text) for text in _CERTIFICATE.findall(pem))


def keys_of(pem: str) -> tuple[str, ...]:
    """Return the private keys of a PEM text, one text each; the first belongs to the first certificate.

    Args:
        pem: the keys (secret).
    """
    return tuple(_ended(text) for text in _KEY.findall(pem))


def roots_of(pem: str) -> tuple[str, ...]:
    """Return the self-signed certificates of a bundle: what is trusted in the end.

    Args:
        pem: the bundle.
    """
    return tuple(text for text in certificates_of(pem) if _is_root(_loaded(text)))


def chain_of(pem: str) -> str:
    """Return what a server or a client shows after its own certificate, so that every trusted root is reached.

    Args:
        pem: the bundle of the authority that signed it; of a self-signed authority alone, nothing is shown.
    """
    return "".join(text for text in certificates_of(pem) if not _is_root(_loaded(text)))


def authority_hash(pem: str) -> str:
    """Return the hash of an authority as it stands in a join token (`K10<hash>::...`).

    Of a single certificate k3s takes the bytes of the file; of a bundle the DER bytes of the root that the first
    certificate leads to, so that it stays while the authorities below that root are exchanged
    (`hashCA`, https://github.com/k3s-io/k3s/blob/main/pkg/clientaccess/token.go).

    Args:
        pem: the file that k3s answers with at `/cacerts`.
    """
    from cryptography.hazmat.primitives import serialization

    found = [_loaded(text) for text in certificates_of(pem)]
    if len(found) < 2:
        return hashlib.sha256(pem.encode()).hexdigest()
    root = _root_above(found[0], found[1:])
    raw = root.public_bytes(serialization.Encoding.DER) if root is not None else pem.encode()
    return hashlib.sha256(raw).hexdigest()


def join_token(authority_pem: str, credentials: str) -> str:
    """Return a token in its full form, which lets an agent check whom it joins (secret).

    Args:
        authority_pem: the file that k3s answers with at `/cacerts`.
        credentials: `node:PASSWORD`, `server:PASSWORD` or `ID.SECRET`.
    """
    return f"K10{authority_hash(authority_pem)}::{credentials}"


def _root_above(
    certificate: x509.Certificate, others: list[x509.Certificate], depth: int = 8
) -> x509.Certificate | None:
    """Roots first, then what lies between, as k3s looks for the way up."""
    signers = [each for each in others if each.subject == certificate.issuer and _signed(certificate, each)]
    if root := next((each for each in signers if _is_root(each)), None):
        return root
    if depth == 0:
        return None
    above = (_root_above(each, others, depth - 1) for each in signers)
    return next((root for root in above if root is not None), None)


def _signed(certificate: x509.Certificate, signer: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(signer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _is_root(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer and _signed(certificate, certificate)


def _loaded(pem: str) -> x509.Certificate:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise K3kError(
            "A stored certificate is damaged: it cannot be read.",
            hint="Restore the Secret that holds it from a backup.",
        ) from None


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"
