"""Prometheus' web configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from k3k_core.errors import UsageError
from k3k_core.exporter.web.config import RateLimit, TlsConfig, read_web_config

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
EVERYTHING = f"""
tls_server_config:
  cert_file: server.crt
  key_file: /etc/keys/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: clients.crt
  client_allowed_sans: [prometheus.example]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP256]
http_server_config:
  http2: false
  headers:
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    X-XSS-Protection: ""
    Strict-Transport-Security: max-age=31536000
    Content-Security-Policy: default-src 'none'
basic_auth_users:
  alice: {HASH}
rate_limit:
  interval: 100ms
  burst: 20
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "web.yaml"


def refusal_of(path: Path, text: str) -> str:
    """Return what is said of a configuration that is refused."""
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_web_config(path)
    return str(refused.value)


def test_everything_the_format_has_is_read(path: Path) -> None:
    path.write_text(EVERYTHING)
    config = read_web_config(path)
    assert config.tls == TlsConfig(
        cert_file=str(path.parent / "server.crt"),
        key_file="/etc/keys/server.key",
        client_auth_type="RequireAndVerifyClientCert",
        client_ca_file=str(path.parent / "clients.crt"),
        client_allowed_sans=("prometheus.example",),
        cipher_suites=("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
        prefer_server_cipher_suites=False,
        curve_preferences=("CurveP256",),
    )
    assert config.users == {"alice": HASH}
    assert config.rate_limit == RateLimit(0.1, 20)
    assert "X-XSS-Protection" not in config.headers
    assert config.headers["X-Frame-Options"] == "deny"


@pytest.mark.parametrize(
    "text", ["", "{}", "tls_server_config:\nbasic_auth_users:\n", "tls_server_config: {}"]
)
def test_an_empty_file_means_plain_http_for_everybody(path: Path, text: str) -> None:
    path.write_text(text)
    config = read_web_config(path)
    assert not config.tls.enabled
    assert not config.users


def test_every_problem_is_told_at_once(path: Path) -> None:
    said = refusal_of(
        path,
        "tls_server_config: {cert_fle: a, key_file: k, min_version: SSL3, client_auth_type: Maybe}\n"
        "basic_auth_user: {}\n"
        "basic_auth_users: {bob: secret-in-the-clear}\n"
        "http_server_config: {headers: {X-Powered-By: k3k}}\n"
        "rate_limit: {interval: often}\n",
    )
    assert said.splitlines()[0] == f"web configuration {path}: 8 problems"
    for part in (
        "tls_server_config.cert_fle: unknown key",
        "tls_server_config.min_version: 'SSL3' is none of TLS10, TLS11, TLS12, TLS13",
        "tls_server_config.client_auth_type: 'Maybe' is none of",
        "tls_server_config.cert_file: missing",
        "basic_auth_user: unknown key",
        "basic_auth_users: the password of 'bob' is no bcrypt hash",
        "http_server_config.headers: X-Powered-By is none of",
        "rate_limit.interval: must be a duration",
    ):
        assert part in said
    assert "secret-in-the-clear" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tls_server_config: {cert_file: a}", "key_file: missing"),
        ("tls_server_config: {key_file: a}", "cert_file: missing"),
        ("tls_server_config: {client_auth_type: RequestClientCert}", "cert_file: missing"),
        ("tls_server_config: {cert_file: a, cert: b, key_file: c}", "given both here and as cert_file"),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}",
            "client_auth_type: missing",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert}",
            "client_ca_file: missing",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAnyClientCert}",
            "use RequireAndVerifyClientCert",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_allowed_sans: [x]}",
            "client_allowed_sans: needs client_auth_type",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}",
            "min_version: TLS13 is above max_version",
        ),
        ("tls_server_config: {cert_file: a, key_file: b, cipher_suites: [RC4]}", "'RC4' is none of"),
        ("tls_server_config: {cert_file: a, key_file: b, cipher_suites: all}", "must be a list of texts"),
        ("tls_server_config: [cert_file]", "tls_server_config: must be a mapping"),
        ("tls_server_config: {cert_file: 7}", "cert_file: must be text"),
        ("http_server_config: {http2: maybe}", "http2: must be true or false"),
        ("http_server_config: {headers: {X-Frame-Options: allow}}", "must be deny or sameorigin"),
        (
            'http_server_config: {headers: {X-XSS-Protection: "a\\r\\nSet-Cookie: b"}}',
            "plain text on one line",
        ),
        (f'basic_auth_users: {{"a:b": "{HASH}"}}', "ends names with a colon"),
        ("basic_auth_users: [alice]", "basic_auth_users: must be a mapping"),
        ("rate_limit: {interval: 1s}", "rate_limit.burst: missing"),
        ("rate_limit: {interval: 1s, burst: -1}", "burst: must be a whole number"),
        ("- a\n- b\n", "and not a mapping"),
        ("a: {", "problem"),
        ("a: 1\na: 2\n", "a"),
        pytest.param("[" * 10_000, "nested too deeply", id="brackets"),
    ],
)
def test_what_makes_no_sense_is_refused(path: Path, text: str, said: str) -> None:
    assert said in refusal_of(path, text)


def test_a_file_that_cannot_be_read_is_one_sentence(path: Path) -> None:
    with pytest.raises(UsageError, match=r"web\.yaml cannot be read: No such file or directory\.$"):
        read_web_config(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is no text"):
        read_web_config(path)


def test_hashes_and_keys_are_not_shown() -> None:
    text = repr(TlsConfig(cert="c", key="private-key", client_ca="a"))
    assert "private-key" not in text
