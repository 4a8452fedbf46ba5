"""TLS towards control planes: trust in their own authority only, and the certificate they show."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from k3k_core.telemetry.scraper.failure import TargetError


def tls_context(authority: str, certificate: str = "", key: str = "") -> ssl.SSLContext:
    """Return what verifies a control plane's servers; the system's authorities are never loaded.

    Args:
        authority: the control plane's authority, PEM.
        certificate: client certificate to show, PEM; empty for none.
        key: its key, PEM; it is in a file only while it is loaded.

    Raises:
        TargetError: one of them cannot be used.
    """
    if not authority.strip():
        # Without it the system's authorities would be trusted.
        raise TargetError("tls", "the control plane's authority is not known")
    try:
        context = ssl.create_default_context(cadata=authority)
    except (ssl.SSLError, ValueError):
        raise TargetError("tls", "the control plane's authority is not a usable certificate") from None
    if certificate:
        try:
            with _private_file(f"{certificate}\n{key}".encode()) as name:
                # An encrypted key must not make OpenSSL ask on the terminal.
                context.load_cert_chain(name, password="")
        except (ssl.SSLError, ValueError):
            raise TargetError("tls", "the client certificate and its key cannot be used") from None
    return context


def certificate_end(connection: ssl.SSLObject) -> float | None:
    """Return when the certificate that the other side showed ends, seconds since 1970; None when unknown."""
    try:
        certificate = connection.getpeercert()
        return float(ssl.cert_time_to_seconds(str(certificate["notAfter"]))) if certificate else None
    except (ssl.SSLError, ValueError, KeyError, OverflowError):
        return None


@contextmanager
def _private_file(content: bytes) -> Iterator[str]:
    """Offer a content as a file that only this process can read, on no disk where the system can do that."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("k3k", os.MFD_CLOEXEC), "wb") as file:
            file.write(content)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
        return
    # mkdtemp makes the folder with mode 0700.
    with tempfile.TemporaryDirectory(prefix="k3k-") as folder:
        path = Path(folder, "material")
        path.touch(mode=0o600)
        path.write_bytes(content)
        yield str(path)
