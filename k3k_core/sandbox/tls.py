"""TLS settings of the sandbox's listeners."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from k3k_core.pki import Leaf


def server_context(leaf: Leaf, client_ca: str) -> ssl.SSLContext:
    """Return the settings of a listener whose clients may show a certificate.

    Args:
        leaf: its certificate.
        client_ca: authority of its clients (PEM).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    show_certificate(context, leaf)
    context.load_verify_locations(cadata=client_ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.num_tickets = 0
    return context


def show_certificate(context: ssl.SSLContext, leaf: Leaf) -> None:
    """Have a listener show a certificate in all handshakes from now on.

    Args:
        context: settings of the listener.
        leaf: the certificate.
    """
    # The ssl module takes certificates with their keys from files only.
    with tempfile.TemporaryDirectory(prefix="k3k-sandbox-") as directory:
        path = Path(directory) / "tls.pem"
        path.touch(mode=0o600)
        path.write_text(leaf.cert_pem + leaf.key_pem, encoding="ascii")
        context.load_cert_chain(path)
