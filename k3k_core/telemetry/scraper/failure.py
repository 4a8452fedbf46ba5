"""Why a target gave no answer that is of use: a kind to count by, and a sentence for a person."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Final, Literal, get_args

Kind = Literal["timeout", "connect", "tls", "protocol", "status", "content", "limit", "page", "internal"]
"""What kind of failure.

timeout: not finished in time; connect: nobody there, or the connection broke; tls: no trusted connection;
protocol: not HTTP/1.1 as it should be; status: an HTTP status of no use; content: another type or encoding than
asked for; limit: more than a target may send; page: not an exposition page; internal: an error of ours.
"""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

# Verification results of OpenSSL (x509_vfy.h).
_NOT_YET_VALID, _EXPIRED = 9, 10
_SELF_SIGNED, _SELF_SIGNED_IN_CHAIN = 18, 19
_UNKNOWN_ISSUER, _UNVERIFIABLE = 20, 21
_OTHER_NAME, _OTHER_ADDRESS = 62, 64

_VERIFICATION: Final = {
    _NOT_YET_VALID: "its certificate is not valid yet",
    _EXPIRED: "its certificate has expired",
    _SELF_SIGNED: "its certificate is signed by itself, not by the control plane's authority",
    _SELF_SIGNED_IN_CHAIN: "its certificate is from another authority than the control plane's",
    _UNKNOWN_ISSUER: "its certificate is from another authority than the control plane's",
    _UNVERIFIABLE: "its certificate is from another authority than the control plane's",
    _OTHER_NAME: "its certificate is for another name",
    _OTHER_ADDRESS: "its certificate is for another address",
}

_CONNECT: Final = {
    errno.ECONNREFUSED: "it refuses connections",
    errno.ECONNRESET: "it reset the connection",
    errno.EPIPE: "it closed the connection",
    errno.EHOSTUNREACH: "there is no route to it",
    errno.ENETUNREACH: "there is no route to it",
    errno.ETIMEDOUT: "the connection timed out",
    errno.EMFILE: "too many files are open here; raise the limit of open files",
    errno.ENFILE: "too many files are open on this machine",
    errno.EADDRNOTAVAIL: "no local port is free for a connection to it",
}


class TargetError(Exception):
    """A target gave no answer of use.

    Args:
        kind: what kind of failure.
        sentence: what happened, without a secret and without anything of the target's own words.
    """

    def __init__(self, kind: Kind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


def from_os(error: OSError) -> TargetError:
    """Word a failure to connect, or of a connection."""
    if isinstance(error, ssl.SSLError):
        return from_tls(error)
    if isinstance(error, socket.gaierror):
        return TargetError("connect", "its name cannot be resolved")
    return TargetError("connect", _CONNECT.get(error.errno or 0, "it cannot be connected to"))


def from_tls(error: ssl.SSLError) -> TargetError:
    """Word a failed TLS handshake or a broken TLS connection."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TargetError("tls", _VERIFICATION.get(error.verify_code, "its certificate cannot be verified"))
    if error.reason in {
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
    }:
        return TargetError("tls", "it does not speak TLS")
    if error.reason and "ALERT" in error.reason and ("CERTIFICATE" in error.reason or "CA" in error.reason):
        return TargetError("tls", "it does not accept the client certificate")
    return TargetError("tls", "the TLS connection failed")
