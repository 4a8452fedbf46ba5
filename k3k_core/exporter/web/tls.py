"""From a web configuration to a TLS context."""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path
from typing import Any

from k3k_core.errors import Issue
from k3k_core.exporter.web.config import CIPHERS, CURVES, TlsConfig
from k3k_core.host.private_files import private_files

_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_VERIFY = {
    # Python cannot ask for a certificate without verifying it; nobody looks at such a one anyway.
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_SAN_KINDS = {"DNS", "email", "IP Address", "URI"}


class TlsProblemsError(Exception):
    """A TLS configuration whose files cannot be used; `issues` says why."""

    def __init__(self, issues: list[Issue]) -> None:
        super().__init__("; ".join(map(str, issues)))
        self.issues = issues


def server_context(config: TlsConfig) -> ssl.SSLContext:
    """Return a server's TLS context.

    Args:
        config: with TLS enabled.

    Raises:
        TlsProblemsError: its files cannot be read, or do not fit each other.
    """
    issues = [issue for name in ("cert", "key", "client_ca") if (issue := _unreadable(config, name))]
    if issues:
        raise TlsProblemsError(issues)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        # Old versions are the operator's decision, and the default is TLS 1.2.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _VERSIONS[config.min_version]
        context.maximum_version = _VERSIONS[config.max_version]
    ciphers = ":".join(filter(None, (CIPHERS[name] for name in config.cipher_suites)))
    if ciphers:
        context.set_ciphers(ciphers)
    if config.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    for curve in config.curve_preferences:
        context.set_ecdh_curve(CURVES[curve])
    _load(context, config)
    context.verify_mode = _VERIFY[config.client_auth_type]
    return context


def may_enter(config: TlsConfig, certificate: dict[str, Any] | None) -> bool:
    """Return whether a client's certificate bears one of the names that are let in.

    Args:
        config: the configuration.
        certificate: as `ssl.SSLObject.getpeercert` returns it; None or empty without one.
    """
    if not config.client_allowed_sans:
        return True
    names = (certificate or {}).get("subjectAltName", ())
    return any(kind in _SAN_KINDS and name in config.client_allowed_sans for kind, name in names)


def _unreadable(config: TlsConfig, name: str) -> Issue | None:
    file = getattr(config, f"{name}_file")
    if not file:
        return None
    try:
        with Path(file).open("rb"):
            return None
    except OSError as error:
        return Issue(f"tls_server_config.{name}_file", f"{file} cannot be read: {error.strerror}")


def _load(context: ssl.SSLContext, config: TlsConfig) -> None:
    try:
        with private_files(config.cert.encode(), config.key.encode()) as (cert, key):
            # Without this function a key with a passphrase would make OpenSSL ask the terminal.
            context.load_cert_chain(cert or config.cert_file, key or config.key_file, password=_no_passphrase)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise TlsProblemsError(
            [Issue("tls_server_config", f"certificate and key cannot be used: {_why(error)}")]
        ) from None
    try:
        if config.client_ca_file or config.client_ca:
            context.load_verify_locations(config.client_ca_file or None, cadata=config.client_ca or None)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise TlsProblemsError(
            [Issue("tls_server_config", f"the authorities of clients cannot be used: {_why(error)}")]
        ) from None


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "they are no PEM").replace("_", " ").lower()
    return str(error)


def _no_passphrase() -> str:
    raise ValueError("the key is protected by a passphrase")
