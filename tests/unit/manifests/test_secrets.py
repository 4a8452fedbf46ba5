"""Secrets: what they hold, what describes them, and how they are read back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from k3k_core.errors import K3kError
from k3k_core.manifests import (
    kubeconfig_secret,
    pki_secret,
    render_secrets,
    revision_secret,
    root_secret,
    secret_data,
    stored_revision,
    stored_values,
    tokens_secret,
)
from k3k_core.pki import issue_admin_certificate, kubeconfig, new_pki
from k3k_core.values import load_values
from tests.support.blueprints import (
    AYEDO_VALUES,
    ETCD_VALUES,
    EXTERNAL_VALUES,
    OWN_SECRET_VALUES,
    PKI,
    blueprint,
)


def root(text: str = "", **more: Any) -> dict[str, Any]:
    source = blueprint(text)
    return root_secret(source.id, source.values, **more)


def test_the_root_says_what_a_list_shows() -> None:
    found = root(ETCD_VALUES, revision=4, expires_at="2026-11-23T00:00:00Z")
    assert found["type"] == "k3k.ayedo.de/control-plane"
    assert found["metadata"]["annotations"] == {
        "k3k.ayedo.de/version": "v1.36.2+k3s1",
        "k3k.ayedo.de/servers": "3",
        "k3k.ayedo.de/datastore": "etcd",
        "k3k.ayedo.de/revision": "4",
        "k3k.ayedo.de/expires-at": "2026-11-23T00:00:00Z",
    }


def test_a_control_plane_that_never_expires_does_not_say_when() -> None:
    assert "k3k.ayedo.de/expires-at" not in root()["metadata"]["annotations"]


@pytest.mark.parametrize("text", ["", AYEDO_VALUES, ETCD_VALUES, OWN_SECRET_VALUES, "ttl: 8h"])
def test_stored_values_are_those_asked_for_but_for_the_tokens(text: str) -> None:
    asked = load_values(text).values
    expected = asked.model_copy(
        update={"k3s": asked.k3s.model_copy(update={"token": None, "agent_token": None})}
    )
    assert load_values(stored_values(root(text))).values == expected


@pytest.mark.parametrize(
    "endpoint",
    [
        "postgres://user:hush@db.example.org:5432/dev?sslmode=verify-full",
        "mysql://user:hush@tcp(db.example.org:3306)/dev",
        "https://etcd-hush.example.org:2379",
    ],
)
def test_stored_values_can_be_loaded_without_the_dsn(endpoint: str) -> None:
    text = f"datastore: {{kind: external, external: {{endpoint: '{endpoint}'}}}}"
    stored = stored_values(root(text))
    assert "hush" not in stored
    assert load_values(stored).values.datastore.kind == "external"


def test_the_dsn_is_in_the_tokens_secret() -> None:
    source = blueprint(EXTERNAL_VALUES)
    data = secret_data(tokens_secret(source.id, source.tokens, source.owner))
    assert data["datastore-endpoint"] == source.values.datastore.external.endpoint


def test_a_revision_never_changes() -> None:
    found = revision_secret(blueprint(AYEDO_VALUES))
    assert found["metadata"]["name"] == "dev-k3k-r1"
    assert found["immutable"] is True
    assert stored_values(found) == stored_values(root(AYEDO_VALUES))


def test_the_revision_number_is_read_back() -> None:
    assert stored_revision(root(revision=7)) == 7
    assert stored_revision({"metadata": {"name": "x"}}) == 1


def test_a_root_without_values_is_named() -> None:
    with pytest.raises(K3kError, match="Secret team/dev-k3k holds no values"):
        stored_values({"metadata": {"namespace": "team", "name": "dev-k3k"}, "data": {}})


def test_data_that_is_not_text_is_refused_without_showing_it() -> None:
    broken = {"metadata": {"namespace": "team", "name": "dev-k3k-pki"}, "data": {"service.key": "/w=="}}
    with pytest.raises(K3kError, match="Secret team/dev-k3k-pki holds data that is not text"):
        secret_data(broken)


def test_the_pki_secret_has_the_files_that_k3s_reads() -> None:
    source = blueprint()
    data = secret_data(pki_secret(source.id, PKI, source.owner))
    assert sorted(data) == [
        "client-ca.crt",
        "client-ca.key",
        "etcd-peer-ca.crt",
        "etcd-peer-ca.key",
        "etcd-server-ca.crt",
        "etcd-server-ca.key",
        "request-header-ca.crt",
        "request-header-ca.key",
        "server-ca.crt",
        "server-ca.key",
        "service.key",
    ]


def test_the_kubeconfig_has_the_key_of_the_values_and_says_when_it_ends() -> None:
    source = blueprint("k3s: {kubeconfig: {filename: admin.conf}}")
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    pki = new_pki(now)
    document = kubeconfig(
        cluster_name="dev",
        server="https://203.0.113.7:6443",
        ca_pem=pki.server_ca.cert_pem,
        leaf=issue_admin_certificate(pki, now=now, lifetime=timedelta(hours=8)),
        user_name="admin",
        context_name="dev",
    )
    found = kubeconfig_secret(source.id, source.values, document, source.owner)
    assert found["metadata"]["name"] == "dev-k3k-kubeconfig"
    assert secret_data(found) == {"admin.conf": document}
    assert found["metadata"]["annotations"] == {"k3k.ayedo.de/certificate-expires-at": "2026-11-22T20:00:00Z"}


def test_a_dedicated_etcd_needs_its_certificates() -> None:
    source = blueprint(ETCD_VALUES)
    assert "dev-k3k-etcd-pki" in {item["metadata"]["name"] for item in render_secrets(source)}
    with pytest.raises(ValueError, match="etcd_pki"):
        render_secrets(blueprint_without_etcd_pki())


def blueprint_without_etcd_pki() -> Any:
    from dataclasses import replace

    return replace(blueprint(ETCD_VALUES), etcd_pki=None)
