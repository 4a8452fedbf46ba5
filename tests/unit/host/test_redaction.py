"""Nothing that looks like a credential is shown."""

from __future__ import annotations

import pytest

from k3k_core.host.redaction import MESSAGE_LIMIT, redact


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("got -----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY----- here", "MHcCAQ"),
        ("cut off -----BEGIN PRIVATE KEY-----\nMIGHAgEA", "MIGHAgEA"),
        ("token K10" + "ab" * 32 + "::server:s3cr3t", "s3cr3t"),
        ("jwt eyJhbGciOiJSUzI1NiIsImtpZCI6In.eyJpc3MiOiJrdWJl.c2lnbmF0dXJl", "c2lnbmF0dXJl"),
        ("dsn postgres://user:s3cr3t@db/k3s", "s3cr3t"),
        ("header Bearer abcdef0123456789", "abcdef0123456789"),
        ("header basic dXNlcjpzM2NyM3Q=", "dXNlcjpzM2NyM3Q="),
        ("data LS0tLS1CRUdJTiBFQyBQUklWQVRF", "LS0tLS1CRUdJTiBF"),
    ],
)
def test_credentials_are_hidden(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert "[hidden]" in redact(text)


def test_ordinary_words_stay() -> None:
    said = 'configmaps "a" is forbidden: User "basic-user" cannot get https://host:6443/api, ever'

    assert redact(said) == said


def test_the_result_is_one_short_line_without_control_characters() -> None:
    assert redact("a\n\n\x1b[31mb\x00") == "a [31mb"
    assert len(redact("x" * 10_000)) == MESSAGE_LIMIT
