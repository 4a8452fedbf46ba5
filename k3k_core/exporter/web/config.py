"""Prometheus' web configuration file: TLS, passwords, headers and a rate limit for whoever serves metrics.

The format is that of Prometheus' exporter-toolkit, docs/web-configuration.md. Unlike there, every problem of a file
is told at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from k3k_core.errors import Issue, UsageError
from k3k_core.values.document import read_document

VERSIONS = ("TLS10", "TLS11", "TLS12", "TLS13")
CLIENT_AUTH_TYPES = (
    "NoClientCert",
    "RequestClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
)
# Go's names for what it offers up to TLS 1.2, and OpenSSL's names for the same.
CIPHERS = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    # The suites of TLS 1.3 are always on, in Go as in OpenSSL.
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
}
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": (),
    "Strict-Transport-Security": (),
}
_BCRYPT = re.compile(r"\$2[abxy]?\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}", re.ASCII)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """How the server proves who it is, and what it asks of clients.

    Attributes:
        cert: certificates, PEM; empty when they are in a file.
        key: private key, PEM.
        cert_file: file with the certificates.
        key_file: file with the key.
        client_ca: authorities of clients, PEM.
        client_ca_file: file with them.
        client_auth_type: one of CLIENT_AUTH_TYPES.
        client_allowed_sans: alternative names one of which a client's certificate must bear; empty for any.
        min_version: one of VERSIONS.
        max_version: one of VERSIONS.
        cipher_suites: keys of CIPHERS, in order of preference; empty for the library's choice.
        prefer_server_cipher_suites: whether that order counts and not the client's.
        curve_preferences: keys of CURVES, at most one.
    """

    cert: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    cert_file: str = ""
    key_file: str = ""
    client_ca: str = field(default="", repr=False)
    client_ca_file: str = ""
    client_auth_type: str = "NoClientCert"
    client_allowed_sans: tuple[str, ...] = ()
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True
    curve_preferences: tuple[str, ...] = ()

    @property
    def enabled(self) -> bool:
        """Whether TLS is asked for at all."""
        given = (self.cert, self.key, self.cert_file, self.key_file, self.client_ca, self.client_ca_file)
        return any(given) or self.client_auth_type != "NoClientCert"

    @property
    def files(self) -> tuple[str, ...]:
        """The files it names."""
        return tuple(filter(None, (self.cert_file, self.key_file, self.client_ca_file)))


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How often requests may come, all clients together.

    Attributes:
        interval: seconds between two requests; 0 for no limit.
        burst: requests that may come at once.
    """

    interval: float = 0.0
    burst: int = 0


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A web configuration.

    Attributes:
        tls: TLS.
        headers: headers to put on every answer.
        users: bcrypt hash of the password of each user; empty when nobody is asked for one.
        rate_limit: limit on requests.
    """

    tls: TlsConfig = field(default_factory=TlsConfig)
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    rate_limit: RateLimit = field(default_factory=RateLimit)


def read_web_config(path: Path) -> WebConfig:
    """Read a web configuration file; files it names are relative to its folder.

    Args:
        path: the file.

    Raises:
        UsageError: it cannot be read, or something is wrong with it.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"The web configuration {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The web configuration {path} is no text.") from None
    document = read_document(text)
    issues = list(document.issues)
    config = _parse(document.tree, path.parent, issues) if document.usable else WebConfig()
    if issues:
        raise refusal(path, issues)
    return config


def refusal(path: Path, issues: list[Issue]) -> UsageError:
    """Return the error that tells every problem of a web configuration.

    Args:
        path: the file.
        issues: what is wrong with it; at least one.
    """
    count = f"{len(issues)} problem" + ("s" if len(issues) > 1 else "")
    lines = "\n".join(f"  {issue}" for issue in issues)
    return UsageError(
        f"web configuration {path}: {count}\n{lines}",
        hint="docs/exporter.md shows one; the format is that of Prometheus' exporter-toolkit.",
    )


def _parse(tree: Mapping[str, Any], folder: Path, issues: list[Issue]) -> WebConfig:
    sections = {name: reader for name, (reader, _) in _SECTIONS.items()}
    read = _read_mapping(tree, sections, "", issues)
    for name, (_, readers) in _SECTIONS.items():
        if readers and name in read:
            read[name] = _read_mapping(read[name], readers, name, issues)
    files = {
        name: str(folder / value)
        for name, value in read.get("tls_server_config", {}).items()
        if name.endswith("_file") and value
    }
    tls = TlsConfig(**{**read.get("tls_server_config", {}), **files})
    _check_tls(tls, issues)
    rate_limit = RateLimit(**read.get("rate_limit", {}))
    if rate_limit.interval and not rate_limit.burst:
        issues.append(Issue("rate_limit.burst", "missing", "say how many requests may come at once"))
    headers = read.get("http_server_config", {}).get("headers", {})
    return WebConfig(tls, headers, read.get("basic_auth_users", {}), rate_limit)


def _read_mapping(
    tree: Mapping[str, Any], readers: Mapping[str, Callable[[Any], Any]], place: str, issues: list[Issue]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{place}.{key}" if place else key
        reader = readers.get(key)
        if reader is None:
            issues.append(Issue(path, "unknown key", f"known are {', '.join(sorted(readers))}"))
        elif value is not None:
            try:
                found[key] = reader(value)
            except _UnfitError as error:
                issues.append(Issue(path, str(error)))
    return found


def _check_tls(tls: TlsConfig, issues: list[Issue]) -> None:
    place = "tls_server_config"

    def wrong(key: str, problem: str) -> None:
        issues.append(Issue(f"{place}.{key}", problem))

    for name in ("cert", "key", "client_ca"):
        inline, file = getattr(tls, name), getattr(tls, f"{name}_file")
        if inline and file:
            wrong(name, f"given both here and as {name}_file")
        elif tls.enabled and name != "client_ca" and not (inline or file):
            wrong(f"{name}_file", f"missing: TLS needs {name}_file or {name}")
    has_ca = bool(tls.client_ca or tls.client_ca_file)
    if has_ca and tls.client_auth_type == "NoClientCert":
        wrong("client_auth_type", "missing: without it the authorities of clients mean nothing")
    if tls.client_auth_type in CLIENT_AUTH_TYPES[2:] and not has_ca:
        wrong("client_ca_file", f"missing: {tls.client_auth_type} needs authorities to verify against")
    if tls.client_allowed_sans and tls.client_auth_type != "RequireAndVerifyClientCert":
        wrong("client_allowed_sans", "needs client_auth_type: RequireAndVerifyClientCert")
    if VERSIONS.index(tls.min_version) > VERSIONS.index(tls.max_version):
        wrong("min_version", f"{tls.min_version} is above max_version, {tls.max_version}")
    if len(tls.curve_preferences) > 1:
        wrong(
            "curve_preferences",
            "Python's TLS can be held to one curve only; name one, or none for its own choice",
        )


class _UnfitError(Exception):
    """A value is not what its key takes."""


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _UnfitError("must be a mapping")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _UnfitError("must be text")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _UnfitError("must be true or false")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _UnfitError("must be a list of texts")
    return tuple(value)


def _choice(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise _UnfitError(f"{value!r} is none of {', '.join(choices)}")
        return str(value)

    return read


def _choices(*choices: str) -> Callable[[Any], tuple[str, ...]]:
    one = _choice(*choices)
    return lambda value: tuple(map(one, _texts(value)))


def _client_auth_type(value: Any) -> str:
    if value in {"RequireAnyClientCert", "RequireClientCert"}:
        raise _UnfitError(
            f"{value} accepts any certificate without verifying it; use RequireAndVerifyClientCert"
        )
    return _choice(*CLIENT_AUTH_TYPES)(value or "NoClientCert")


def _headers(value: Any) -> dict[str, str]:
    given = _mapping(value)
    for name, content in given.items():
        if name not in HEADERS:
            raise _UnfitError(f"{name} is none of {', '.join(HEADERS)}")
        if not isinstance(content, str) or not content.isascii() or not (content + " ").isprintable():
            raise _UnfitError(f"{name} must be plain text on one line")
        if HEADERS[name] and content and content.lower() not in HEADERS[name]:
            raise _UnfitError(f"{name} must be {' or '.join(HEADERS[name])}")
    return {name: content for name, content in given.items() if content}


def _users(value: Any) -> dict[str, str]:
    given = _mapping(value)
    for name, hashed in given.items():
        if not isinstance(hashed, str) or not _BCRYPT.fullmatch(hashed):
            raise _UnfitError(
                f"the password of {name!r} is no bcrypt hash, as `htpasswd -nBC 10 ''` prints it"
            )
        if ":" in name:
            raise _UnfitError(f"{name!r} cannot be a user: basic authentication ends names with a colon")
    return given


def _duration(value: Any) -> float:
    if value in (0, "0"):
        return 0.0
    matched = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        raise _UnfitError("must be a duration such as 1s or 100ms")
    return float(matched[1]) * _SECONDS[matched[2]]


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _UnfitError("must be a whole number that is not negative")
    return value


_Readers = Mapping[str, Callable[[Any], Any]]
_TLS: _Readers = {
    "cert": _text,
    "key": _text,
    "cert_file": _text,
    "key_file": _text,
    "client_ca": _text,
    "client_ca_file": _text,
    "client_auth_type": _client_auth_type,
    "client_allowed_sans": _texts,
    "min_version": _choice(*VERSIONS),
    "max_version": _choice(*VERSIONS),
    "cipher_suites": _choices(*CIPHERS),
    "prefer_server_cipher_suites": _boolean,
    "curve_preferences": _choices(*CURVES),
}
_SECTIONS: Mapping[str, tuple[Callable[[Any], Any], _Readers]] = {
    "tls_server_config": (_mapping, _TLS),
    # HTTP/2 is accepted and not spoken: clients that would like it get HTTP/1.1.
    "http_server_config": (_mapping, {"http2": _boolean, "headers": _headers}),
    "basic_auth_users": (_users, {}),
    "rate_limit": (_mapping, {"interval": _duration, "burst": _whole}),
}
