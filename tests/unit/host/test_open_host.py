"""From a kubeconfig file to an answer, credentials of every kind included."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from k3k_core.errors import UnauthorizedError, UnreachableError
from k3k_core.host import HostOptions, open_host
from k3k_core.resources import CONFIG_MAP
from tests.support.loopback import serve, status
from tests.support.tls import Certificate, TestAuthority, server_context

OBJECT: dict[str, Any] = {
    "kind": "ConfigMap",
    "apiVersion": "v1",
    "metadata": {"name": "a", "namespace": "n"},
}


@pytest.fixture
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture
def tls(tmp_path: Path, authority: TestAuthority) -> ssl.SSLContext:
    """The context of a server that demands client certificates."""
    return server_context(tmp_path, authority.issue(), client_authority=authority)


def _encoded(text: bytes) -> str:
    return base64.b64encode(text).decode()


def _options(
    folder: Path, server: str, user: dict[str, Any], authority: bytes = b"", **more: Any
) -> HostOptions:
    path = folder / "kubeconfig"
    cluster = {"server": server, "certificate-authority-data": _encoded(authority)}
    entries = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(json.dumps(entries))
    return HostOptions(str(path), **more)


def _plugin(folder: Path, script: str) -> dict[str, Any]:
    path = folder / "plugin"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin"}}


def _credential(**fields: str) -> str:
    return json.dumps(
        {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": fields}
    )


def _certificate_fields(certificate: Certificate) -> dict[str, str]:
    return {
        "clientCertificateData": certificate.certificate.decode(),
        "clientKeyData": certificate.key.decode(),
    }


def _common_name(request: web.Request) -> str:
    return str(request.get_extra_info("peercert")["subject"][0][0][1])


async def test_inline_certificates_leave_nothing_behind(
    tmp_path: Path, authority: TestAuthority, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    ours = authority.issue("admin")
    user = {"client-certificate-data": _encoded(ours.certificate), "client-key-data": _encoded(ours.key)}

    async with (
        serve(OBJECT, tls=tls) as server,
        open_host(_options(tmp_path, server.url, user, authority.pem), {}) as host,
    ):
        await host.get(CONFIG_MAP, "n", "a")
        assert list(scratch.iterdir()) == []


async def test_a_plugins_token_is_used(tmp_path: Path) -> None:
    user = _plugin(tmp_path, f"echo '{_credential(token='t')}'")

    async with serve(OBJECT) as server, open_host(_options(tmp_path, server.url, user), {}) as host:
        await host.get(CONFIG_MAP, "n", "a")
        await host.get(CONFIG_MAP, "n", "a")

    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer t"] * 2


async def test_a_plugins_rejected_certificate_is_replaced(
    tmp_path: Path, authority: TestAuthority, tls: ssl.SSLContext
) -> None:
    for number in ("1", "2"):
        fields = _certificate_fields(authority.issue(f"user{number}"))
        (tmp_path / number).write_text(_credential(**fields))
    user = _plugin(tmp_path, f"cd {tmp_path}; if mkdir ran 2>/dev/null; then cat 1; else cat 2; fi")
    seen: list[str] = []

    async def check(request: web.Request) -> web.Response:
        seen.append(_common_name(request))
        return web.json_response(OBJECT) if seen[-1] == "user2" else status(401, "Unauthorized", "no")

    async with (
        serve(check, tls=tls) as server,
        open_host(_options(tmp_path, server.url, user, authority.pem), {}) as host,
    ):
        await host.get(CONFIG_MAP, "n", "a")

    assert seen == ["user1", "user2"]


async def test_a_failing_plugin_is_an_error_of_its_own(tmp_path: Path) -> None:
    user = _plugin(tmp_path, "echo 'no session' >&2; exit 2")

    async with serve(OBJECT) as server, open_host(_options(tmp_path, server.url, user), {}) as host:
        with pytest.raises(UnauthorizedError, match="exited with 2: no session"):
            await host.get(CONFIG_MAP, "n", "a")

    assert server.requests == []


async def test_a_plugin_that_hangs_is_not_blamed_on_the_host(tmp_path: Path) -> None:
    options = _options(tmp_path, "https://127.0.0.1:1", _plugin(tmp_path, "sleep 60"), request_timeout=4)

    async with open_host(options, {}) as host:
        with pytest.raises(UnauthorizedError, match=r"did not finish within 3\.6 s"):
            await host.get(CONFIG_MAP, "n", "a")


async def test_nothing_is_contacted_before_the_first_request(tmp_path: Path) -> None:
    async with open_host(_options(tmp_path, "https://127.0.0.1:1", {"token": "t"}), {}) as host:
        assert (host.name, host.server) == ("x", "https://127.0.0.1:1")
        with pytest.raises(UnreachableError):
            await host.version()
