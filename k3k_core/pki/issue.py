"""Making authorities and certificates.

Everything takes the time explicitly and is valid from a little before it, so that a machine whose clock is
behind accepts it at once. Certificates pass strict X.509 checks (RFC 5280): critical basicConstraints and
keyUsage, subject and authority key identifiers, random serial numbers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from k3k_core.errors import K3kError, UsageError
from k3k_core.pki.bundles import chain_of, keys_of
from k3k_core.pki.model import Authority, ControlPlanePki, Leaf

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLOCK_SKEW = timedelta(minutes=10)
CA_LIFETIME = timedelta(days=3650)
ADMIN_LIFETIME = timedelta(days=365)
SHORTEST_LIFETIME = timedelta(minutes=1)

# Upper bound of a common name and an organisation name (X.520, ub-common-name and ub-organization-name).
_LONGEST_NAME = 64
_SERVICE_KEY_BITS = 2048
_RESTORE = "Restore the Secret that holds it from a backup."


def new_pki(now: datetime) -> ControlPlanePki:
    """Make all authorities and the service-account key of a new control plane.

    The names are those k3s gives its own (`k3s-server-ca@<unix time>`). The service-account key is RSA, as
    k3s itself makes it; that is what this call spends its time on (some 15-130 ms of CPU).

    Args:
        now: the current time.
    """
    return ControlPlanePki(
        server_ca=new_authority("k3s-server-ca", now),
        client_ca=new_authority("k3s-client-ca", now),
        request_header_ca=new_authority("k3s-request-header-ca", now),
        etcd_server_ca=new_authority("etcd-server-ca", now),
        etcd_peer_ca=new_authority("etcd-peer-ca", now),
        service_key_pem=_new_service_key(),
    )


def new_authority(name: str, now: datetime, lifetime: timedelta = CA_LIFETIME) -> Authority:
    """Make a self-signed authority with an EC P-256 key.

    Args:
        name: its common name is this, "@" and the time in Unix seconds.
        now: the current time.
        lifetime: how long it lives.
    """
    return issue_authority(name, now, lifetime)


def issue_authority(
    name: str,
    now: datetime,
    lifetime: timedelta = CA_LIFETIME,
    *,
    signer: Authority | None = None,
    key_pem: str = "",
) -> Authority:
    """Make an authority that signs itself or is signed by another.

    Args:
        name: its common name is this, "@" and the time in Unix seconds.
        now: the current time.
        lifetime: how long it lives; no longer than what signs it.
        signer: a single certificate and its key; None for the authority itself.
        key_pem: its key (EC); empty for a new one.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    key = _loaded_key(key_pem) if key_pem else _new_key()
    subject = _subject(f"{name}@{int(now.timestamp())}")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuer, above, signing_key, end = subject, identifier, key, now + lifetime
    if signer is not None:
        certificate = _load_certificate(signer.cert_pem)
        issuer, signing_key = certificate.subject, _loaded_key(signer.key_pem)
        above = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        end = min(end, certificate.not_valid_after_utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False)
        .sign(signing_key, hashes.SHA256())
    )
    return Authority(_certificate_pem(made), _key_pem(key))


def issue_client_certificate(
    ca: Authority, *, user: str, groups: Sequence[str] = (), not_before: datetime, lifetime: timedelta
) -> Leaf:
    """Issue a certificate that Kubernetes takes for a user in groups.

    The common name is the user, the organisations are the groups.

    Args:
        ca: the control plane's client authority.
        user: user name, at most 64 characters.
        groups: group names, each at most 64 characters; duplicates are dropped.
        not_before: when it is needed from, usually now; the certificate starts `CLOCK_SKEW` earlier.
        lifetime: how long from then on, at least a minute and not longer than the authority lives.

    Raises:
        UsageError: a name or the lifetime is out of bounds.
    """
    from cryptography.x509.oid import ExtendedKeyUsageOID

    _check_name("user name", user)
    for group in groups:
        _check_name("group name", group)
    return _issue(
        ca,
        _subject(user, tuple(dict.fromkeys(groups))),
        not_before=not_before,
        lifetime=lifetime,
        usages=[ExtendedKeyUsageOID.CLIENT_AUTH],
    )


def issue_admin_certificate(
    pki: ControlPlanePki, *, now: datetime, lifetime: timedelta = ADMIN_LIFETIME
) -> Leaf:
    """Issue the administrator's certificate: user `system:admin` in group `system:masters`, as k3s makes it.

    Args:
        pki: the control plane's PKI.
        now: the current time.
        lifetime: how long it lives; shortened when the authority ends before.
    """
    remaining = certificate_expiry(pki.client_ca.cert_pem) - now
    return issue_client_certificate(
        pki.client_ca,
        user="system:admin",
        groups=("system:masters",),
        not_before=now,
        lifetime=min(lifetime, remaining),
    )


def issue_server_certificate(
    ca: Authority,
    *,
    common_name: str,
    dns_names: Iterable[str] = (),
    ip_addresses: Iterable[str] = (),
    not_before: datetime,
    lifetime: timedelta,
    client_auth: bool = False,
) -> Leaf:
    """Issue a certificate for a TLS server.

    Args:
        ca: the authority its clients trust.
        common_name: for people only; clients look at the alternative names.
        dns_names: names it is reached by.
        ip_addresses: addresses it is reached by.
        not_before: as for `issue_client_certificate`.
        lifetime: as for `issue_client_certificate`.
        client_auth: whether it may also act as a client, as members of an etcd cluster do.

    Raises:
        UsageError: no alternative name at all, or the lifetime is out of bounds.
    """
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dict.fromkeys(dns_names)]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in dict.fromkeys(ip_addresses)]
    if not names:
        raise UsageError("A server certificate needs at least one DNS name or IP address.")
    usages = [ExtendedKeyUsageOID.SERVER_AUTH]
    if client_auth:
        usages.append(ExtendedKeyUsageOID.CLIENT_AUTH)
    return _issue(
        ca,
        _subject(common_name),
        not_before=not_before,
        lifetime=lifetime,
        usages=usages,
        alternative_names=names,
    )


def certificate_expiry(pem: str) -> datetime:
    """Return when a certificate ends (UTC).

    Args:
        pem: one or more certificates; the first counts.

    Raises:
        K3kError: it is no certificate.
    """
    return _load_certificate(pem).not_valid_after_utc


def _load_certificate(pem: str) -> x509.Certificate:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise K3kError("A stored certificate is damaged: it cannot be read.", hint=_RESTORE) from None


def _loaded_key(pem: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        # The cause is left out: it may quote the key.
        raise K3kError("An authority's key is no private key that can be read.", hint=_RESTORE) from None
    if not isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise K3kError("The authority's key is neither an EC nor an RSA key, so it cannot sign here.")
    return key


def _issue(
    ca: Authority,
    subject: x509.Name,
    *,
    not_before: datetime,
    lifetime: timedelta,
    usages: list[x509.ObjectIdentifier],
    alternative_names: Sequence[x509.GeneralName] = (),
) -> Leaf:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    issuer = _load_certificate(ca.cert_pem)
    # Of several keys the first belongs to the certificate that signs.
    issuer_key = _loaded_key(next(iter(keys_of(ca.key_pem)), ca.key_pem))
    issuer_identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    _check_lifetime(lifetime, not_before, issuer.not_valid_after_utc)
    key = _new_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(not_before - CLOCK_SKEW, issuer.not_valid_before_utc))
        .not_valid_after(not_before + lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_identifier), critical=False
        )
    )
    if alternative_names:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative_names), critical=False)
    signed = _certificate_pem(builder.sign(issuer_key, hashes.SHA256()))
    return Leaf(signed + chain_of(ca.cert_pem), _key_pem(key))


def _check_name(what: str, name: str) -> None:
    if not name or name != name.strip() or any(ord(character) < 32 for character in name):
        raise UsageError(
            f"A {what} must not be empty, start or end with a space, or hold control characters."
        )
    if len(name) > _LONGEST_NAME:
        raise UsageError(
            f"The {what} {name!r} has {len(name)} characters; a certificate takes at most {_LONGEST_NAME}."
        )


def _check_lifetime(lifetime: timedelta, not_before: datetime, authority_end: datetime) -> None:
    if lifetime < SHORTEST_LIFETIME:
        raise UsageError("A certificate must live for at least one minute.", hint="For example: --ttl 8h")
    if not_before + lifetime > authority_end:
        raise UsageError(
            f"A certificate cannot outlive its authority, which ends {authority_end:%Y-%m-%d %H:%M} UTC.",
            hint="Ask for a shorter lifetime.",
        )


def _subject(common_name: str, organizations: Iterable[str] = ()) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in organizations),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _new_key() -> ec.EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _new_service_key() -> str:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return _key_pem(rsa.generate_private_key(public_exponent=65537, key_size=_SERVICE_KEY_BITS))


def _key_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    """Return `EC PRIVATE KEY` (SEC 1) or `RSA PRIVATE KEY` (PKCS #1), as k3s writes its own keys."""
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode("ascii")


def _certificate_pem(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
