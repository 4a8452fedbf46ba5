"""How credentials are written down and read back: Secrets, the token file, kubeconfigs."""

from __future__ import annotations

import base64
import csv
import io
import shutil
import subprocess
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from k3k_core.errors import K3kError
from k3k_core.pki import (
    ControlPlanePki,
    EtcdPki,
    Tokens,
    issue_admin_certificate,
    kubeconfig,
    kubeconfig_expiry,
    new_etcd_pki,
    new_pki,
    new_tokens,
)
from tests.support.blueprints import ETCD_PKI, PKI

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def document(**more: str) -> str:
    pki = new_pki(NOW)
    return kubeconfig(
        cluster_name="dev",
        server="https://203.0.113.7:6443",
        ca_pem=pki.server_ca.cert_pem,
        leaf=issue_admin_certificate(pki, now=NOW),
        user_name="admin@dev",
        context_name="dev",
        **more,
    )


def test_authorities_survive_their_secret() -> None:
    assert ControlPlanePki.from_secret_data(PKI.to_secret_data()) == PKI


@pytest.mark.parametrize("name", ["server-ca.crt", "etcd-peer-ca.key", "service.key"])
def test_a_missing_file_is_named(name: str) -> None:
    data = PKI.to_secret_data()
    del data[name]
    with pytest.raises(K3kError, match=f"PKI Secret lacks {name}"):
        ControlPlanePki.from_secret_data(data)


def test_etcds_certificates_survive_their_secret() -> None:
    real = new_etcd_pki(new_pki(NOW), dns_names=["etcd"], now=NOW)
    for etcd in (ETCD_PKI, real):
        assert EtcdPki.from_secret_data(etcd.to_secret_data()) == etcd


def test_a_missing_file_of_etcds_is_named() -> None:
    data = ETCD_PKI.to_secret_data()
    del data["peer.key"]
    with pytest.raises(K3kError, match=r"etcd PKI Secret lacks peer\.key"):
        EtcdPki.from_secret_data(data)


def test_tokens_survive_their_secret() -> None:
    for tokens in (new_tokens(), new_tokens("given", "other", datastore_endpoint="postgres://x")):
        assert Tokens.from_secret_data(tokens.to_secret_data()) == tokens


@pytest.mark.parametrize(
    ("key", "named"), [("server", "server"), ("agent", "agent"), ("identities.csv", "k3k:probe")]
)
def test_a_missing_token_is_named(key: str, named: str) -> None:
    data = new_tokens().to_secret_data()
    del data[key]
    with pytest.raises(K3kError, match=named):
        Tokens.from_secret_data(data)


def test_given_tokens_are_kept_and_others_are_generated() -> None:
    tokens = new_tokens("mine")
    assert tokens.server == "mine"
    generated = (tokens.agent, tokens.probe, tokens.monitor)
    assert len({*generated, tokens.server}) == 4
    assert all(len(token) == 32 and set(token) <= set("0123456789abcdef") for token in generated)


def test_two_control_planes_share_no_token() -> None:
    assert not set(new_tokens().to_secret_data().values()) & set(new_tokens().to_secret_data().values())


def test_no_token_is_shown() -> None:
    tokens = new_tokens("hush-server", "hush-agent", datastore_endpoint="postgres://hush")
    shown = repr(tokens)
    assert not [item.name for item in fields(tokens) if getattr(tokens, item.name) in shown]


def test_the_token_file_is_as_the_api_server_reads_it() -> None:
    tokens = new_tokens()
    rows = list(csv.reader(io.StringIO(tokens.to_secret_data()["identities.csv"])))
    assert rows == [
        [tokens.probe, "k3k:probe", "probe"],
        [tokens.monitor, "k3k:monitor", "monitor", "system:monitoring"],
    ]


def test_the_node_password_stays_the_same_and_is_nobody_elses() -> None:
    tokens = new_tokens("weak", "weak")
    assert tokens.node_password == Tokens.from_secret_data(tokens.to_secret_data()).node_password
    assert tokens.node_password != new_tokens("weak", "weak").node_password


def test_a_kubeconfig_has_one_current_context_and_verifies_tls() -> None:
    parsed = yaml.safe_load(document())
    assert parsed["current-context"] == "dev"
    assert parsed["contexts"] == [{"name": "dev", "context": {"cluster": "dev", "user": "admin@dev"}}]
    (cluster,) = parsed["clusters"]
    assert set(cluster["cluster"]) == {"server", "certificate-authority-data"}
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]).startswith(b"-----BEGIN CERT")


def test_a_kubeconfig_can_name_a_namespace_and_the_server() -> None:
    parsed = yaml.safe_load(document(namespace="apps", tls_server_name="dev-k3k"))
    assert parsed["contexts"][0]["context"]["namespace"] == "apps"
    assert parsed["clusters"][0]["cluster"]["tls-server-name"] == "dev-k3k"


def test_a_kubeconfig_tells_when_it_ends() -> None:
    assert kubeconfig_expiry(document()) == NOW + timedelta(days=365)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "users: []",
        "users: [{user: {token: x}}]",
        "users: [{user: {client-certificate-data: '!'}}]",
    ],
)
def test_what_is_no_kubeconfig_with_a_certificate_ends_at_no_known_time(text: str) -> None:
    assert kubeconfig_expiry(text) is None


@pytest.mark.skipif(not shutil.which("kubectl"), reason="no kubectl here")
def test_kubectl_reads_a_kubeconfig(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig.yaml"
    path.write_text(document())
    command = ["kubectl", "config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}"]
    done = subprocess.run(
        [*command, "--kubeconfig", str(path)], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "https://203.0.113.7:6443"
