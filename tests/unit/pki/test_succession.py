"""Authorities that follow one another: who trusts what, shown by TLS itself with the strictest checks there are."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from k3k_core.pki import Authority, ControlPlanePki, Leaf, issue_server_certificate, new_authority, new_pki
from k3k_core.pki.bundles import authority_hash, certificates_of, join_token, keys_of, roots_of
from k3k_core.pki.succession import overlaps, standing_alone, succeeding_authority, succeeding_pki

NOW = datetime.now(UTC)
NAME = "dev.example"


@pytest.fixture(scope="module")
def generations() -> dict[str, Authority]:
    """An authority before, during and after it is exchanged, and once more."""
    old = new_authority("k3s-server-ca", NOW)
    overlap = succeeding_authority(old, "k3s-server-ca", NOW)
    alone = one_of(standing_alone(with_server_ca(overlap)))
    again = succeeding_authority(alone, "k3s-server-ca", NOW)
    return {"old": old, "overlap": overlap, "alone": alone, "again": again}


def with_server_ca(authority: Authority) -> ControlPlanePki:
    pki = new_pki(NOW)
    return ControlPlanePki(
        server_ca=authority,
        client_ca=pki.client_ca,
        request_header_ca=pki.request_header_ca,
        etcd_server_ca=pki.etcd_server_ca,
        etcd_peer_ca=pki.etcd_peer_ca,
        service_key_pem=pki.service_key_pem,
    )


def one_of(pki: ControlPlanePki) -> Authority:
    return pki.server_ca


def leaf_of(authority: Authority) -> Leaf:
    return issue_server_certificate(
        authority, common_name="dev", dns_names=[NAME], not_before=NOW, lifetime=timedelta(hours=1)
    )


def trusts(trusted: str, shown: Leaf, folder: Path) -> bool:
    """Whether a client that knows only `trusted` takes what a server shows."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.load_verify_locations(cadata=trusted)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = folder / "pair.pem"
    pair.write_text(shown.cert_pem + shown.key_pem)
    server.load_cert_chain(pair)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_hostname=NAME),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        for side in list(sides):
            try:
                side.do_handshake()
                sides.remove(side)
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return not sides


@pytest.mark.parametrize(
    ("trusted", "signer", "expected"),
    [
        ("old", "old", True),
        ("old", "overlap", True),
        ("old", "alone", False),
        ("overlap", "old", True),
        ("overlap", "overlap", True),
        ("overlap", "alone", True),
        ("alone", "old", False),
        ("alone", "overlap", True),
        ("alone", "alone", True),
        ("alone", "again", True),
        ("again", "alone", True),
        ("old", "again", False),
    ],
)
def test_each_generation_is_trusted_by_its_neighbours_only(
    generations: dict[str, Authority], tmp_path: Path, trusted: str, signer: str, expected: bool
) -> None:
    shown = leaf_of(generations[signer])
    assert trusts(generations[trusted].cert_pem, shown, tmp_path) is expected
    # Clients that were given the roots alone see it the same way.
    assert trusts("".join(roots_of(generations[trusted].cert_pem)), shown, tmp_path) is expected


def test_the_bundle_is_as_k3s_takes_it(generations: dict[str, Authority]) -> None:
    overlap = generations["overlap"]
    assert len(certificates_of(overlap.cert_pem)) == 4
    assert len(keys_of(overlap.key_pem)) == 2
    assert roots_of(overlap.cert_pem)[-1] == generations["old"].cert_pem
    assert len(certificates_of(generations["alone"].cert_pem)) == 2
    assert [overlaps(generations[name]) for name in ("old", "overlap", "alone", "again")] == [
        False,
        True,
        False,
        True,
    ]


def test_the_hash_in_join_tokens_stays_when_the_old_authority_goes(generations: dict[str, Authority]) -> None:
    hashes = {name: authority_hash(each.cert_pem) for name, each in generations.items()}
    assert hashes["overlap"] == hashes["alone"]
    assert len(set(hashes.values())) == 3
    assert join_token(generations["old"].cert_pem, "node:x") == f"K10{hashes['old']}::node:x"


def test_all_authorities_are_exchanged_and_the_key_of_accounts_stays() -> None:
    old = new_pki(NOW)
    new = succeeding_pki(old, NOW)
    assert new.service_key_pem == old.service_key_pem
    changed = [key for key, text in new.to_secret_data().items() if old.to_secret_data()[key] != text]
    assert len(changed) == 10
    assert ControlPlanePki.from_secret_data(new.to_secret_data()) == new
    assert new.server_ca.key_pem not in repr(new)
