"""Failures below HTTP, in words: which server, what went wrong, what to do."""

from __future__ import annotations

import socket
import ssl

import aiohttp

from k3k_core.errors import UnreachableError
from k3k_core.host.connection import Connection
from k3k_core.host.requests import Request

# X509_V_ERR_* of OpenSSL's x509_vfy.h.
_CERTIFICATE_PROBLEMS = {
    9: ("its certificate is not valid yet", "Check the clock of this machine."),
    10: (
        "its certificate has expired",
        "Renew the server's certificate, or check the clock of this machine.",
    ),
    18: ("its certificate is signed by itself", ""),
    19: ("its certificate is signed by an authority that is not trusted", ""),
    20: ("its certificate is signed by an authority that is not trusted", ""),
    21: ("its certificate is signed by an authority that is not trusted", ""),
    62: ("its certificate is for another name", "Use a name the certificate holds, or set tls-server-name."),
    64: (
        "its certificate is for another address",
        "Use a name the certificate holds, or set tls-server-name.",
    ),
}
_UNSTEADY = "It may be restarting, or the way to it is unsteady: try again in a moment."
_AUTHORITY_HINT = "Check the certificate-authority-data of the kubeconfig."
_NOT_TLS = {
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "RECORD_LAYER_FAILURE",
    "UNEXPECTED_MESSAGE",
    "PACKET_LENGTH_TOO_LONG",
}
_CLIENT_REFUSED = ("BAD_CERTIFICATE", "CERTIFICATE_EXPIRED", "CERTIFICATE_UNKNOWN", "UNKNOWN_CA")


def never_sent(error: BaseException) -> bool:
    """Return whether the request certainly did not reach the server: no connection was made."""
    return isinstance(
        error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.ClientHttpProxyError
    )


def worth_repeating(error: BaseException) -> bool:
    """Return whether another attempt may succeed in a moment.

    A wrong certificate stays wrong, and an address that was silent for seconds has had its chance.
    """
    lasting = (
        aiohttp.ConnectionTimeoutError,
        aiohttp.ClientSSLError,
        aiohttp.ClientHttpProxyError,
        aiohttp.InvalidURL,
        ssl.SSLError,
    )
    passing = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
    return isinstance(error, passing) and not isinstance(error, lasting)


def unreachable(connection: Connection, request: Request, error: BaseException) -> UnreachableError:
    """Return the error that tells a person why there was no answer.

    Args:
        connection: the host.
        request: what was asked.
        error: what aiohttp, the TLS library or the operating system said.
    """
    what, hint = _explain(connection, error)
    return UnreachableError(f"{where(connection)} {what} ({request.doing}).", hint=hint)


def timed_out(connection: Connection, request: Request, seconds: float) -> UnreachableError:
    """Return the error for a host that did not answer in time."""
    return UnreachableError(
        f"{where(connection)} did not answer within {seconds:g} s ({request.doing}).",
        hint="Check that the host is up, or give it longer with --request-timeout.",
    )


def where(connection: Connection) -> str:
    """Return the words that name a host in a sentence."""
    return f"Host {connection.name} ({connection.server})"


def _explain(connection: Connection, error: BaseException) -> tuple[str, str]:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _certificate(error.certificate_error)
    tls = _tls_error(error)
    if tls is not None:
        return _tls(tls)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return (
            f"cannot be reached through the proxy: it answered {error.status}",
            "Check proxy-url or HTTPS_PROXY.",
        )
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return (
            f"cannot be reached: the proxy does not answer ({_reason(error)})",
            "Check proxy-url or HTTPS_PROXY.",
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return (
            "cannot be reached: its name cannot be resolved",
            "Check the server in the kubeconfig and your DNS.",
        )
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "cannot be reached: connecting took too long", "Check the address, the network and firewalls."
    if isinstance(error, aiohttp.ClientConnectorError):
        return (
            f"cannot be reached: {_reason(error)}",
            "Check that the host is up and the server in the kubeconfig.",
        )
    if isinstance(error, aiohttp.SocketTimeoutError):
        return "fell silent in the middle of an answer", _UNSTEADY
    if isinstance(error, aiohttp.ClientPayloadError):
        return "broke off in the middle of its answer", _UNSTEADY
    if isinstance(error, aiohttp.ClientResponseError):
        return "gave an answer that is not HTTP as it should be", _hint_for_scheme(connection)
    if isinstance(error, aiohttp.ClientConnectionError):
        return "closed the connection without an answer", _hint_for_scheme(connection)
    return "cannot be reached", ""


def _certificate(error: BaseException) -> tuple[str, str]:
    code = getattr(error, "verify_code", 0)
    problem, hint = _CERTIFICATE_PROBLEMS.get(code, ("its certificate is not acceptable", ""))
    detail = getattr(error, "verify_message", "") if code not in _CERTIFICATE_PROBLEMS else ""
    return f"is not trusted: {problem}" + (f" ({detail})" if detail else ""), hint or _AUTHORITY_HINT


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    current: BaseException | None = error
    while current is not None:
        # aiohttp's own TLS errors are SSLErrors too, without what the library said.
        nested = getattr(current, "os_error", None)
        if isinstance(current, ssl.SSLError) and nested is None:
            return current
        current = nested if isinstance(nested, BaseException) else current.__cause__
    return None


def _tls(error: ssl.SSLError) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error)
    reason = error.reason or ""
    if reason in _NOT_TLS:
        return "does not speak TLS", "Is the server's URL meant to begin with http://?"
    if reason.endswith("CERTIFICATE_REQUIRED"):
        return "wants a client certificate", "Check the user of this context in the kubeconfig."
    if reason.endswith(_CLIENT_REFUSED):
        return "refused the client certificate", "It may have expired: fetch a new kubeconfig."
    return f"failed the TLS handshake ({reason.lower().replace('_', ' ') or 'no reason given'})", ""


def _reason(error: aiohttp.ClientConnectorError) -> str:
    cause = error.os_error
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, socket.gaierror):
        return "its name cannot be resolved"
    return (cause.strerror or type(cause).__name__).lower()


def _hint_for_scheme(connection: Connection) -> str:
    if connection.server.startswith("http:"):
        return "Is the server's URL meant to begin with https://?"
    return "Is this the address of a Kubernetes API server?"
