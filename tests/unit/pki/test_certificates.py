"""Authorities and certificates, as strict readers see them."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from k3k_core.errors import UsageError
from k3k_core.pki import (
    Authority,
    ControlPlanePki,
    Leaf,
    certificate_expiry,
    issue_admin_certificate,
    issue_client_certificate,
    issue_server_certificate,
    new_authority,
    new_etcd_pki,
    new_pki,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOURS = timedelta(hours=8)


@pytest.fixture(scope="module")
def pki() -> ControlPlanePki:
    return new_pki(NOW)


def read(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def names(certificate: x509.Certificate, kind: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(kind)]


def verify_client(ca: Authority, leaf: Leaf, at: datetime = NOW) -> None:
    """Verify as a TLS server does; Kubernetes' client certificates have no alternative names."""
    policy = ExtensionPolicy.webpki_defaults_ee().may_be_present(
        x509.SubjectAlternativeName, Criticality.AGNOSTIC, None
    )
    builder = PolicyBuilder().store(Store([read(ca.cert_pem)])).time(at)
    verifier = builder.extension_policies(
        ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=policy
    ).build_client_verifier()
    verifier.verify(read(leaf.cert_pem), [])


def verify_server(ca: Authority, leaf: Leaf, name: str) -> None:
    builder = PolicyBuilder().store(Store([read(ca.cert_pem)])).time(NOW)
    builder.build_server_verifier(x509.DNSName(name)).verify(read(leaf.cert_pem), [])


def authorities(pki: ControlPlanePki) -> list[Authority]:
    return [pki.server_ca, pki.client_ca, pki.request_header_ca, pki.etcd_server_ca, pki.etcd_peer_ca]


def test_authorities_are_named_as_k3s_names_its_own(pki: ControlPlanePki) -> None:
    found = [names(read(authority.cert_pem), NameOID.COMMON_NAME)[0] for authority in authorities(pki)]
    unix = int(NOW.timestamp())
    assert found == [
        f"k3s-server-ca@{unix}",
        f"k3s-client-ca@{unix}",
        f"k3s-request-header-ca@{unix}",
        f"etcd-server-ca@{unix}",
        f"etcd-peer-ca@{unix}",
    ]


def test_authorities_are_what_rfc_5280_asks_of_authorities(pki: ControlPlanePki) -> None:
    for authority in authorities(pki):
        certificate = read(authority.cert_pem)
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
        own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        issuer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        assert (constraints.critical, constraints.value.ca) == (True, True)
        assert (usage.critical, usage.value.key_cert_sign, usage.value.crl_sign) == (True, True, True)
        assert issuer.key_identifier == own
        assert certificate.not_valid_before_utc < NOW
        assert certificate.not_valid_after_utc == NOW + timedelta(days=3650)


def test_serial_numbers_are_random_and_long(pki: ControlPlanePki) -> None:
    serials = [read(authority.cert_pem).serial_number for authority in authorities(pki)]
    assert len(set(serials)) == len(serials)
    assert all(0 < serial < 2**159 for serial in serials)
    assert max(serials).bit_length() > 64


def test_keys_are_written_as_k3s_writes_its_own(pki: ControlPlanePki) -> None:
    for authority in authorities(pki):
        assert authority.key_pem.startswith("-----BEGIN EC PRIVATE KEY-----\n")
        key = serialization.load_pem_private_key(authority.key_pem.encode(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert key.curve.name == "secp256r1"
    assert pki.service_key_pem.startswith("-----BEGIN RSA PRIVATE KEY-----\n")
    service = serialization.load_pem_private_key(pki.service_key_pem.encode(), password=None)
    assert isinstance(service, rsa.RSAPrivateKey)
    assert service.key_size == 2048


def test_every_control_plane_has_authorities_of_its_own(pki: ControlPlanePki) -> None:
    assert not set(pki.to_secret_data().values()) & set(new_pki(NOW).to_secret_data().values())


def test_a_users_certificate_names_user_and_groups(pki: ControlPlanePki) -> None:
    leaf = issue_client_certificate(
        pki.client_ca, user="jane", groups=("dev", "ops", "dev"), not_before=NOW, lifetime=HOURS
    )
    certificate = read(leaf.cert_pem)
    assert names(certificate, NameOID.COMMON_NAME) == ["jane"]
    assert names(certificate, NameOID.ORGANIZATION_NAME) == ["dev", "ops"]


def test_a_users_certificate_is_for_clients_only(pki: ControlPlanePki) -> None:
    leaf = issue_client_certificate(pki.client_ca, user="jane", not_before=NOW, lifetime=HOURS)
    certificate = read(leaf.cert_pem)
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert (constraints.critical, constraints.value.ca) == (True, False)


def test_a_users_certificate_lives_as_long_as_asked_and_starts_before_now(pki: ControlPlanePki) -> None:
    leaf = issue_client_certificate(pki.client_ca, user="jane", not_before=NOW, lifetime=HOURS)
    assert certificate_expiry(leaf.cert_pem) == NOW + HOURS
    assert NOW - timedelta(hours=1) < read(leaf.cert_pem).not_valid_before_utc < NOW


def test_a_certificate_never_starts_before_its_authority(pki: ControlPlanePki) -> None:
    leaf = issue_client_certificate(pki.client_ca, user="jane", not_before=NOW, lifetime=HOURS)
    assert read(leaf.cert_pem).not_valid_before_utc >= read(pki.client_ca.cert_pem).not_valid_before_utc


def test_strict_verifiers_accept_a_users_certificate(pki: ControlPlanePki) -> None:
    verify_client(pki.client_ca, issue_admin_certificate(pki, now=NOW))


def test_an_expired_certificate_is_refused(pki: ControlPlanePki) -> None:
    leaf = issue_client_certificate(pki.client_ca, user="jane", not_before=NOW, lifetime=HOURS)
    with pytest.raises(VerificationError):
        verify_client(pki.client_ca, leaf, at=NOW + HOURS + timedelta(seconds=1))


def test_a_certificate_of_another_authority_is_refused(pki: ControlPlanePki) -> None:
    leaf = issue_client_certificate(pki.server_ca, user="jane", not_before=NOW, lifetime=HOURS)
    with pytest.raises(VerificationError):
        verify_client(pki.client_ca, leaf)


def test_the_administrator_is_who_k3s_makes_it(pki: ControlPlanePki) -> None:
    certificate = read(issue_admin_certificate(pki, now=NOW).cert_pem)
    assert names(certificate, NameOID.COMMON_NAME) == ["system:admin"]
    assert names(certificate, NameOID.ORGANIZATION_NAME) == ["system:masters"]
    assert certificate.not_valid_after_utc == NOW + timedelta(days=365)


def test_the_administrators_certificate_ends_with_its_authority_at_the_latest(pki: ControlPlanePki) -> None:
    late = NOW + timedelta(days=3600)
    assert certificate_expiry(issue_admin_certificate(pki, now=late).cert_pem) == certificate_expiry(
        pki.client_ca.cert_pem
    )


@pytest.mark.parametrize("user", ["", " jane", "jane ", "ja\nne", "j" * 65])
def test_names_that_no_certificate_can_carry(pki: ControlPlanePki, user: str) -> None:
    with pytest.raises(UsageError, match="user name"):
        issue_client_certificate(pki.client_ca, user=user, not_before=NOW, lifetime=HOURS)
    with pytest.raises(UsageError, match="group name"):
        issue_client_certificate(pki.client_ca, user="x", groups=(user,), not_before=NOW, lifetime=HOURS)


def test_the_longest_name_and_other_scripts_can_be_carried(pki: ControlPlanePki) -> None:
    for user in ("j" * 64, "Jürgen Groß", "system:serviceaccount:default:robot", "a,b=c+d"):
        leaf = issue_client_certificate(pki.client_ca, user=user, not_before=NOW, lifetime=HOURS)
        assert names(read(leaf.cert_pem), NameOID.COMMON_NAME) == [user]


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=59), timedelta(hours=-1)])
def test_a_certificate_lives_for_a_minute_at_least(pki: ControlPlanePki, lifetime: timedelta) -> None:
    with pytest.raises(UsageError, match="at least one minute"):
        issue_client_certificate(pki.client_ca, user="jane", not_before=NOW, lifetime=lifetime)


def test_a_certificate_does_not_outlive_its_authority(pki: ControlPlanePki) -> None:
    with pytest.raises(UsageError, match="ends 2036-11-19 12:00 UTC"):
        issue_client_certificate(pki.client_ca, user="jane", not_before=NOW, lifetime=timedelta(days=3651))


def test_a_server_certificate_is_accepted_for_its_names(pki: ControlPlanePki) -> None:
    leaf = issue_server_certificate(
        pki.server_ca,
        common_name="dev",
        dns_names=["dev.example.org", "dev.example.org", "*.pods.example.org"],
        ip_addresses=["203.0.113.7", "2001:db8::7"],
        not_before=NOW,
        lifetime=HOURS,
    )
    verify_server(pki.server_ca, leaf, "dev.example.org")
    verify_server(pki.server_ca, leaf, "one.pods.example.org")
    with pytest.raises(VerificationError):
        verify_server(pki.server_ca, leaf, "other.example.org")


def test_a_server_certificate_needs_a_name(pki: ControlPlanePki) -> None:
    with pytest.raises(UsageError, match="at least one DNS name or IP address"):
        issue_server_certificate(pki.server_ca, common_name="dev", not_before=NOW, lifetime=HOURS)


def test_etcds_certificates_serve_all_members_for_as_long_as_their_authorities(pki: ControlPlanePki) -> None:
    members = [f"dev-k3k-etcd-{number}.dev-k3k-etcd.team.svc" for number in range(3)]
    etcd = new_etcd_pki(pki, dns_names=members, now=NOW)
    for leaf, authority in ((etcd.server, pki.etcd_server_ca), (etcd.peer, pki.etcd_peer_ca)):
        for member in members:
            verify_server(authority, leaf, member)
        verify_client(authority, leaf)
        assert certificate_expiry(leaf.cert_pem) == certificate_expiry(authority.cert_pem)
    verify_client(pki.etcd_server_ca, etcd.client)


def test_an_authority_with_an_rsa_key_can_sign_too() -> None:
    rsa_authority = _rsa_authority()
    leaf = issue_client_certificate(rsa_authority, user="jane", not_before=NOW, lifetime=HOURS)
    verify_client(rsa_authority, leaf)


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl command here")
def test_openssl_accepts_all_of_it_strictly(pki: ControlPlanePki, tmp_path: Path) -> None:
    client = issue_admin_certificate(pki, now=NOW)
    server = issue_server_certificate(
        pki.server_ca, common_name="dev", dns_names=["dev"], not_before=NOW, lifetime=HOURS
    )
    cases = ((pki.client_ca, client, "sslclient"), (pki.server_ca, server, "sslserver"))
    for authority, leaf, purpose in cases:
        (tmp_path / "ca.crt").write_text(authority.cert_pem)
        (tmp_path / "leaf.crt").write_text(leaf.cert_pem)
        command = ["openssl", "verify", "-x509_strict", "-check_ss_sig", "-purpose", purpose]
        at = ["-attime", str(int(NOW.timestamp())), "-CAfile", "ca.crt", "leaf.crt"]
        done = subprocess.run(
            [*command, *at], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30
        )
        assert done.stdout == "leaf.crt: OK\n", done.stderr


def test_a_private_key_is_not_shown(pki: ControlPlanePki) -> None:
    leaf = issue_admin_certificate(pki, now=NOW)
    etcd = new_etcd_pki(pki, dns_names=["etcd"], now=NOW)
    assert not [item for item in (pki, pki.server_ca, leaf, etcd) if "PRIVATE KEY" in repr(item)]


def _rsa_authority() -> Authority:
    from cryptography.hazmat.primitives import hashes

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    template = read(new_authority("custom-ca", NOW).cert_pem)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(template.subject)
        .issuer_name(template.subject)
        .public_key(key.public_key())
        .serial_number(template.serial_number)
        .not_valid_before(template.not_valid_before_utc)
        .not_valid_after(template.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(template.extensions.get_extension_for_class(x509.KeyUsage).value, critical=True)
        .add_extension(identifier, critical=False)
    )
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return Authority(pem, key_pem)
