"""Credentials for reading pages: from k3k's own Secrets, and from kubeconfigs that others wrote."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from k3k_core.errors import K3kError, NotFoundError
from k3k_core.fleet.credentials import Access, access_of_kubeconfig, read_access, secrets_of
from k3k_core.host import Key
from k3k_core.names import ControlPlaneId
from k3k_core.pki import new_pki, new_tokens

ID = ControlPlaneId("team-a", "ci")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Secrets:
    """Secrets of a host, by name."""

    def __init__(self, **secrets: dict[str, str]) -> None:
        self.secrets = {name.replace("_", "-"): data for name, data in secrets.items()}

    async def secret(self, key: Key) -> dict[str, str]:
        """Return one."""
        if key.name not in self.secrets:
            raise NotFoundError(f"There is no Secret {key.name}.")
        return self.secrets[key.name]


async def read(secrets: Secrets, made_by: str = "k3k", datastore: str = "sqlite") -> Access:
    """Read the credentials of the control plane."""
    return await read_access(secrets, ID, made_by=made_by, datastore=datastore)


async def test_the_authority_the_monitoring_token_and_the_name_of_the_service() -> None:
    pki, tokens = new_pki(NOW), new_tokens()
    access = await read(Secrets(ci_k3k_pki=pki.to_secret_data(), ci_k3k_tokens=tokens.to_secret_data()))
    assert (access.ca_pem, access.token) == (pki.server_ca.cert_pem, tokens.monitor)
    assert access.tls_server_name == "ci-k3k.team-a.svc"
    assert dict(access.authorities)["server-ca"] > NOW.timestamp()


async def test_a_certificate_that_cannot_be_read_hides_no_other() -> None:
    pki, tokens = new_pki(NOW).to_secret_data(), new_tokens()
    pki["client-ca.crt"] = "nonsense"
    access = await read(Secrets(ci_k3k_pki=pki, ci_k3k_tokens=tokens.to_secret_data()))
    assert "client-ca" not in dict(access.authorities)
    assert "server-ca" in dict(access.authorities)


async def test_a_missing_authority_is_an_error_that_says_so() -> None:
    pki = new_pki(NOW).to_secret_data()
    del pki["server-ca.crt"]
    with pytest.raises(K3kError, match=r"team-a/ci-k3k-pki lacks server-ca\.crt"):
        await read(Secrets(ci_k3k_pki=pki, ci_k3k_tokens=new_tokens().to_secret_data()))


@pytest.mark.parametrize(
    ("made_by", "datastore", "names"),
    [
        ("k3k", "sqlite", ["ci-k3k-pki", "ci-k3k-tokens"]),
        ("k3k", "etcd", ["ci-k3k-pki", "ci-k3k-tokens", "ci-k3k-etcd-pki"]),
        ("helm", "", ["ci-k3k-kubeconfig"]),
    ],
)
def test_only_the_secrets_that_are_needed_are_read(made_by: str, datastore: str, names: list[str]) -> None:
    assert [key.name for key in secrets_of(ID, made_by=made_by, datastore=datastore)] == names


def kubeconfig(cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> str:
    """A kubeconfig, with changes."""
    pem = base64.b64encode(b"PEM").decode()
    return yaml.safe_dump(
        {
            "clusters": [
                {
                    "name": "c",
                    "cluster": {
                        "server": "https://shop-k3k.legacy.svc:6443",
                        "certificate-authority-data": pem,
                        **(cluster or {}),
                    },
                }
            ],
            "users": [{"name": "u", "user": {"token": "t0k3n"} if user is None else user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )


def test_a_kubeconfig_gives_server_authority_and_identity() -> None:
    access = access_of_kubeconfig(ID, {"kubeconfig.yaml": kubeconfig()})
    assert (access.ca_pem, access.token, access.server) == ("PEM", "t0k3n", ("shop-k3k.legacy.svc", 6443))
    assert access.tls_server_name == "shop-k3k.legacy.svc"
    assert "t0k3n" not in repr(access)


def test_a_client_certificate_is_an_identity() -> None:
    pem = base64.b64encode(b"PEM").decode()
    user = {"client-certificate-data": pem, "client-key-data": pem}
    access = access_of_kubeconfig(ID, {"kubeconfig.yaml": kubeconfig(user=user)})
    assert (access.client_certificate, access.client_key, access.token) == ("PEM", "PEM", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "clusters",
        "clusters: [",
        "clusters: " + "[" * 5000,
        "{clusters: [], current-context: x, contexts: [], users: []}",
        "clusters: 3\ncontexts: 4\nusers: 5\ncurrent-context: 6\n",
        kubeconfig(user={}),
        kubeconfig(user={"exec": {"command": "curl"}}),
        kubeconfig(user={"client-certificate": "/etc/passwd", "client-key": "/etc/shadow"}),
        kubeconfig(cluster={"certificate-authority-data": ""}),
        kubeconfig(cluster={"certificate-authority-data": "%%%"}),
        kubeconfig(cluster={"certificate-authority-data": "", "insecure-skip-tls-verify": True}),
        kubeconfig(cluster={"server": "https://shop:notaport"}),
        kubeconfig(cluster={"server": "https://[::1"}),
        "clusters: &a [*a]\n",
    ],
)
def test_a_kubeconfig_that_is_of_no_use_is_told(text: str) -> None:
    with pytest.raises(K3kError, match="holds no kubeconfig with an authority"):
        access_of_kubeconfig(ID, {"kubeconfig.yaml": text})
