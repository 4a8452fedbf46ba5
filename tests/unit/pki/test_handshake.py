"""A real TLS handshake with the strictest checks that Python's ssl knows, in memory."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from k3k_core.pki import (
    Authority,
    ControlPlanePki,
    Leaf,
    issue_client_certificate,
    issue_server_certificate,
    new_pki,
)


@pytest.fixture(scope="module")
def pki() -> ControlPlanePki:
    return new_pki(datetime.now(UTC))


@pytest.fixture
def server(pki: ControlPlanePki) -> Leaf:
    return issue_server_certificate(
        pki.server_ca,
        common_name="dev",
        dns_names=["dev-k3k.team.svc"],
        ip_addresses=["203.0.113.7"],
        not_before=datetime.now(UTC),
        lifetime=timedelta(hours=1),
    )


@pytest.fixture
def client(pki: ControlPlanePki) -> Leaf:
    return issue_client_certificate(
        pki.client_ca,
        user="jane",
        groups=("dev",),
        not_before=datetime.now(UTC),
        lifetime=timedelta(hours=1),
    )


def context(side: int, trusted: Authority, own: Leaf, folder: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(side)
    made.verify_mode = ssl.CERT_REQUIRED
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    made.load_verify_locations(cadata=trusted.cert_pem)
    pair = folder / f"{side}.pem"
    pair.write_text(own.cert_pem + own.key_pem)
    made.load_cert_chain(pair)
    return made


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> tuple[str, str]:
    """Let both sides talk until each has finished; return what each calls the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname=name)
    other = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [one, other]
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                continue
    assert not waiting
    return _common_name(one), _common_name(other)


def _common_name(side: ssl.SSLObject) -> str:
    certificate = side.getpeercert()
    assert certificate is not None
    subject = certificate["subject"]
    assert isinstance(subject, tuple)
    return next(str(pair[1]) for group in subject for pair in group if pair[0] == "commonName")


@pytest.mark.parametrize("name", ["dev-k3k.team.svc", "203.0.113.7"])
def test_both_sides_accept_each_other(
    pki: ControlPlanePki, server: Leaf, client: Leaf, tmp_path: Path, name: str
) -> None:
    ours = context(ssl.PROTOCOL_TLS_CLIENT, pki.server_ca, client, tmp_path)
    theirs = context(ssl.PROTOCOL_TLS_SERVER, pki.client_ca, server, tmp_path)
    assert shake_hands(ours, theirs, name) == ("dev", "jane")


def test_another_name_is_refused(pki: ControlPlanePki, server: Leaf, client: Leaf, tmp_path: Path) -> None:
    ours = context(ssl.PROTOCOL_TLS_CLIENT, pki.server_ca, client, tmp_path)
    theirs = context(ssl.PROTOCOL_TLS_SERVER, pki.client_ca, server, tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(ours, theirs, "other.team.svc")


def test_another_control_plane_is_refused(
    pki: ControlPlanePki, server: Leaf, client: Leaf, tmp_path: Path
) -> None:
    ours = context(ssl.PROTOCOL_TLS_CLIENT, new_pki(datetime.now(UTC)).server_ca, client, tmp_path)
    theirs = context(ssl.PROTOCOL_TLS_SERVER, pki.client_ca, server, tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed|unable to get"):
        shake_hands(ours, theirs, "dev-k3k.team.svc")
