"""From a kubeconfig or a pod's identity to everything needed to reach a host."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from k3k_core.errors import UsageError
from k3k_core.host import HostOptions, open_host
from k3k_core.host.connection import Connection, find_connection

NOWHERE = Path("/nonexistent")


def _connect(
    folder: Path,
    cluster: dict[str, Any] | None = None,
    user: dict[str, Any] | None = None,
    *,
    context: dict[str, Any] | None = None,
    environ: dict[str, str] | None = None,
) -> Connection:
    """Write a kubeconfig with one context and return the connection it describes."""
    path = folder / "config"
    entries = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", **(context or {})}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://host:6443", **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
    }
    path.write_text(json.dumps(entries))
    return find_connection(HostOptions(str(path)), environ or {}, NOWHERE)


def _refusal(folder: Path, *parts: Any, **more: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        _connect(folder, *parts, **more)
    assert "hunter2" not in caught.value.message + caught.value.hint
    return caught.value


def test_a_context_names_server_and_namespace(tmp_path: Path) -> None:
    connection = _connect(tmp_path, {"server": "https://host:6443/path/"}, context={"namespace": "team"})

    assert (connection.name, connection.server, connection.namespace) == (
        "x",
        "https://host:6443/path",
        "team",
    )


def test_inline_material_is_decoded(tmp_path: Path) -> None:
    def encoded(text: bytes) -> str:
        return base64.b64encode(text).decode()

    connection = _connect(
        tmp_path,
        {"certificate-authority-data": encoded(b"A"), "certificate-authority": "missing"},
        {"client-certificate-data": encoded(b"C"), "client-key-data": encoded(b"K")},
    )

    assert (connection.authority, connection.login.certificate, connection.login.key) == (b"A", b"C", b"K")


def test_files_are_found_beside_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.crt").write_bytes(b"A")
    (tmp_path / "key").write_bytes(b"K")

    connection = _connect(
        tmp_path, {"certificate-authority": "pki/ca.crt"}, {"client-key": str(tmp_path / "key")}
    )

    assert (connection.authority, connection.login.key) == (b"A", b"K")


def test_all_kinds_of_login_are_understood(tmp_path: Path) -> None:
    user = {
        "token": "t",
        "tokenFile": "file",
        "username": "n",
        "password": "p",
        "as": "eve",
        "as-groups": ["g"],
    }

    login = _connect(tmp_path, user=user).login

    assert (login.token, login.token_file, login.basic) == ("t", tmp_path / "file", ("n", "p"))
    assert login.impersonation == (("Impersonate-User", "eve"), ("Impersonate-Group", "g"))


def test_switches_of_the_cluster_are_understood(tmp_path: Path) -> None:
    connection = _connect(
        tmp_path,
        {"insecure-skip-tls-verify": True, "tls-server-name": "name", "proxy-url": "http://proxy:3128"},
    )

    assert (connection.insecure, connection.tls_server_name, connection.proxy) == (
        True,
        "name",
        "http://proxy:3128",
    )


def test_the_environments_proxy_counts(tmp_path: Path) -> None:
    assert _connect(tmp_path, environ={"HTTPS_PROXY": "proxy:1"}).proxy == "http://proxy:1"


def test_a_context_without_a_user_is_anonymous(tmp_path: Path) -> None:
    assert _connect(tmp_path, context={"user": ""}).login.token == ""


def test_a_plugin_is_described(tmp_path: Path) -> None:
    plugin = _connect(
        tmp_path,
        {
            "tls-server-name": "name",
            "certificate-authority-data": base64.b64encode(b"A").decode(),
            "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "a"}}],
        },
        {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "command": "./bin/login",
                "args": ["get", 1],
                "env": [{"name": "A", "value": "b"}],
                "interactiveMode": "Never",
                "provideClusterInfo": True,
                "installHint": "install it",
            }
        },
    ).login.plugin

    assert plugin is not None
    assert (plugin.command, plugin.arguments, plugin.variables) == (
        str(tmp_path / "bin" / "login"),
        ("get", "1"),
        {"A": "b"},
    )
    assert (plugin.api_version, plugin.interactive_mode, plugin.install_hint) == (
        "client.authentication.k8s.io/v1beta1",
        "Never",
        "install it",
    )
    assert plugin.cluster == {
        "server": "https://host:6443",
        "tls-server-name": "name",
        "certificate-authority-data": "QQ==",
        "config": {"audience": "a"},
    }


def test_a_plugin_is_looked_up_in_the_path_not_beside_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "sh").write_text("")

    plugin = _connect(
        tmp_path, user={"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh"}}
    ).login.plugin

    assert plugin is not None
    assert plugin.command.endswith("/sh")
    assert not plugin.command.startswith(str(tmp_path))


@pytest.mark.parametrize(
    "server",
    [
        "",
        "host:6443",
        "ftp://host",
        "https://",
        "https://host:0",
        "https://host:99999",
        "https://u:hunter2@host",
        5,
    ],
)
def test_a_server_that_is_no_url_is_refused(tmp_path: Path, server: Any) -> None:
    error = _refusal(tmp_path, {"server": server})

    assert "server" in error.message


@pytest.mark.parametrize(
    ("cluster", "user", "context", "words"),
    [
        ({}, {}, {"cluster": "none"}, "context 'x' names a missing cluster, 'none'"),
        ({}, {}, {"user": "none"}, "context 'x' names a missing user, 'none'"),
        ({"certificate-authority": "none"}, {}, {}, "cannot be read: No such file or directory"),
        (
            {"certificate-authority-data": "hunter2"},
            {},
            {},
            "certificate-authority-data of 'c' is not base64",
        ),
        ({"insecure-skip-tls-verify": "hunter2"}, {}, {}, "must be true or false"),
        ({"proxy-url": "socks5://hunter2@p:1"}, {}, {}, "does not speak socks5 proxies"),
        ({}, {"client-key-data": 5}, {}, "client-key-data of 'u' must be a string"),
        ({}, {"token": ["hunter2"]}, {}, "token of 'u' must be a string"),
        ({}, {"exec": "hunter2"}, {}, "exec of user 'u' needs a command"),
        (
            {},
            {"exec": {"command": "c", "apiVersion": "v1alpha1"}},
            {},
            "has an apiVersion k3k does not speak",
        ),
        ({}, {"exec": {"command": "c", "args": "hunter2"}}, {}, "args of 'u' must be a list"),
        ({}, {"exec": {"command": "c", "env": ["hunter2"]}}, {}, "env of user 'u'"),
        ({}, {"auth-provider": {"name": "gcp"}}, {}, "uses an auth-provider k3k does not speak"),
        ({}, {"as-groups": "hunter2"}, {}, "as-groups of 'u' must be a list"),
        ({}, {"as-user-extra": {"k": "hunter2"}}, {}, "k of 'u' must be a list"),
    ],
)
def test_entries_that_are_not_usable_are_refused(
    tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any], context: dict[str, Any], words: str
) -> None:
    exec_block = user.get("exec")
    if isinstance(exec_block, dict):
        exec_block.setdefault("apiVersion", "client.authentication.k8s.io/v1")

    assert words in _refusal(tmp_path, cluster, user, context=context).message


def test_an_oidc_token_is_used_as_it_is(tmp_path: Path) -> None:
    user = {"auth-provider": {"name": "oidc", "config": {"id-token": "t"}}}

    assert _connect(tmp_path, user=user).login.token == "t"


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    """The folder a kubelet mounts into a pod."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    for name, content in (("token", "t"), ("ca.crt", "A"), ("namespace", "team\n")):
        (folder / name).write_text(content)
    return folder


@pytest.mark.parametrize(
    ("host", "server"), [("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
def test_in_a_pod_the_cluster_around_it_is_the_host(
    pod: Path, monkeypatch: pytest.MonkeyPatch, host: str, server: str
) -> None:
    monkeypatch.setenv("HOME", str(pod))
    environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"}

    connection = find_connection(HostOptions(), environ, pod)

    assert (connection.name, connection.server, connection.namespace) == ("in-cluster", server, "team")
    assert (connection.authority, connection.login.token_file) == (b"A", pod / "token")


def test_a_kubeconfig_comes_before_the_pods_identity(pod: Path, tmp_path: Path) -> None:
    _connect(tmp_path)
    environ = {
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBECONFIG": str(tmp_path / "config"),
    }

    assert find_connection(HostOptions(), environ, pod).name == "x"


def test_without_any_host_the_ways_to_one_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(UsageError, match="There is no host to talk to") as caught:
        find_connection(HostOptions(), {}, NOWHERE)

    assert "k3k sandbox up" in caught.value.hint


async def test_the_users_kubeconfig_stays_as_it_is(tmp_path: Path) -> None:
    _connect(tmp_path, user={"token": "t"})
    path = tmp_path / "config"
    path.chmod(0o400)
    before = path.read_bytes(), path.stat().st_mtime_ns

    async with open_host(HostOptions(str(path)), {}) as host:
        assert host.name == "x"

    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_connection_does_not_show_secrets(tmp_path: Path) -> None:
    connection = _connect(
        tmp_path,
        {"proxy-url": "http://u:hunter2@proxy"},
        {"token": "hunter2", "username": "u", "password": "hunter2"},
    )

    assert "hunter2" not in repr(connection)
